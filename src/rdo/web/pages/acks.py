"""The buttons on a package's page: "I am working on it", and "nobody is any more"."""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from rdo.access.roles import Role
from rdo.trunk.care.acks import acknowledge, take_back
from rdo.web.auth.guard import Guard
from rdo.web.pages.answering import Handler, PageRequest
from rdo.web.pages.watched import Watched


@dataclass(frozen=True, slots=True)
class AckForms:
    """The receivers of forms on one target's pages; each redirects back to the page."""

    guard: Guard
    watched: Watched

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of each form by its path below the target's name."""
        return {"packages/{name}/ack": self.ack, "packages/{name}/unack": self.unack}

    def ack(self, asked: PageRequest) -> Response:
        """Record that the user is working on a package."""
        login = self.guard.allow(asked.caller, Role.CI, self.watched.name)
        why, link = asked.form.get("because", ""), asked.form.get("link", "")
        done = acknowledge(
            self.watched.trunk, asked.path["name"], by=login.user, why=why, link=link
        )
        detail = f"{done.package}: {done.why}"
        self.guard.record(asked.caller, login, "ack", self.watched.name, detail)
        return self._back_to(done.package)

    def unack(self, asked: PageRequest) -> Response:
        """Record that nobody is working on a package any more."""
        login = self.guard.allow(asked.caller, Role.CI, self.watched.name)
        done = take_back(self.watched.trunk, asked.path["name"], by=login.user)
        self.guard.record(asked.caller, login, "unack", self.watched.name, done.package)
        return self._back_to(done.package)

    def _back_to(self, package: str) -> Response:
        self.watched.forget()
        return RedirectResponse(f"../{quote(package, safe='')}.html", 303)
