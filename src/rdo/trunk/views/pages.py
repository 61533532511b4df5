"""Writes the pages of a target into its tree at the end of a round, and only what changed."""

import contextlib
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path, PurePosixPath

from rdo import atomic
from rdo.dlrn.formats import DlrnStatus
from rdo.dlrn.layout import hash_directory
from rdo.errors import UserError, in_short, is_of_the_machine
from rdo.logs.reader import clean, one_line
from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.model.url import is_on_pypi
from rdo.notify import words
from rdo.notify.links import commit_url
from rdo.notify.story import EventKind, Story
from rdo.pages import reports
from rdo.pages.layout import STYLE, STYLE_FILE
from rdo.pages.reports import age
from rdo.pages.values import (
    FailingPackage,
    PageHead,
    QueuedBuild,
    ShownBlocker,
    ShownBuild,
    ShownName,
    ShownPackage,
    ShownTarget,
    StoppedPackage,
    TargetPage,
)
from rdo.store.names import Move
from rdo.store.reports import BuildLine
from rdo.trunk.context import Trunk
from rdo.trunk.views.headline import headline_of, level_of, page_head
from rdo.trunk.views.package_page import Needs, package_page, without_domain
from rdo.trunk.views.report import Report
from rdo.trunk.views.state import FAILING, PackageState, PackageView, TargetView, read_target
from rdo.trunk.views.status import remark

log = logging.getLogger(__name__)

NEWEST = 300
"""How many builds report.html has, as DLRN's."""
SUBJECTS = 30
"""How many builds of a package have their commit's subject on its page."""
HISTORY = 200
"""How many builds of a package its own page has."""
DAY = timedelta(days=1)


def write_pages(trunk: Trunk, report: Report) -> list[Path]:
    """Bring the pages up to date, and return those that were written.

    After a round in which nothing happened, at most once a day: some cells count days.
    """
    pages = Pages(trunk)
    if report.is_idle and not pages.are_old():
        return []
    changed = {one.build.package for one in report.ended} | {one.package for one in report.dropped}
    return pages.write(changed)


