"""The configured ways to notify people, and the queue that is sent through them."""

from rdo.app import App
from rdo.config import MailSection
from rdo.mirrors import Mirrors
from rdo.notify.gerrit import Distgit, GerritReviews
from rdo.notify.mailer import Mailer
from rdo.notify.outbox import Outbox
from rdo.notify.smtp import MailServer
from rdo.notify.way import Way
from rdo.notify.webhook import Webhook
from rdo.tools.git.mirror import Mirror


def outbox(app: App) -> Outbox:
    """Return the sender of the queue, which is shared by all targets."""
    settings = app.settings
    return Outbox(app.store, _ways(app), app.now, settings.data / "notify.lock", settings.audiences)


def mail_server(mail: MailSection) -> MailServer:
    """Return the configured mail server."""
    return MailServer(mail.server, mail.security, mail.user or "", mail.password_file, mail.ca_file)


def _ways(app: App) -> dict[str, Way]:
    settings = app.settings
    ways: dict[str, Way] = {
        f"webhook:{name}": Webhook(name, section.url, section.secret_file)
        for name, section in settings.webhooks.items()
    }
    if mail := settings.mail:
        ways["mail"] = Mailer(mail_server(mail), mail.from_)
    if gerrit := settings.gerrit:
        email = gerrit.email or (settings.mail.from_ if settings.mail else "rdo@localhost")
        ways["gerrit"] = GerritReviews(
            lambda target, name: _distgit(app, target, name),
            email,
            gerrit.topic,
            gerrit.user or "",
            gerrit.url or "",
        )
    return ways


def _distgit(app: App, target: str, name: str) -> Distgit | None:
    """Return a package of a target with the mirror of its distgit."""
    package = next((x for x in app.packages(target).packages if x.name == name), None)
    if package is None:
        return None
    mirrors = Mirrors(app.settings.data / "mirrors")
    return Distgit(package, Mirror(mirrors.path(package.distgit)))
