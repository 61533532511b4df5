"""The page of one build: its outcome, its sources, and changes since the last good build."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from rdo.errors import NotFoundError
from rdo.logs.reader import LogReading, clean, one_line
from rdo.model.artifact import Artifact
from rdo.model.build import INSTALLED, Built, Failed, Waiting
from rdo.model.package import Package
from rdo.notify import words
from rdo.notify.links import commit_url
from rdo.notify.story import Changes
from rdo.pages.live_values import BuildPage, LogPart, ShownCommit
from rdo.pages.values import ShownLevel
from rdo.store.given.repositories import Repository
from rdo.store.work.builds import Build, BuildState
from rdo.store.work.reports import BuildLine
from rdo.trunk.context import Trunk
from rdo.trunk.telling.stories import (
    distgit_changes,
    good_before,
    installed,
    upstream_changes,
)
from rdo.trunk.views.dashboard.build_log import causes_of, end_of_log, with_marks
from rdo.trunk.views.forecast import forecast
from rdo.trunk.views.shown import Showing
from rdo.trunk.views.state import TargetView

_HISTORY = 60
_TRIES = 20
_MOST_ROOT_CHANGES = 60


def find_build(trunk: Trunk, number: int) -> Build:
    """Return a build of the target; raises NotFoundError if it has none with this number."""
    with trunk.store.read() as at:
        build = at.builds.find(trunk.name, number)
    if build is None:
        raise NotFoundError(f"{trunk.name} has no build {number}")
    return build


def build_page(trunk: Trunk, view: TargetView, number: int) -> BuildPage:
    """Gather everything known about a build.

    Raises NotFoundError if the target has none with this number.
    """
    read = _Read.of(trunk, number)
    build, package = read.build, trunk.packages.get(read.build.package)
    is_over = build.state is BuildState.DONE
    log = end_of_log(trunk.build_folder(build), is_over=is_over or not trunk.in_round)
    causes = LogReading("", ())
    if log and isinstance(build.outcome, Failed):
        causes = causes_of(log)
        log = with_marks(log, causes)
    commits, more = _commits(trunk, read)
    showing = Showing(trunk)
    expected = forecast(view, trunk.workers, trunk.now()).get(build.id)
    level, state, sentence = _how_it_went(view, build)
    return BuildPage(
        build.id,
        build.package,
        level,
        state,
        clean(sentence),
        tuple(_facts(trunk, package, read)),
        tuple(_moments(build)),
        log,
        _excerpt(log, causes),
        commits,
        more,
        _root_changes(trunk, read),
        read.good.id if read.good else 0,
        tuple(sorted(installed(trunk.build_folder(build) / INSTALLED).items())),
        tuple((one.file_name, _size(one.size)) for one in read.rpms),
        str(showing.place(build.commit)),
        read.repository.id if read.repository else 0,
        words.reproduce_command(trunk.factory, build.id) if is_over and build.started else "",
        tuple(showing.built(line) for line in read.tries),
        expected.ends if expected and build.is_running else None,
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """The store's data about a build; `good` is the last good build before it."""

    build: Build
    history: tuple[Build, ...]
    good: Build | None
    rpms: tuple[Artifact, ...]
    repository: Repository | None
    tries: tuple[BuildLine, ...]

    @classmethod
    def of(cls, trunk: Trunk, number: int) -> "_Read":
        build = find_build(trunk, number)
        with trunk.store.read() as at:
            history = at.builds.history(trunk.name, build.package, limit=_HISTORY)
            lines = at.reports.history(trunk.name, build.package, limit=_HISTORY)
            rpms = at.artifacts.of_build(number)
            repository = at.repositories.of_build(trunk.name, number)
        tries = tuple(one for one in lines if one.commit == build.commit)[:_TRIES]
        return cls(build, history, good_before(history, build), rpms, repository, tries)


def _how_it_went(view: TargetView, build: Build) -> tuple[ShownLevel, str, str]:
    open_ = next((one for one in view.queue if one.build_id == build.id), None)
    match build.outcome:
        case Built():
            return ShownLevel.GOOD, "built", "" if build.published else "not published"
        case Failed(reason, detail):
            level = ShownLevel.WARN if reason.is_spurious else ShownLevel.BAD
            return level, "failed", words.failure(reason, detail)
    if open_:
        return ShownLevel.NONE, str(open_.state), open_.sentence
    if isinstance(build.outcome, Waiting):
        return ShownLevel.WARN, "waiting", ""
    return ShownLevel.NONE, "ended" if build.dropped else str(build.state), build.dropped


