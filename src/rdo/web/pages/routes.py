"""The URLs of pages: those of the server at its top, those of a target below its name."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rdo.pages import live
from rdo.pages.layout import STATIC, STYLE
from rdo.pages.values import Live
from rdo.trunk.views.dashboard import overview as overviews
from rdo.trunk.views.dashboard.own_packages import own_packages
from rdo.trunk.views.dashboard.search import MOST, Searched, search
from rdo.trunk.views.headline import page_head
from rdo.web.answers import ApiError
from rdo.web.auth.guard import Caller, Guard
from rdo.web.pages.acks import AckForms
from rdo.web.pages.answering import Handler, PageRequest, endpoint, html
from rdo.web.pages.feeds import FeedPages
from rdo.web.pages.reviews import ReviewPages
from rdo.web.pages.target_pages import TargetPages
from rdo.web.pages.votes import VotePages
from rdo.web.pages.watched import Watched

_FILES = {
    "styles.css": (STYLE, "text/css"),
    "htmx.min.js": (STATIC / "htmx.min.js", "text/javascript"),
    "log.js": (STATIC / "log.js", "text/javascript"),
    "icon.svg": (STATIC / "icon.svg", "image/svg+xml"),
}
_A_YEAR = {"Cache-Control": "public, max-age=31536000, immutable"}


def add_routes(app: Starlette, targets: Sequence[str], guard: Guard) -> None:
    """Add all pages; if there is only one target, DLRN's paths at the top lead to its pages."""
    watched = {name: Watched(guard.service.app, name) for name in targets}
    site = SitePages(guard, watched)
    _add(app, "/", site.grid)
    _add(app, "/search", site.search)
    _add(app, "/maintainer", site.maintainer)
    for name, (file, kind) in _FILES.items():
        app.add_route(
            f"/static/{name}", _file(file, kind), methods=["GET"], include_in_schema=False
        )
    for name, one in watched.items():
        pages = TargetPages(guard, one, site.live)
        votes = VotePages(pages).handlers()
        reviews, feeds = ReviewPages(pages).handlers(), FeedPages(pages).handlers()
        for path, handler in {**pages.handlers(), **votes, **reviews, **feeds}.items():
            _add(app, f"/{name}/{path}", pages.guarded(handler))
        for path, handler in AckForms(guard, one).handlers().items():
            _add(app, f"/{name}/{path}", handler, "POST")
        _redirect(app, f"/{name}", f"{name}/index.html")
        if len(watched) == 1:
            for path in ("report.html", "status_report.html", "queue.html"):
                _redirect(app, f"/{path}", f"{name}/{path}")
            for path in votes:
                _redirect(app, f"/{path}", f"../{name}/{path}")


@dataclass(frozen=True, slots=True)
class SitePages:
    """The pages above all targets."""

    guard: Guard
    watched: dict[str, Watched]

    def live(self, caller: Caller, target: str = "") -> Live:
        """Return the values for each page of a server; `target` is the one it belongs to."""
        settings = self.guard.service.settings
        url = settings.tree_url(target) if target else ""
        return Live(tuple(self._readable(caller)), version(), url, bool(settings.reviews))

    def grid(self, asked: PageRequest) -> Response:
        """Show all targets."""
        shown = []
        for one in self._readable(asked.caller).values():
            gathered = one.gathered
            shown.append(overviews.grid_target(one.trunk, page_head(one.trunk), gathered))
        now = self.guard.service.app.now()
        return html(live.grid(self.live(asked.caller), overviews.grid(shown, now)))

    def search(self, asked: PageRequest) -> Response:
        """Show the results for a text; if it is exactly one package, redirect to it."""
        query = asked.text("q")
        targets = {
            name: Searched(one.trunk, one.gathered)
            for name, one in self._readable(asked.caller).items()
        }
        hits = search(targets, query)
        if len(hits) == 1:
            return RedirectResponse(hits[0].page, 303)
        is_cut = len(hits) > MOST
        return html(live.search(self.live(asked.caller), query, hits[:MOST], is_cut=is_cut))

    def maintainer(self, asked: PageRequest) -> Response:
        """Show the packages of a maintainer in all targets."""
        name = asked.text("maintainer")
        views = [one.gathered.view for one in self._readable(asked.caller).values()]
        return html(live.own_packages(self.live(asked.caller), name, own_packages(views, name)))

    def _readable(self, caller: Caller) -> dict[str, Watched]:
        """Return the targets that a caller may read; raises ApiError if there are none."""
        found: dict[str, Watched] = {}
        refused = None
        for name, one in self.watched.items():
            try:
                self.guard.allow_reading(caller, name)
            except ApiError as error:
                if error.status != 403:
                    raise
                refused = error
            else:
                found[name] = one
        if refused and not found:
            raise refused
        return found


@cache
def version() -> str:
    """Return a text that changes with the files of all pages."""
    digest = hashlib.sha256()
    for file, _ in _FILES.values():
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _add(app: Starlette, path: str, handler: Handler, method: str = "GET") -> None:
    app.add_route(path, endpoint(handler), methods=[method], include_in_schema=False)


def _redirect(app: Starlette, path: str, to: str) -> None:
    async def lead(request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{quote(to)}{query}", 307)

    app.add_route(path, lead, methods=["GET"], include_in_schema=False)


def _file(file: Path, kind: str) -> Callable[[Request], Response]:
    content = file.read_bytes()

    def send(_request: Request) -> Response:
        return Response(content, headers=_A_YEAR, media_type=kind)

    return send
