"""`build`, `scratch-build`, `chain-build` and `copr-build`: build a distgit on a farm."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rdo.builders.farms.remote import Record, RemoteBuilder
from rdo.builders.protocol import Builder, Ticket, wait_for
from rdo.distgit.everyday.identity import Verrel, branch_of, git_url, verrel
from rdo.distgit.everyday.sites import DistgitSite
from rdo.distgit.verb.desk import Desk
from rdo.errors import NotFoundError, RefusedError
from rdo.model.build import BuilderKind, BuildJob, Outcome
from rdo.model.commit import Commit
from rdo.model.release_number import ReleaseNumber

if TYPE_CHECKING:
    from rdo.config import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FarmChoice:
    """The builder of rdo.toml that builds a distgit, and the target whose limits apply."""

    builder: str
    kind: BuilderKind
    target: str = ""


def choose(
    settings: "Settings", site: DistgitSite | None, *, builder: str = "", kind: str = ""
) -> FarmChoice:
    """Choose a builder: the named one, the site's, the only one of a kind, or the only farm.

    Raises NotFoundError if there is none, RefusedError if there are several.
    """
    chosen = builder or (site.builder if site and not kind else "")
    if not chosen:
        found = [name for name in settings.builders if _is_meant(settings, name, kind)]
        if not found:
            what = f"builder of kind {kind}" if kind else "build farm"
            raise NotFoundError(
                f"no {what} is set up in rdo.toml",
                hint="add [builders.NAME] (docs/configuration.md); rdo pkg local builds here",
            )
        if len(found) > 1:
            raise RefusedError(
                f"there are several builders: {', '.join(found)}", hint="name one with --builder"
            )
        [chosen] = found
    own = [name for name in settings.targets if chosen in settings.builders_of(name)]
    return FarmChoice(chosen, settings.builder(chosen).kind, own[0] if len(own) == 1 else "")


def mock_builder(settings: "Settings") -> str:
    """Return the builder that runs mock: the first of that kind in rdo.toml, or the kind itself."""
    found = (name for name in settings.builders if settings.builder(name).kind is BuilderKind.MOCK)
    return next(found, BuilderKind.MOCK)


def _is_meant(settings: "Settings", name: str, kind: str) -> bool:
    own = settings.builder(name).kind
    return own == kind if kind else own not in {BuilderKind.ROOT, BuilderKind.COMMAND}


def farm_target(desk: Desk, site: DistgitSite | None, chosen: str = "") -> str:
    """Return the farm's target: the chosen one, or the site's target for the branch.

    Empty if there is neither.
    """
    return chosen or (site.target_of(branch_of(desk)) if site else "")


def require_pushed(desk: Desk) -> None:
    """Raise RefusedError, in fedpkg's words, if this commit is not pushed for a farm to find."""
    if desk.clone.changed_files:
        raise RefusedError(
            f"{desk.folder} has uncommitted changes",
            hint="Try option --srpm to make scratch build from local changes.",
        )
    head = desk.clone.resolve("HEAD")
    seen = desk.clone.plumb("for-each-ref", f"--contains={head}", "refs/remotes") if head else ""
    if not seen:
        raise RefusedError(
            "There are unpushed changes in your repo",
            hint="rdo pkg push. Try option --srpm to make scratch build from local changes.",
        )


def source_of_branch(desk: Desk, site: DistgitSite, package: str) -> str:
    """Return the URL of a package's newest commit at the site, on the current branch.

    Raises NotFoundError if the package does not have the branch.
    """
    url = site.url_of(package, is_anonymous=bool(site.anonymous))
    branch = branch_of(desk)
    ref = f"refs/heads/{branch}"
    listed = desk.clone.plumb("ls-remote", "--", url, ref).split()
    if not listed:
        raise NotFoundError(f"{package} has no branch {branch} at {url}")
    return f"git+{url}#{listed[0]}"


