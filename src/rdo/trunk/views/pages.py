"""Writes the pages of a target into its tree: at the end of a round, and only what changed."""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath

from rdo import atomic
from rdo.dlrn.formats import DlrnStatus
from rdo.dlrn.layout import hash_directory
from rdo.model.build import Failed, Waiting
from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.model.url import without_secret
from rdo.notify import words
from rdo.notify.links import commit_url
from rdo.notify.log_reader import clean
from rdo.notify.story import EventKind, Story
from rdo.pages import reports
from rdo.pages.layout import STYLE, STYLE_FILE
from rdo.pages.values import Blocked, Broken, Built, Head, Named, Stands, State, Waits
from rdo.store.builds import Build
from rdo.store.events import Event
from rdo.store.reports import BuildLine, Standing
from rdo.trunk.context import Trunk
from rdo.trunk.views.report import Report

log = logging.getLogger(__name__)

NEWEST = 300
"""How many builds report.html has, as DLRN's."""
HISTORY = 200
"""How many builds of a package its own page has."""
DAY = timedelta(days=1)


def write_pages(trunk: Trunk, report: Report) -> list[Path]:
    """Bring the pages up to date; which were written.

    A round in which nothing happened writes at most once a day, for what counts days.
    """
    pages = Pages(trunk)
    if report.is_idle and not pages.are_old():
        return []
    changed = {one.build.package for one in report.ended} | {one.package for one in report.dropped}
    return pages.write(changed, {held.build.id: held.packages for held in report.held})


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one target."""

    trunk: Trunk

    @property
    def _top(self) -> Path:
        return self.trunk.tree.repos

    def are_old(self) -> bool:
        """Whether a day has begun since they were written, or there are none."""
        try:
            written = (self._top / "status_report.html").stat().st_mtime
        except FileNotFoundError:
            return True
        return self.trunk.now().timestamp() - written > DAY.total_seconds()

    def write(
        self, changed: Collection[str], held: Mapping[int, tuple[str, ...]] | None = None
    ) -> list[Path]:
        """Write the pages of the target and those of the packages that `changed`.

        A package whose page is not there gets it too. `held` says what builds wait for.
        """
        top = self._top
        top.mkdir(parents=True, exist_ok=True)
        (top / "packages").mkdir(exist_ok=True)
        there = {path.stem for path in (top / "packages").glob("*.html")}
        contents = self._contents(set(changed) | (self.trunk.packages.keys() - there), held or {})
        written = [path for path, text in contents if _write(top / path, text)]
        if written:
            log.debug("pages written: %s", ", ".join(written))
        return [top / path for path in written]

    def _contents(
        self, packages: Collection[str], held: Mapping[int, tuple[str, ...]]
    ) -> Iterable[tuple[str, str]]:
        trunk = self.trunk
        head = Head(trunk.tree.site.project_name, trunk.name, trunk.release, trunk.platform)
        with trunk.store.read() as at:
            newest = at.reports.newest(trunk.name, limit=NEWEST)
            standings = at.reports.standings(trunk.name)
            lines = at.reports.pointed_at(trunk.name)
            files = at.reports.files(trunk.name)
            waiting = (*at.builds.running(trunk.name), *at.builds.queue(trunk.name))
            breaks = [(x.package, x.broken) for x in standings if x.broken is not None]
            events = at.events.of_breaks(trunk.name, EventKind.BROKEN, breaks) if breaks else []
            heads = at.heads.all(trunk.name)
            named = self._named()
        stale = {name: one.error for name, one in heads.items() if one.error}
        queued = tuple(self._waits(build, held) for build in waiting)
        state = State(
            names=named,
            blocked=tuple(self._blocked()),
            broken=self._broken(standings, lines, events, waiting, held),
            packages=tuple(self._stands(standings, lines, files, waiting, stale)),
            waiting=queued,
            now=trunk.now(),
        )
        yield STYLE_FILE, STYLE.read_text()
        yield "report.html", reports.report(head, [self._built(line) for line in newest])
        yield "status_report.html", reports.status_report(head, state)
        yield "status_report.csv", reports.status_csv(self._rows(standings, lines, files))
        yield "queue.html", reports.queue(head, queued)
        for name in sorted(packages):
            yield f"packages/{name}.html", self._package(head, name)

    def _named(self) -> tuple[Named, ...]:
        trunk = self.trunk
        with trunk.store.read() as at:
            rows = at.names.last_moves(trunk.name)
        return tuple(
            Named(
                f"{move.component}/{move.name}" if move.component else move.name,
                path, move.moved, clean(move.why if move.moved_by == "trunk" else move.moved_by),
            )
            for move, path in rows
        )  # fmt: skip

    def _blocked(self) -> Iterable[Blocked]:
        for blockers in self.trunk.tree.blockers(self.trunk.members_now()).values():
            for one in blockers:
                yield Blocked(one.package, one.reason, one.since)

    def _broken(
        self,
        standings: Iterable[Standing],
        lines: Mapping[int, BuildLine],
        events: Iterable[Event],
        waiting: Iterable[Build],
        held: Mapping[int, tuple[str, ...]],
    ) -> tuple[Broken, ...]:
        stories = {
            event.package: Story.from_json(event.payload) for event in events if event.payload
        }
        wait: dict[str, set[str]] = {}
        for build in waiting:
            for name in held.get(build.id, ()):
                wait.setdefault(name, set()).add(build.package)
        found = []
        for one in standings:
            newest = lines.get(one.newest or 0)
            if newest is None or newest.reason is None:
                continue
            story = stories.get(one.package)
            change, url = _change(story)
            cause = words.CAUSES[newest.reason]
            found.append(
                Broken(
                    one.package,
                    one.broken_since,
                    f"{cause}: {clean(newest.detail.partition(chr(10))[0])}",
                    next((x.text.strip() for x in story.lines if x.is_cause), "") if story else "",
                    change,
                    url,
                    self._built(newest).log,
                    newest.id,
                    tuple(sorted(wait.get(one.package, ()))),
                    self._maintainers(one.package),
                )
            )
        return tuple(sorted(found, key=lambda one: (str(one.since), one.package)))

    def _maintainers(self, name: str) -> tuple[str, ...]:
        package = self.trunk.packages.get(name)
        return tuple(map(clean, package.maintainers)) if package else ()

    def _stands(
        self,
        standings: Iterable[Standing],
        lines: Mapping[int, BuildLine],
        files: Mapping[int, list[str]],
        waiting: Iterable[Build],
        stale: Mapping[str, str],
    ) -> Iterable[Stands]:
        by_name = {one.package: one for one in standings}
        open_builds = {build.package: build for build in waiting}
        for name in sorted(self.trunk.packages):
            one, pending = by_name.get(name), open_builds.get(name)
            newest = lines.get(one.newest or 0) if one else None
            good = lines.get(one.good or 0) if one else None
            first = lines.get(one.broken or 0) if one else None
            built = self._built(newest) if newest else None
            srpm = next(iter(files.get(good.id, ())), "") if good else ""
            yield Stands(
                name,
                srpm.removesuffix(".src.rpm"),
                newest.commit.upstream_hash if newest else "",
                built.status if built else DlrnStatus.NO_BUILD.value,
                _condition(pending),
                built.log if built else "",
                self._built(first) if first else None,
                good.finished if good else None,
                clean(stale.get(name, "")),
            )

    def _rows(
        self,
        standings: Iterable[Standing],
        lines: Mapping[int, BuildLine],
        files: Mapping[int, list[str]],
    ) -> list[tuple[str, ...]]:
        """The rows of status_report.csv: the last outcome of each package that has one."""
        rows: list[tuple[str, ...]] = []
        for one in standings:
            newest = lines.get(one.newest or 0)
            if newest is None or one.package not in self.trunk.packages:
                continue
            commit, place = newest.commit, self._place(newest.commit)
            names = files.get(newest.id, ()) if newest.reason is None else ()
            artifacts = "|".join(f"repos/{place}/{name}" for name in names)
            rows.append(
                (
                    one.package, commit.upstream_hash, commit.distgit_hash,
                    str(commit.extended_hash), str(commit.component), _status(newest),
                    str(int(newest.release_date.timestamp())), artifacts or "None",
                )
            )  # fmt: skip
        return rows

    def _package(self, head: Head, name: str) -> str:
        trunk = self.trunk
        with trunk.store.read() as at:
            history = at.reports.history(trunk.name, name, limit=HISTORY)
        package = trunk.packages.get(name)
        urls = [("upstream", url) for url in package.upstreams] if package else []
        urls += [("distgit", package.distgit)] if package else []
        # A path of this machine is of no use to a reader.
        links = [(text, clean(without_secret(url))) for text, url in urls if ":" in url]
        links = [(text, url) for text, url in links if not url.startswith("file:")]
        return reports.package(head, name, [self._built(line) for line in history], links)

    def _built(self, line: BuildLine) -> Built:
        commit = line.commit
        has_place = not line.bootstrap and (line.published is not None or line.reason is not None)
        minutes = None
        if line.started and line.finished:
            minutes = (line.finished - line.started).total_seconds() / 60
        cause = f"{line.reason}: {clean(line.detail.partition(chr(10))[0])}" if line.reason else ""
        return Built(
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

    def _waits(self, build: Build, held: Mapping[int, tuple[str, ...]]) -> Waits:
        needs = build.outcome.needs if isinstance(build.outcome, Waiting) else ()
        behind = held.get(build.id) or needs
        return Waits(
            build.package,
            build.commit.upstream_hash,
            self._commit_url(build.commit),
            build.commit.upstream_time,
            build.created,
            clean(", ".join(behind)),
        )

    def _commit_url(self, commit: Commit) -> str:
        package: Package | None = self.trunk.packages.get(commit.package)
        return commit_url(package.upstream_of(commit), commit.upstream_hash) if package else ""

    def _place(self, commit: Commit) -> PurePosixPath:
        site = self.trunk.tree.site
        return hash_directory(commit, commit.component if site.components else None)


def _status(line: BuildLine) -> str:
    return DlrnStatus.of_failure(line.reason).value


def _condition(pending: Build | None) -> str:
    match pending:
        case None:
            return ""
        case Build(outcome=Waiting()):
            return "a build waits"
    return "a build is queued" if not isinstance(pending.outcome, Failed) else ""


def _change(story: Story | None) -> tuple[str, str]:
    """By whose change a package broke: the newest commit of the side that moved."""
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
    return ("nothing that is known" if story.good else "it is new"), ""


def _write(path: Path, text: str) -> bool:
    """Write a page if it is not so already."""
    if path.is_file() and path.read_text() == text:
        return False
    atomic.write_file(path, text)
    return True