def write_targets_page(trunks: Iterable[Trunk], file: Path) -> bool:
    """Bring the page of all targets up to date, and return whether it was written.

    Its links are to the trees as `base-url` has them: `<target>/repos` beside it.
    """
    shown = []
    for trunk in trunks:
        view = read_target(trunk)
        with trunk.store.read() as at:
            moves = at.names.last_moves(trunk.name)
        tops = [(move.name, trunk.tree.repos / path) for move, path in moves]
        broken = [name for name, top in tops if not (top / "repodata/repomd.xml").is_file()]
        url = f"./{trunk.name}/repos/index.html"
        shown.append(ShownTarget(page_head(trunk), url, *headline_of(view, broken)))
    file.parent.mkdir(parents=True, exist_ok=True)
    return _write(file, reports.targets(shown))


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one target."""

    trunk: Trunk

    @property
    def _top(self) -> Path:
        return self.trunk.tree.repos

    def are_old(self) -> bool:
        """Whether they are a day old, from the future, or missing."""
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
        view = read_target(trunk)
        breaks = [
            (name, one.facts.broken_by.id)
            for name, one in view.packages.items()
            if one.facts.broken_by
        ]
        with trunk.store.read() as at:
            newest = at.reports.newest(trunk.name, limit=NEWEST)
            files = at.reports.files(trunk.name)
            events = at.events.of_breaks(trunk.name, EventKind.BROKEN, breaks) if breaks else []
            moves = at.names.last_moves(trunk.name)
        stories = {
            event.package: Story.from_json(event.payload) for event in events if event.payload
        }
        names = tuple(self._shown_name(move, path) for move, path in moves)
        queued = tuple(self._queued(one) for one in view.queue)
        level, headline = headline_of(view, [one.name for one in names if one.is_broken])
        target = TargetPage(
            level=level,
            headline=headline,
            names=names,
            blocked=tuple(self._blocked()),
            failing=self._failing(view, stories),
            packages=tuple(
                self._shown(view.packages[name], files) for name in sorted(view.packages)
            ),
            queue=queued,
            stopped=tuple(_stopped(view)),
        )
        head = page_head(trunk, frozenset(view.packages))
        yield STYLE_FILE, STYLE.read_text()
        yield "index.html", reports.index(head, target)
        yield "report.html", reports.report(head, [self._built(line) for line in newest])
        yield "status_report.html", reports.status_report(head, target)
        yield "status_report.csv", reports.status_csv(self._rows(view, files))
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

    def _blocked(self) -> Iterable[ShownBlocker]:
        for blockers in self.trunk.tree.blockers(self.trunk.members_now()).values():
            for one in blockers:
                yield ShownBlocker(one.package, one.reason, one.since)

    def _failing(
        self, view: TargetView, stories: Mapping[str, Story]
    ) -> tuple[FailingPackage, ...]:
        waiting: dict[str, set[str]] = {}
        for one in view.queue:
            for name in one.waits_for:
                waiting.setdefault(name, set()).add(one.package)
        found = []
        for name, one in view.packages.items():
            newest = one.facts.newest
            if newest is None or newest.reason is None:
                continue
            story = stories.get(name)
            change, url = _change(story)
            found.append(
                FailingPackage(
                    name,
                    one.facts.broken_since,
                    words.failure(newest.reason, newest.detail),
                    next((x.text.strip() for x in story.lines if x.is_cause), "") if story else "",
                    change,
                    url,
                    self._built(newest).log,
                    newest.id,
                    tuple(sorted(waiting.get(name, ()))),
                    self._maintainers(name),
                )
            )
        return tuple(sorted(found, key=lambda one: (str(one.since), one.package)))

    def _maintainers(self, name: str) -> tuple[str, ...]:
        package = self.trunk.packages.get(name)
        return tuple(without_domain(one) for one in package.maintainers) if package else ()

    def _shown(self, view: PackageView, files: Mapping[int, list[str]]) -> ShownPackage:
        facts = view.facts
        built = self._built(facts.newest) if facts.newest else None
        srpm = next(iter(files.get(facts.good.id, ())), "") if facts.good else ""
        return ShownPackage(
            view.package,
            srpm.removesuffix(".src.rpm"),
            facts.newest.commit.upstream_hash if facts.newest else "",
            built.status if built else DlrnStatus.NO_BUILD.value,
            built.log if built else "",
            _remark(view),
            level_of(view),
            self._commit_url(facts.newest.commit) if facts.newest else "",
            self._built(facts.broken_by) if facts.broken_by else None,
            self._last_good(view),
        )

    def _last_good(self, view: PackageView) -> str:
        """Say how long ago a package that fails was built, in days."""
        if view.facts.broken_by is None:
            return ""
        good = view.facts.good
        return age(good.finished, self.trunk.now()) if good and good.finished else "never"

    def _rows(self, view: TargetView, files: Mapping[int, list[str]]) -> list[tuple[str, ...]]:
        """Make the rows of status_report.csv: each package's last outcome, by name."""
        rows: list[tuple[str, ...]] = []
        for name in sorted(view.packages):
            newest = view.packages[name].facts.newest
            if newest is None:
                continue
            commit, place = newest.commit, self._place(newest.commit)
            names = files.get(newest.id, ()) if newest.reason is None else ()
            artifacts = "|".join(f"repos/{place}/{name}" for name in names)
            rows.append(
                (
                    name,
                    commit.upstream_hash,
                    commit.distgit_hash,
                    str(commit.extended_hash),
                    str(commit.component),
                    _status(newest),
                    str(int(newest.release_date.timestamp())),
                    artifacts or "None",
                )
            )
        return rows

    def _history(self, name: str) -> list[ShownBuild]:
        """Return a package's builds, newest first, the newest ones with their commits' subjects."""
        trunk = self.trunk
        with trunk.store.read() as at:
            lines = at.reports.history(trunk.name, name, limit=HISTORY)
        subjects = self._subjects(name, lines[:SUBJECTS])
        return [
            replace(self._built(line), subject=subjects.get(line.commit.upstream_hash, ""))
            for line in lines
        ]

    def _subjects(self, name: str, lines: Iterable[BuildLine]) -> dict[str, str]:
        """Return subjects and authors by hash; of one that the mirror has lost, nothing."""
        package = self.trunk.packages.get(name)
        if package is None:
            return {}
        found: dict[str, str] = {}
        for upstream, of_one in groupby(lines, key=lambda line: package.upstream_of(line.commit)):
            commits = [line.commit for line in of_one]
            mirror = self.trunk.remotes.upstream(package, commits[0])
            is_release = is_on_pypi(upstream)
            with contextlib.suppress(UserError):
                for one in mirror.commits(dict.fromkeys(x.upstream_hash for x in commits)).values():
                    by = f" ({clean(one.author)})" if one.author and not is_release else ""
                    found[one.hash] = f"{clean(one.subject)}{by}"
        return found

    def _shown_name(self, move: Move, path: str) -> ShownName:
        name = f"{move.component}/{move.name}" if move.component else move.name
        why = clean(move.why if move.moved_by == "trunk" else move.moved_by)
        is_there = (self._top / path / "repodata/repomd.xml").is_file()
        since = age(move.moved, self.trunk.now())
        return ShownName(name, path, move.moved, why, since, is_broken=not is_there)

    def _built(self, line: BuildLine) -> ShownBuild:
        commit = line.commit
        has_place = not line.bootstrap and (line.published is not None or line.reason is not None)
        minutes = None
        if line.started and line.finished:
            minutes = (line.finished - line.started).total_seconds() / 60
        cause = f"{line.reason}: {one_line(line.detail)}" if line.reason else ""
        return ShownBuild(
            id=line.id,
            package=commit.package,
            commit=commit.upstream_hash,
            commit_url=self._commit_url(commit),
            component=commit.component or "",
            status=_status(line),
            committed=commit.upstream_time,
            when=line.finished,
            minutes=minutes,
            cause=cause,
            place=str(self._place(commit)) if has_place else "",
            note="bootstrap" if line.bootstrap else "",
        )

    def _queued(self, view: PackageView) -> QueuedBuild:
        build = view.facts.pending
        assert build
        return QueuedBuild(
            build.package,
            build.commit.upstream_hash,
            self._commit_url(build.commit),
            build.commit.upstream_time,
            build.created,
            view.state,
            clean(view.sentence),
            level_of(view),
        )

    def _commit_url(self, commit: Commit) -> str:
        package: Package | None = self.trunk.packages.get(commit.package)
        return commit_url(package.upstream_of(commit), commit.upstream_hash) if package else ""

    def _place(self, commit: Commit) -> PurePosixPath:
        site = self.trunk.tree.site
        return hash_directory(commit, commit.component if site.components else None)


