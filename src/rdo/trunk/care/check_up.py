"""The checks of `rdo doctor` on a configuration, before a round meets its faults."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rdo.app import App
from rdo.app.stores import look_at_store
from rdo.app.targets import signer
from rdo.cancellation import in_threads
from rdo.errors import OutsideError, UserError
from rdo.log_tail import last_line
from rdo.metadata import Level
from rdo.metadata.checking.online import ask
from rdo.metadata.checking.verify import verify
from rdo.model.text.address import is_address
from rdo.model.text.url import is_on_pypi
from rdo.notify.way import AwayError
from rdo.starter.units import FoundUnit, find_units, is_enabled, unit_of_server
from rdo.trunk.care.checked import CheckState, ConfigurationCheck
from rdo.trunk.care.server_check import check_server
from rdo.trunk.telling.ways import mail_server

if TYPE_CHECKING:
    from rdo.config import Settings

log = logging.getLogger(__name__)

_AT_ONCE = 16
_SHOWN = 3
_PAGE = "status_report.html"
_TIMEOUT_SECONDS = 20.0


def check_up(app: App, *, offline: bool = False) -> list[ConfigurationCheck]:
    """Check everything a round needs besides the machine: configuration, database, servers, units.

    With `offline`, only the database's server is contacted.
    """
    try:
        settings = app.settings
    except UserError as error:
        return [_problem("config", error)]
    where = str(app.configuration.file or "no rdo.toml; `rdo init DIR` makes one")
    checks = [ConfigurationCheck("config", CheckState.OK, where)]
    if app.configuration.file is None:
        return [ConfigurationCheck("config", CheckState.NOTE, where)]
    checks += [_database(settings), *_metadata(app, offline=offline), *_platforms(app)]
    checks.append(_skipped("remotes") if offline else _remotes(app))
    checks.append(_mail(settings, offline=offline))
    for target in settings.targets:
        checks.append(_base_url(settings, target, offline=offline))
        checks.append(_signing(app, target))
    units = find_units(_folder(app))
    checks.append(_skipped("server") if offline else _server(app, units))
    return [*checks, _units(app, units)]


def worst(checks: list[ConfigurationCheck]) -> CheckState:
    """Return FAULT or UNREACHABLE if any check ended so, the former first; else OK."""
    states = {one.state for one in checks}
    order = (CheckState.FAULT, CheckState.UNREACHABLE)
    return next((state for state in order if state in states), CheckState.OK)


def _problem(name: str, error: UserError, remedy: str = "") -> ConfigurationCheck:
    is_outside = isinstance(error, OutsideError)
    state = CheckState.UNREACHABLE if is_outside else CheckState.FAULT
    return ConfigurationCheck(name, state, str(error), error.hint or remedy)


def _skipped(name: str, why: str = "--offline") -> ConfigurationCheck:
    return ConfigurationCheck(name, CheckState.SKIPPED, why)


def _database(settings: "Settings") -> ConfigurationCheck:
    try:
        found = look_at_store(settings)
    except UserError as error:
        return _problem("database", error)
    if not found:
        detail = "does not exist yet; the first round makes it"
        return ConfigurationCheck("database", CheckState.NOTE, detail)
    return ConfigurationCheck("database", CheckState.OK, found)


def _metadata(app: App, *, offline: bool) -> Iterator[ConfigurationCheck]:
    section = app.settings.metadata
    if offline and section and is_address(section.source):
        yield _skipped("metadata")
        return
    try:
        distribution = app.distribution
        faults = verify(distribution) if section and section.layout == "rdoinfo" else []
        sizes = [len(app.packages(target).packages) for target in app.settings.targets]
    except UserError as error:
        yield _problem("metadata", error, "rdo info verify")
        return
    errors = [fault for fault in faults if fault.level is Level.ERROR]
    if errors:
        more = f"; {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
        detail = "; ".join(map(str, errors[:_SHOWN])) + more
        yield ConfigurationCheck("metadata", CheckState.FAULT, detail, "rdo info verify")
    elif not sizes:
        detail, remedy = "rdo.toml has no [targets.NAME]", "add one, as docs/configuration.md shows"
        yield ConfigurationCheck("metadata", CheckState.FAULT, detail, remedy)
    else:
        yield ConfigurationCheck("metadata", CheckState.OK, f"{max(sizes)} packages")


def _platforms(app: App) -> Iterator[ConfigurationCheck]:
    for name in sorted({target.platform for target in app.settings.targets.values()}):
        try:
            is_made = app.platforms.has(name)
        except UserError as error:
            yield _problem(f"platform {name}", error, "rdo platform list")
            continue
        if is_made:
            yield ConfigurationCheck(f"platform {name}", CheckState.OK, "made")
        else:
            detail = "not made yet; the first round makes it, which takes a minute or two"
            remedy = f"rdo platform create {name} makes it now"
            yield ConfigurationCheck(f"platform {name}", CheckState.NOTE, detail, remedy)


def _remotes(app: App) -> ConfigurationCheck:
    """Ask each git remote of all targets once; PyPI is only asked by rounds."""
    try:
        urls = {
            url
            for target in app.settings.targets
            for package in app.packages(target).packages
            for url in package.remotes
            if not is_on_pypi(url)
        }
    except UserError:
        return _skipped("remotes", "the metadata cannot be read")
    log.info("asking %d remotes", len(urls))
    said = in_threads(_ask, sorted(urls), at_once=_AT_ONCE, name="doctor")
    answers = [text for text in said if text]
    if not answers:
        return ConfigurationCheck("remotes", CheckState.OK, f"{len(urls)} answer")
    more = f"; {len(answers) - _SHOWN} more" if len(answers) > _SHOWN else ""
    detail = f"{len(answers)} of {len(urls)} do not answer: {'; '.join(answers[:_SHOWN])}{more}"
    remedy = "fix the URL in the metadata, or try again later"
    return ConfigurationCheck("remotes", CheckState.UNREACHABLE, detail, remedy)


def _ask(url: str) -> str:
    try:
        ask(url)
    except UserError as error:
        return f"{url}: {last_line(str(error))}"
    return ""


def _mail(settings: "Settings", *, offline: bool) -> ConfigurationCheck:
    if settings.mail is None:
        return _skipped("mail", "no [mail] in rdo.toml: no mail is sent")
    if offline:
        return _skipped("mail")
    try:
        detail = mail_server(settings.mail).greet()
    except AwayError as error:
        remedy = "check server, port and security in [mail]"
        return ConfigurationCheck("mail", CheckState.UNREACHABLE, str(error), remedy)
    except UserError as error:
        return _problem("mail", error)
    remedy = "rdo notify test ADDRESS sends a mail"
    return ConfigurationCheck("mail", CheckState.OK, detail, remedy)


def _base_url(settings: "Settings", target: str, *, offline: bool) -> ConfigurationCheck:
    """Compare a page of the published tree with what the web server shows for it."""
    name = f"base-url {target}"
    tree, url = settings.target_folder(target) / "repos", settings.tree_url(target)
    if offline or not (tree / _PAGE).is_file():
        return _skipped(name) if offline else _skipped(name, "nothing is published yet")
    remedy = f"serve {tree} as {url}, or correct base-url or the target's url"
    try:
        is_same = any((tree / _PAGE).read_bytes() == _served(f"{url}/{_PAGE}") for _ in range(2))
    except AwayError as error:
        return ConfigurationCheck(name, CheckState.UNREACHABLE, str(error), remedy)
    if not is_same:
        detail = f"{url} answers, but does not show this tree"
        return ConfigurationCheck(name, CheckState.FAULT, detail, remedy)
    return ConfigurationCheck(name, CheckState.OK, url)


def _signing(app: App, target: str) -> ConfigurationCheck:
    """Check that a target's key can sign, and for how long; nothing is signed."""
    name = f"signing {target}"
    section = app.settings.signing_of(target)
    signs = signer(app.settings, target, app.now)
    if section is None or signs is None:
        return _skipped(name, "no [signing] in rdo.toml: RPMs and repositories are not signed")
    try:
        key = signs.key()
    except UserError as error:
        return _problem(name, error)
    rotate = f"rdo repo sign-key rotate --target {target}"
    renew = f"gpg --quick-set-expire {key.fingerprint} 2y"
    remedy = renew if section.key else rotate
    if fault := key.fault(app.now()):
        return ConfigurationCheck(name, CheckState.FAULT, f"{key.fingerprint} {fault}", remedy)
    if key.expires is None:
        return ConfigurationCheck(name, CheckState.OK, f"{key.fingerprint} does not expire")
    left = (key.expires - app.now()).days
    detail = f"{key.fingerprint} expires in {left} days"
    if left < section.warn_days:
        return ConfigurationCheck(name, CheckState.NOTE, detail, remedy)
    return ConfigurationCheck(name, CheckState.OK, detail)


