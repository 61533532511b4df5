"""Builds, packages and names of a target as its pages show them."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath

from rdo.dlrn.formats import DlrnStatus
from rdo.errors import UserError
from rdo.logs.reader import clean, one_line
from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.model.text.url import is_on_pypi
from rdo.notify import words
from rdo.notify.links import commit_url
from rdo.notify.story import Story
from rdo.pages.reports import age
from rdo.pages.values import (
    FailingPackage,
    QueuedBuild,
    ShownBlocker,
    ShownBuild,
    ShownName,
    ShownPackage,
    StoppedPackage,
)
from rdo.store.given.names import Move
from rdo.store.work.reports import BuildLine
from rdo.trunk.context import Trunk
from rdo.trunk.views.headline import level_of
from rdo.trunk.views.package_page import shown_ack, with_ack, without_domain
from rdo.trunk.views.state import FAILING, PackageState, PackageView, TargetView
from rdo.trunk.views.status import remark


@dataclass(frozen=True, slots=True)
class Showing:
    """Converts values of the store and the views to values of pages."""

    trunk: Trunk

    def built(self, line: BuildLine) -> ShownBuild:
        """Return a build that has ended, without its commit's subject."""
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
            commit_url=self.commit_url(commit),
            component=commit.component or "",
            status=status_of(line),
            committed=commit.upstream_time,
            when=line.finished,
            minutes=minutes,
            cause=cause,
            place=str(self.place(commit)) if has_place else "",
            note="bootstrap" if line.bootstrap else "",
        )

    def queued(self, view: PackageView) -> QueuedBuild:
        """Return the open build of a view."""
        build = view.facts.pending
        assert build
        return QueuedBuild(
            build.package,
            build.commit.upstream_hash,
            self.commit_url(build.commit),
            build.commit.upstream_time,
            build.created,
            view.state,
            with_ack(view, view.sentence),
            level_of(view),
            build.id,
        )

    def package(self, view: PackageView, files: Mapping[int, list[str]]) -> ShownPackage:
        """Return a package's row; `files` are the RPMs of the good builds."""
        facts = view.facts
        built = self.built(facts.newest) if facts.newest else None
        srpm = next(iter(files.get(facts.good.id, ())), "") if facts.good else ""
        return ShownPackage(
            view.package,
            srpm.removesuffix(".src.rpm"),
            facts.newest.commit.upstream_hash if facts.newest else "",
            built.status if built else DlrnStatus.NO_BUILD.value,
            built.log if built else "",
            _remark(view),
            level_of(view),
            self.commit_url(facts.newest.commit) if facts.newest else "",
            self.built(facts.broken_by) if facts.broken_by else None,
            self._last_good(view),
            facts.newest.id if facts.newest else 0,
            view.state,
        )

    def _last_good(self, view: PackageView) -> str:
        """Return how many days ago a failing package was last good."""
        if view.facts.broken_by is None:
            return ""
        good = view.facts.good
        return age(good.finished, self.trunk.now()) if good and good.finished else "never"

    def failing(self, view: TargetView, stories: Mapping[str, Story]) -> tuple[FailingPackage, ...]:
        """Return the failing packages, the oldest failure first; `stories` are by package."""
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
                    self.built(newest).log,
                    newest.id,
                    tuple(sorted(waiting.get(name, ()))),
                    self.maintainers(name),
                    shown_ack(one.facts.ack),
                )
            )
        return tuple(sorted(found, key=lambda one: (str(one.since), one.package)))

    def blocked(self) -> Iterable[ShownBlocker]:
        """Yield the packages that block `consistent`."""
        for blockers in self.trunk.tree.blockers(self.trunk.members_now()).values():
            for one in blockers:
                yield ShownBlocker(one.package, one.reason, one.since)

    def name(self, move: Move, path: str) -> ShownName:
        """Return a name that was moved to a path."""
        name = f"{move.component}/{move.name}" if move.component else move.name
        why = clean(move.why if move.moved_by == "trunk" else move.moved_by)
        is_there = (self.trunk.tree.repos / path / "repodata/repomd.xml").is_file()
        since = age(move.moved, self.trunk.now())
        return ShownName(
            name, path, move.moved, why, since, is_broken=not is_there, repository=move.new_id
        )

    def subjects(self, name: str, lines: Iterable[BuildLine]) -> dict[str, str]:
        """Return subjects and authors by hash; commits that the mirror has lost are left out."""
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

    def maintainers(self, name: str) -> tuple[str, ...]:
        """Return the maintainers of a package."""
        package = self.trunk.packages.get(name)
        return tuple(without_domain(one) for one in package.maintainers) if package else ()

    def commit_url(self, commit: Commit) -> str:
        """Return the page of an upstream commit; empty if its package has left the release."""
        package: Package | None = self.trunk.packages.get(commit.package)
        return commit_url(package.upstream_of(commit), commit.upstream_hash) if package else ""

    def place(self, commit: Commit) -> PurePosixPath:
        """Return the path of a commit's directory in the tree."""
        return self.trunk.tree.site.directory(commit)


def status_of(line: BuildLine) -> str:
    """Return DLRN's word for how a build ended."""
    return DlrnStatus.of_failure(line.reason).value


def stopped(view: TargetView) -> Iterable[StoppedPackage]:
    """Yield what is held or no longer polled; the pause of a target comes first."""
    if view.pause:
        yield StoppedPackage(view.target, "paused", clean(str(view.pause)))
    for name, one in view.packages.items():
        facts = one.facts
        if facts.hold:
            yield StoppedPackage(name, "held", with_ack(one, str(facts.hold)))
        elif facts.head and facts.head.error:
            said = facts.head.error.partition("\n")[0]
            yield StoppedPackage(name, "stale", with_ack(one, said))


def _remark(view: PackageView) -> str:
    """Return what DLRN's word leaves out; the cause of a failure is in another table."""
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


def status_rows(
    trunk: Trunk, view: TargetView, files: Mapping[int, list[str]]
) -> list[tuple[str, ...]]:
    """Return the rows of status_report.csv: each package's last outcome, by name."""
    rows: list[tuple[str, ...]] = []
    showing = Showing(trunk)
    for name in sorted(view.packages):
        newest = view.packages[name].facts.newest
        if newest is None:
            continue
        commit, place = newest.commit, showing.place(newest.commit)
        names = files.get(newest.id, ()) if newest.reason is None else ()
        artifacts = "|".join(f"repos/{place}/{name}" for name in names)
        rows.append(
            (
                name,
                commit.upstream_hash,
                commit.distgit_hash,
                str(commit.extended_hash),
                str(commit.component),
                status_of(newest),
                str(int(newest.release_date.timestamp())),
                artifacts or "None",
            )
        )
    return rows
