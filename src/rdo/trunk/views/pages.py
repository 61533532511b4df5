"""Write the pages of a target into its tree at the end of a round, if they have changed."""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from rdo import atomic
from rdo.errors import in_short, is_of_the_machine
from rdo.notify.story import Story
from rdo.pages import reports
from rdo.pages.layout import STYLE, STYLE_FILE
from rdo.pages.values import (
    PageHead,
    ShownBuild,
    ShownTarget,
)
from rdo.trunk.context import Trunk
from rdo.trunk.views.gathered import gather
from rdo.trunk.views.headline import headline_of, page_head
from rdo.trunk.views.package_page import Needs, package_page
from rdo.trunk.views.report import Report
from rdo.trunk.views.shown import Showing, status_rows
from rdo.trunk.views.side_by_side import cells_of, side_by_side
from rdo.trunk.views.state import TargetView, read_target

log = logging.getLogger(__name__)

NEWEST = 300
"""How many builds report.html has, as in DLRN."""
SUBJECTS = 30
"""How many builds of a package have their commit's subject on its page."""
HISTORY = 200
"""How many builds of a package its own page has."""
DAY = timedelta(days=1)


def write_pages(trunk: Trunk, report: Report) -> list[Path]:
    """Bring the pages up to date, and return those that were written.

    After a round without news, at most once a day, because some cells count days.
    """
    pages = Pages(trunk)
    if report.is_idle and not pages.are_old():
        return []
    changed = {one.build.package for one in report.ended} | {one.package for one in report.dropped}
    return pages.write(changed)


def write_targets_page(trunks: Iterable[Trunk], file: Path) -> bool:
    """Bring the page of all targets up to date, and return whether it was written.

    Its links are those that `base-url` gives the trees: `<target>/repos` beside it.
    """
    shown, views = [], []
    for trunk in trunks:
        view = read_target(trunk)
        with trunk.store.read() as at:
            moves = at.names.last_moves(trunk.name)
        tops = [(move.name, trunk.tree.repos / path) for move, path in moves]
        broken = [name for name, top in tops if not (top / "repodata/repomd.xml").is_file()]
        url = f"./{trunk.name}/repos/index.html"
        shown.append(ShownTarget(page_head(trunk), url, *headline_of(view, broken)))
        views.append(view)
    together = side_by_side([view.target for view in views], list(map(cells_of, views)))
    file.parent.mkdir(parents=True, exist_ok=True)
    return _write(file, reports.targets(shown, together.unwell, len(together.rows)))


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one target."""

    trunk: Trunk

    @property
    def _top(self) -> Path:
        return self.trunk.tree.repos

    @property
    def _showing(self) -> Showing:
        return Showing(self.trunk)

    def are_old(self) -> bool:
        """Whether they are older than a day, from the future, or missing."""
        try:
            written = (self._top / "status_report.html").stat().st_mtime
        except FileNotFoundError:
            return True
        return abs(self.trunk.now().timestamp() - written) > DAY.total_seconds()

    def write(self, changed: Collection[str]) -> list[Path]:
        """Write the pages of the target, and those of the packages that `changed` or lack one.

        Returns the pages whose contents are new.
        """
        top = self._top
        top.mkdir(parents=True, exist_ok=True)
        (top / "packages").mkdir(exist_ok=True)
        there = {path.stem for path in (top / "packages").glob("*.html")}
        contents = self._contents(set(changed) | (self.trunk.packages.keys() - there))
        written = [path for path, text in contents if _written(top / path, text)]
        if written:
            log.debug("pages written: %s", ", ".join(written))
        return [top / path for path in written]

    def _contents(self, packages: Collection[str]) -> Iterable[tuple[str, str]]:
        trunk = self.trunk
        gathered = gather(trunk, read_target(trunk))
        view, files, stories = gathered.view, gathered.files, gathered.stories
        target, queued = gathered.page, gathered.page.queue
        with trunk.store.read() as at:
            newest = at.reports.newest(trunk.name, limit=NEWEST)
        head = page_head(trunk, frozenset(view.packages))
        yield STYLE_FILE, STYLE.read_text()
        yield "index.html", reports.index(head, target)
        yield "report.html", reports.report(head, [self._showing.built(line) for line in newest])
        yield "status_report.html", reports.status_report(head, target)
        yield "status_report.csv", reports.status_csv(status_rows(trunk, view, files))
        yield "queue.html", reports.queue(head, queued)
        needs = Needs.of(trunk) if packages else Needs({}, {})
        for name in sorted(packages):
            try:
                yield (
                    f"packages/{name}.html",
                    self._package(head, name, view, stories, files, needs),
                )
            except Exception as error:
                if is_of_the_machine(error):
                    raise
                log.warning("the page of %s cannot be made", name, exc_info=error)

    def _package(
        self,
        head: PageHead,
        name: str,
        view: TargetView,
        stories: Mapping[str, Story],
        files: Mapping[int, list[str]],
        needs: Needs,
    ) -> str:
        shown = view.packages.get(name)
        it = package_page(self.trunk, name, shown, stories.get(name), files, needs)
        return reports.package(head, it, self._history(name))

    def _history(self, name: str) -> list[ShownBuild]:
        """Return a package's builds, newest first, the newest ones with their commits' subjects."""
        trunk = self.trunk
        with trunk.store.read() as at:
            lines = at.reports.history(trunk.name, name, limit=HISTORY)
        subjects = self._showing.subjects(name, lines[:SUBJECTS])
        return [
            replace(self._showing.built(line), subject=subjects.get(line.commit.upstream_hash, ""))
            for line in lines
        ]


def _written(path: Path, text: str) -> bool:
    """Write a page, and return whether it is new; a page that cannot be written is logged."""
    try:
        return _write(path, text)
    except Exception as error:
        if is_of_the_machine(error):
            raise
        log.warning("page %s cannot be written: %s", path.name[:100], in_short(error))
        return False


def _write(path: Path, text: str) -> bool:
    """Write a page unless it has this text already, and return whether it was written."""
    if path.is_file() and path.read_text() == text:
        return False
    atomic.write_file(path, text)
    return True