def _served(url: str) -> bytes | None:
    import httpx  # only needed to ask a web server

    if url.startswith("file://"):
        path = Path(url.removeprefix("file://"))
        return path.read_bytes() if path.is_file() else None
    try:
        answer = httpx.get(url, timeout=_TIMEOUT_SECONDS, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise AwayError(f"{url} does not answer: {error or type(error).__name__}") from error
    return answer.content if answer.is_success else None


def _folder(app: App) -> Path:
    file = app.configuration.file
    assert file
    return file.parent


def _server(app: App, units: list[FoundUnit]) -> ConfigurationCheck:
    return check_server(app.settings, unit_of_server(units))


def _units(app: App, units: list[FoundUnit]) -> ConfigurationCheck:
    """Check that the program of each unit exists, and that one that runs rounds is enabled."""
    name = _folder(app).name
    if not units:
        detail, remedy = "rounds run only when started by hand", f"rdo systemd install {name}"
        return ConfigurationCheck("units", CheckState.NOTE, detail, remedy)
    for unit in units:
        if not Path(unit.program).is_file():
            detail = f"{unit.file} starts {unit.program}, which does not exist"
            remedy = f"rdo systemd install {name}"
            return ConfigurationCheck("units", CheckState.FAULT, detail, remedy)
    if not any(unit.runs_rounds and is_enabled(unit) for unit in units):
        detail = f"{units[0].file.parent} has units, but none that runs rounds is enabled"
        own = "--user " if units[0].is_of_user else ""
        remedy = f"systemctl {own}enable --now rdo-trunk@{name}.timer"
        return ConfigurationCheck("units", CheckState.NOTE, detail, remedy)
    return ConfigurationCheck("units", CheckState.OK, ", ".join(str(one.file) for one in units))
