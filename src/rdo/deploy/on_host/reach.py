"""Check that a service of the cloud answers at all, before a client library waits for it."""

import time

from rdo.deploy.on_host.acts import Unsure

_ANSWER_SECONDS = 10
_REMEMBER_SECONDS = 60
_silent: "dict[str, float]" = {}


def must_answer(url: str, name: str) -> None:
    """Raise Unsure unless a server gives any HTTP answer there.

    After a server was silent for the whole time, this does not wait for it again within a minute.
    """
    import requests

    if time.monotonic() < _silent.get(url, 0):
        raise Unsure(f"{name} answers")
    try:
        requests.get(url, timeout=_ANSWER_SECONDS, allow_redirects=False, stream=True).close()
    except requests.Timeout:
        _silent[url] = time.monotonic() + _REMEMBER_SECONDS
        raise Unsure(f"{name} answers") from None
    except requests.RequestException:
        raise Unsure(f"{name} answers") from None
