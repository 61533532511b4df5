"""Try each configured way to notify people, before a package fails."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rdo.app import App
from rdo.errors import ConfigError, NotFoundError, RefusedError, UserError
from rdo.mirrors import Mirrors
from rdo.notify.mail import compose_test
from rdo.notify.way import AwayError
from rdo.notify.webhook import Webhook
from rdo.tools.git.mirror import ls_remote
from rdo.tools.git.review import ReviewPlace
from rdo.trunk.telling.ways import mail_server


@dataclass(frozen=True, slots=True)
class Trial:
    """The result for one way: `to` is the address or server, `error` is empty if it worked.

    `is_away` means that the server cannot be reached, not that it refused.
    """

    way: str
    to: str
    detail: str
    error: str = ""
    is_away: bool = False


def try_ways(app: App, address: str = "") -> list[Trial]:
    """Send a mail to `address`, an event to each webhook, and ask Gerrit for one repository.

    Raises ConfigError if there is no way to try, or an address but no [mail].
    """
    settings = app.settings
    if address and settings.mail is None:
        raise ConfigError("there is no [mail] in rdo.toml", hint="see docs/how-to/mail.md")
    trials = [_mail(app, address)] if address else []
    trials += [
        _webhook(app, Webhook(name, section.url, section.secret_file))
        for name, section in settings.webhooks.items()
    ]
    if settings.gerrit:
        trials += _gerrit(app)
    if not trials:
        hint = (
            "name an address: rdo notify test ADDRESS"
            if settings.mail
            else "see docs/how-to/mail.md"
        )
        raise ConfigError("nothing to test: neither a webhook nor Gerrit is configured", hint=hint)
    return trials


def _tried(way: str, to: str, act: Callable[[], str]) -> Trial:
    try:
        return Trial(way, to, act())
    except AwayError as error:
        return Trial(way, to, "", str(error), is_away=True)
    except UserError as error:
        return Trial(way, to, "", str(error))


def _mail(app: App, address: str) -> Trial:
    mail = app.settings.mail
    assert mail
    server = mail_server(mail)
    content = compose_test(mail.from_, address, str(app.configuration.file or ""), app.now())

    def send() -> str:
        if refused := server.send(content, [address]).get(address):
            raise RefusedError(f"mail server {server.server}: {refused.reason}")
        return f"{server.server} accepted a mail to {address}"

    return _tried("mail", address, send)


def _webhook(app: App, webhook: Webhook) -> Trial:
    def post() -> str:
        if refused := webhook.test(app.now()):
            raise RefusedError(refused.reason)
        return f"webhook {webhook.name} accepted an event"

    return _tried("webhook", webhook.name, post)


def _gerrit(app: App) -> Iterator[Trial]:
    """Ask the server of the first distgit with a .gitreview; no review is made."""
    gerrit = app.settings.gerrit
    assert gerrit
    place = next(_review_places(app), None)
    if place is None:
        error = "no distgit that a round has fetched has a .gitreview"
        yield Trial("gerrit", gerrit.url or "", "", error)
        return
    try:
        url = place.url(gerrit.user or "", gerrit.url or "")
    except UserError as error:
        yield Trial("gerrit", place.host, "", str(error))
        return

    def ask() -> str:
        try:
            ls_remote(url)
        except UserError as error:
            raise AwayError(f"Gerrit: {error}") from error
        return f"{url} answers; no review was made"

    yield _tried("gerrit", url, ask)


def _review_places(app: App) -> Iterator[ReviewPlace]:
    mirrors = Mirrors(app.settings.data / "mirrors")
    for target in app.settings.targets:
        for package in app.packages(target).packages:
            seen = mirrors.last_seen(package.distgit)
            head = seen.refs.get(f"refs/heads/{package.distgit_branch}") if seen else None
            if seen and head:
                try:
                    yield ReviewPlace.read(seen.mirror, head)
                except (NotFoundError, RefusedError):
                    continue
