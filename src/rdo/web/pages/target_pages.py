"""The pages of one target: those of its tree under DLRN's names, and those of the server."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.responses import RedirectResponse, Response, StreamingResponse

from rdo.errors import NotFoundError
from rdo.pages import live, reports
from rdo.pages.values import Live, PageHead
from rdo.promotion.deciding.configured import criteria_from
from rdo.promotion.deciding.criteria import Criteria
from rdo.promotion.views.names_page import names_page
from rdo.promotion.views.repository_page import repository_of_build, repository_page
from rdo.trunk.context import Trunk
from rdo.trunk.views.dashboard.build_log import whole_log
from rdo.trunk.views.dashboard.build_page import build_page, find_build
from rdo.trunk.views.dashboard.overview import overview
from rdo.trunk.views.dashboard.package import live_package
from rdo.trunk.views.headline import page_head
from rdo.trunk.views.shown import Showing, status_rows
from rdo.web.auth.guard import Caller, Guard
from rdo.web.pages.answering import HEADERS, Handler, PageRequest, html
from rdo.web.pages.watched import CHART_DAYS, Watched

_BUILDS = 200
PLAIN = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "no-cache"}


@dataclass(frozen=True, slots=True)
class TargetPages:
    """The pages of one target; `live` returns the values that each needs for a caller."""

    guard: Guard
    watched: Watched
    live: Callable[[Caller, str], Live]

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of each page by its path below the target's name."""
        return {
            "": self.overview,
            "index.html": self.overview,
            "status_report.html": self.status,
            "status_report.csv": self.status_csv,
            "report.html": self.builds,
            "queue.html": self.queue,
            "names.html": self.names,
            "charts.html": self.charts,
            "packages/{name}.html": self.package,
            "builds/{number}.html": self.build,
            "builds/{number}/log.events": self.log_events,
            "builds/{number}/log.txt": self.whole_log,
            "repositories/of-{build}.html": self.repository_of,
            "repositories/{number}.html": self.repository,
        }

    def overview(self, asked: PageRequest) -> Response:
        """Show the state of the target on one page."""
        shown = overview(self._trunk, self.watched.gathered)
        return html(live.overview(self.head(asked), shown))

    def status(self, asked: PageRequest) -> Response:
        """Show every package."""
        return html(reports.status_report(self.head(asked), self.watched.gathered.page))

    def status_csv(self, _asked: PageRequest) -> Response:
        """Return all packages as CSV, as DLRN does."""
        rows = status_rows(self._trunk, self.watched.gathered.view, self.watched.gathered.files)
        return Response(reports.status_csv(rows), headers=PLAIN, media_type="text/csv")

    def builds(self, asked: PageRequest) -> Response:
        """Show the builds that ended, newest first; the page begins at `before`."""
        trunk = self._trunk
        with trunk.store.read() as at:
            lines = at.reports.newest(
                trunk.name, limit=_BUILDS + 1, before=asked.asked_number("before")
            )
        showing = Showing(trunk)
        older = lines[_BUILDS - 1].id if len(lines) > _BUILDS else None
        lines = lines[:_BUILDS]
        subjects = self.watched.subjects.of(showing, lines)
        shown = [replace(showing.built(line), subject=subjects[line.id]) for line in lines]
        return html(live.builds(self.head(asked), shown, older))

    def queue(self, asked: PageRequest) -> Response:
        """Show the open builds with their expected times."""
        return html(live.queue(self.head(asked), self.watched.gathered.page.queue))

    def names(self, asked: PageRequest) -> Response:
        """Show where names point, and their moves."""
        shown = names_page(
            self._trunk, self.watched.gathered.page.names, self._criteria, asked.text("name")
        )
        return html(live.names(self.head(asked), shown))

    def charts(self, asked: PageRequest) -> Response:
        """Show the statistics of the last days."""
        wanted = asked.asked_number("days")
        days = wanted if wanted in CHART_DAYS else CHART_DAYS[0]
        return html(live.charts(self.head(asked), self.watched.charts(days), days, CHART_DAYS))

    def package(self, asked: PageRequest) -> Response:
        """Show a package; raises NotFoundError if the target has never had it."""
        name = asked.path["name"]
        shown = live_package(self._trunk, self.watched.gathered, name, self.watched.needs)
        if shown is None:
            raise NotFoundError(
                f"{self._trunk.name} has no package {name}",
                hint="the search finds projects and RPMs",
            )
        return html(live.package(self.head(asked), shown))

    def build(self, asked: PageRequest) -> Response:
        """Show a build."""
        shown = build_page(self._trunk, self.watched.gathered.view, asked.number("number"))
        return html(live.build(self.head(asked), shown))

    def log_events(self, asked: PageRequest) -> Response:
        """Return new lines of a log as server-sent events, until its build has ended."""
        build = find_build(self._trunk, asked.number("number"))
        service = self.guard.service
        offset = asked.last_event or asked.asked_number("offset") or 0
        return service.followers.events(service.growing_log(build), offset)

    def whole_log(self, asked: PageRequest) -> Response:
        """Return a log as plain text."""
        trunk = self._trunk
        pieces = whole_log(trunk.build_folder(find_build(trunk, asked.number("number"))))
        return StreamingResponse(pieces, headers=PLAIN, media_type="text/plain")

    def repository(self, asked: PageRequest) -> Response:
        """Show a repository."""
        shown = repository_page(
            self._trunk, asked.number("number"), asked.text("against"), self._criteria
        )
        return html(live.repository(self.head(asked), shown))

    def repository_of(self, asked: PageRequest) -> Response:
        """Redirect to the repository of a build."""
        number = repository_of_build(self._trunk, asked.number("build"))
        return RedirectResponse(f"{number}.html", 303, headers=HEADERS)

    @property
    def _trunk(self) -> Trunk:
        return self.watched.trunk

    @property
    def _criteria(self) -> dict[str, Criteria]:
        """The configured criteria of promotion names."""
        section = self.guard.service.settings.target(self.watched.name)
        return {name: criteria_from(name, one) for name, one in section.promotions.items()}

    def head(self, asked: PageRequest) -> PageHead:
        """Return the values that each page of the target needs."""
        trunk = self._trunk
        head = page_head(trunk, frozenset(self.watched.gathered.view.packages))
        return replace(head, live=self.live(asked.caller, trunk.name))

    def guarded(self, handler: Handler) -> Handler:
        """Return a handler that serves only users who may read the target."""

        def guarded(asked: PageRequest) -> Response:
            self.guard.allow_reading(asked.caller, self.watched.name)
            return handler(asked)

        return guarded