def _status(line: BuildLine) -> str:
    return DlrnStatus.of_failure(line.reason).value


def _stopped(view: TargetView) -> Iterable[StoppedPackage]:
    """Yield what is held or not polled any more; the pause of a target stands before all."""
    if view.pause:
        yield StoppedPackage(view.target, "paused", clean(str(view.pause)))
    for name, one in view.packages.items():
        facts = one.facts
        if facts.hold:
            yield StoppedPackage(name, "held", clean(str(facts.hold)))
        elif facts.head and facts.head.error:
            yield StoppedPackage(name, "stale", clean(facts.head.error.partition("\n")[0]))


def _remark(view: PackageView) -> str:
    """Say what the word of DLRN leaves out; why a package fails is in a table of its own."""
    is_told = view.state in FAILING and view.state is not PackageState.FAULTY
    return clean("; ".join(view.remarks) if is_told else remark(view))


def _change(story: Story | None) -> tuple[str, str]:
    """Find the change that broke a package: the newest commit of the side that moved."""
    if story is None:
        return "", ""
    for side, changes in (("distgit", story.distgit), ("upstream", story.upstream)):
        if changes.newest:
            newest = changes.newest[0]
            by = f" ({clean(newest.author)})" if newest.author else ""
            more = f" and {changes.count - 1} more" if changes.count > 1 else ""
            return f"{side} {newest.hash[:7]} {clean(newest.subject)}{by}{more}", newest.url
    if story.root:
        shown = "; ".join(words.root_line(one) for one in story.root[:3])
        return f"its root: {shown}", ""
    return ("no change is known" if story.good else "it is new"), ""


def _written(path: Path, text: str) -> bool:
    """Write a page, and return whether it is new; a page that cannot be written is left out."""
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
