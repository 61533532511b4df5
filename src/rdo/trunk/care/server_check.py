"""Check the server of this factory: it answers, is this rdo, and has its database."""

import json
from typing import TYPE_CHECKING, Any

from rdo import __version__
from rdo.app.stores import known_mark
from rdo.starter.units import FoundUnit, is_enabled
from rdo.trunk.care.checked import CheckState, ConfigurationCheck

if TYPE_CHECKING:
    from rdo.config import Settings

_SECONDS = 10.0
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
_MOST_BYTES = 100_000


def check_server(settings: "Settings", unit: FoundUnit | None) -> ConfigurationCheck:
    """Ask the server at `serve.host` and `serve.port`; `unit` is the service that should run it.

    A factory need not have a server: if no enabled service should run one, silence is not a fault.
    """
    host = _ANYWHERE.get(settings.serve.host, settings.serve.host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.serve.port}"
    restart = unit.restart if unit else "end it, and start rdo serve again"
    if not settings.serve.port:
        return _server_check(CheckState.SKIPPED, "serve.port is 0: any port that is free")
    status, answer = _asked(f"{url}/api/v1/health")
    message = answer.get("message", "")
    match status, answer:
        case "refused", _ if unit is None or not is_enabled(unit):
            return _server_check(CheckState.NOTE, f"none at {url}", "rdo serve starts one")
        case "refused", _:
            start = unit.restart if unit else ""
            return _server_check(CheckState.FAULT, f"nobody listens at {url}", start)
        case str(), _:
            return _server_check(
                CheckState.UNREACHABLE, f"{url} does not answer: {status}", restart
            )
        case int(), {"version": str(version), "database": str(database)}:
            return _compared(settings, url, version, database, answer.get("rounds"), restart)
        case 503, _ if message:
            return _server_check(CheckState.FAULT, f"{url} is ill: {message}", restart)
    other = f"what listens at {url} is not rdo serve, or is older than this rdo"
    is_needed = unit is not None and is_enabled(unit)
    state = CheckState.FAULT if is_needed else CheckState.NOTE
    return _server_check(state, other, f"{restart}; or choose another serve.port")


def _compared(
    settings: "Settings", url: str, version: str, database: str, rounds: object, restart: str
) -> ConfigurationCheck:
    known = known_mark(settings)
    if version != __version__:
        detail = f"{url} runs rdo {version}, this is rdo {__version__}"
        return _server_check(CheckState.FAULT, detail, restart)
    if known and database != known:
        detail = f"{url} uses another database than this factory"
        remedy = f"{restart}; if it serves another factory, choose another serve.port"
        return _server_check(CheckState.FAULT, detail, remedy)
    if rounds is False:
        detail = f"{url} answers, but its rounds do not run"
        return _server_check(
            CheckState.FAULT, detail, "check the server's log: it says why they ended"
        )
    return _server_check(CheckState.OK, url)


def _server_check(state: CheckState, detail: str, remedy: str = "") -> ConfigurationCheck:
    return ConfigurationCheck("server", state, detail, remedy)


def _asked(url: str) -> tuple[int | str, dict[str, Any]]:
    """Return the status and the JSON of an answer; without one, the reason as the status."""
    import httpx  # only needed to ask a server

    try:
        with httpx.stream("GET", url, timeout=_SECONDS, trust_env=False) as answer:
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    break
    except httpx.ConnectError:
        return "refused", {}
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return str(error) or type(error).__name__, {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    return answer.status_code, found if isinstance(found, dict) else {}