@dataclass(frozen=True, slots=True)
class FarmTask:
    """A build that a farm has accepted: its number there, and the page for people."""

    number: str
    page: str


@dataclass(frozen=True, slots=True)
class FarmBuildRun:
    """One build on a farm: `builder` is opened for its source, `folder` gets the results."""

    desk: Desk
    builder: Builder
    folder: Path
    name: str

    def run(self, *, waits: bool = True) -> tuple[FarmTask | None, Outcome | None]:
        """Start the build, wait for its end if asked to, and return what is known about it.

        Ctrl-C does not cancel a build that the farm has accepted.
        """
        ended = threading.Event()
        self.builder.notify(ended)
        ticket = self.builder.start(self._job())
        submitted = self._submitted(ticket, ended)
        if submitted:
            self.desk.say(f"Created task: {submitted.number}")
            self.desk.say(f"Task info: {submitted.page}")
        if submitted and not waits and self.builder.leave(ticket):
            return submitted, None
        try:
            return submitted, wait_for(self.builder, [ticket], ended)[ticket]
        except KeyboardInterrupt:
            if self.builder.leave(ticket) and submitted:
                self.desk.say(f"task {submitted.number} continues: {submitted.page}")
            raise

    def _submitted(self, ticket: Ticket, ended: threading.Event) -> FarmTask | None:
        """Wait until the farm has accepted the build; None after a failure, or if it is no farm."""
        if not isinstance(self.builder, RemoteBuilder):
            return None
        while not self.builder.poll([ticket]):
            record = Record.read(self.folder)
            if record and record.number:
                return FarmTask(record.number, self.builder.page(record.number))
            ended.wait(0.2)
        return None

    def _job(self) -> BuildJob:
        now = datetime.now(UTC)
        head = self.desk.clone.resolve("HEAD")
        commit = Commit(self.name, head, head, now, now, self.desk.clone.branch)
        release = ReleaseNumber(now, head[:7], "0")
        return BuildJob(1, commit, release, self.desk.folder, self.desk.folder, self.folder)


def results_folder(desk: Desk, found: Verrel) -> Path:
    """Return the folder for the results of a version: fedpkg's `results_NAME/VERSION/RELEASE`."""
    return desk.folder / f"results_{found.repo_name}" / found.ver / found.rel


def ignore_results(desk: Desk, found: Verrel) -> None:
    """Make git ignore the results in this clone; verbs call this before they build."""
    desk.clone.exclude(f"/results_{found.repo_name}/")


def options_of(
    desk: Desk,
    site: DistgitSite | None,
    choice: FarmChoice,
    *,
    target: str = "",
    project: str = "",
    is_scratch: bool = False,
    has_srpm: bool = False,
) -> Mapping[str, object]:
    """Return the keys of the builder's section that a build replaces."""
    options: dict[str, object] = {}
    if choice.kind is BuilderKind.KOJI:
        if wanted := farm_target(desk, site, target):
            options["koji_target"] = wanted
        if is_scratch:
            options["scratch"] = True
        is_remote = site is not None and bool(site.anonymous) and not has_srpm
        options["source_url"] = git_url(desk, site) if site and is_remote else None
    if project:
        owner, slash, name = project.rpartition("/")
        options |= {"project": name} | ({"owner": owner} if slash else {})
    return options


def groups(packages: Sequence[str], last: str) -> list[list[str]]:
    """Return the groups of a chain, separated by colons; the package of this distgit comes last.

    >>> groups(["a", "b", ":", "c"], "me")
    [['a', 'b'], ['c'], ['me']]
    """
    found: list[list[str]] = [[]]
    for package in packages:
        if package == ":":
            found.append([])
        else:
            found[-1].append(package)
    if last not in packages:
        found.append([last])
    return [group for group in found if group]


def package_name(desk: Desk, site: DistgitSite | None) -> str:
    """Return the package's name without its namespace."""
    return verrel(desk, site).repo_name