def _facts(trunk: Trunk, package: Package | None, read: _Read) -> Iterator[tuple[str, str, str]]:
    build, commit = read.build, read.build.commit
    url = commit_url(package.upstream_of(commit), commit.upstream_hash) if package else ""
    yield "Upstream commit", commit.upstream_hash, url
    if commit.upstream_branch:
        yield "Upstream branch", clean(commit.upstream_branch), ""
    distgit = commit_url(package.distgit, commit.distgit_hash) if package else ""
    yield "Distgit commit", commit.distgit_hash, distgit
    if commit.extended_hash:
        yield "Extended hash", commit.extended_hash, ""
    yield "Release", str(trunk.release_number(commit, build.release_date)), ""
    kind = " as a bootstrap build" if build.bootstrap else ""
    yield "Try", f"{build.attempt}{kind}", ""
    if build.started and build.finished:
        minutes = (build.finished - build.started).total_seconds() / 60
        yield "Took", f"{minutes:.1f} minutes", ""


def _moments(build: Build) -> Iterator[tuple[str, datetime]]:
    moments = (
        ("Committed", build.commit.upstream_time),
        ("Queued", build.created),
        ("Begun", build.started),
        ("Ended", build.finished),
    )
    yield from ((term, moment) for term, moment in moments if moment)


def _excerpt(log: LogPart | None, causes: LogReading) -> tuple[tuple[str, bool], ...]:
    """Return the lines around the cause, without numbers if the log is not shown from its start."""
    if log is None:
        return ()
    numbered = (f"{line.number:6} | " if log.is_whole else "" for line in causes.lines)
    return tuple(
        (f"{number}{line.text}", line.is_cause)
        for number, line in zip(numbered, causes.lines, strict=True)
    )


def _commits(trunk: Trunk, read: _Read) -> tuple[tuple[ShownCommit, ...], int]:
    """Return the newest commits since the last good build, and how many more there are."""
    good = read.good.id if read.good else 0
    sides = _kept_changes(_Question(trunk.name, read.build.id, good, trunk, read))
    commits = [
        ShownCommit(side, one.hash, one_line(one.subject), clean(one.author), one.when, one.url)
        for side, changes in sides
        for one in changes.newest
    ]
    total = sum(changes.count for _, changes in sides)
    return tuple(commits), max(total - len(commits), 0)


@lru_cache(maxsize=256)
def _kept_changes(ask: "_Question") -> tuple[tuple[str, Changes], ...]:
    return ask.answer()


@dataclass(frozen=True, slots=True)
class _Question:
    """A question for the changes up to a build; the answer never changes, so git is asked once.

    Two questions are equal if target, build and the last good build are.
    """

    target: str
    build: int
    good: int
    trunk: Trunk = field(compare=False)
    read: _Read = field(compare=False)

    def answer(self) -> tuple[tuple[str, Changes], ...]:
        """Return the commits of each side."""
        trunk, read = self.trunk, self.read
        package = trunk.packages.get(read.build.package)
        upstream = upstream_changes(trunk, package, read.build, read.good, read.history)
        distgit = distgit_changes(trunk, package, read.build, read.good)
        return ("upstream", upstream), ("distgit", distgit)


def _root_changes(trunk: Trunk, read: _Read) -> tuple[tuple[str, str, str], ...]:
    """Return the packages that differ from the last good build's root."""
    if read.good is None:
        return ()
    before = installed(trunk.build_folder(read.good) / INSTALLED)
    after = installed(trunk.build_folder(read.build) / INSTALLED)
    return differing(before, after)[:_MOST_ROOT_CHANGES]


def differing(
    before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[tuple[str, str, str], ...]:
    """Return the packages of two roots that differ; nothing if one root is not known.

    >>> differing({"a": "1", "b": "1"}, {"a": "1", "b": "2", "c": "1"})
    (('b', '1', '2'), ('c', '', '1'))
    """
    if not before or not after:
        return ()
    names = sorted(before.keys() | after.keys())
    rows = ((name, before.get(name, ""), after.get(name, "")) for name in names)
    return tuple(row for row in rows if row[1] != row[2])


def _size(size: int) -> str:
    """Return a number of bytes as text.

    >>> _size(512), _size(20_500), _size(3_200_000)
    ('512 B', '20 kB', '3.2 MB')
    """
    if size < 1000:
        return f"{size} B"
    return f"{size // 1000} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
