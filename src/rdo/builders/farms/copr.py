"""Copr as a farm: one project for each target, created and configured by us.

A build is done when the project's repositories contain it: Copr reports `succeeded` earlier, and
the next build would not find it then. So our own build order is enough, and Copr's batches are not
used.
"""

import re
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.builders.farms.farm import FarmBuild, FarmState
from rdo.checksum import sha256_of
from rdo.errors import CommandError, ConfigError, NotFoundError, RefusedError
from rdo.logs.reader import one_line
from rdo.model.build import BuildJob
from rdo.model.platform import Platform
from rdo.solver import checksums
from rdo.tools.farms.copr_frontend import CoprFault, CoprFrontend

_STATES = {
    "pending": FarmState.ACCEPTED,
    "starting": FarmState.ACCEPTED,
    "importing": FarmState.ACCEPTED,
    "waiting": FarmState.ACCEPTED,
    "running": FarmState.BUILDING,
    "succeeded": FarmState.BUILT,
    "forked": FarmState.BUILT,
    "failed": FarmState.FAILED,
    "skipped": FarmState.FAILED,
    "canceled": FarmState.CANCELLED,
}
_LOGS = ("build.log", "root.log", "state.log", "hw_info.log", "installed_pkgs.log")
_OTHER_LOGS = ("builder-live.log", "backend.log")
_LIVE = "builder-live.log"
_METADATA = re.compile(
    r'href="(repodata/[A-Za-z0-9._-]{0,200}(?:primary|filelists)\.xml[.a-z0-9]*)"'
)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^-]{0,200}")
_METADATA_BYTES = 500_000_000
_LOG_BYTES = 200_000_000
_LOG_PART = 1_000_000
_PAGE = 100
_LAG_SECONDS = 1800
_ASK_AGAIN_SECONDS = 300
_SECONDS_OF_OTHERS = 3600  # how far the frontend's clock may be behind ours


@dataclass(frozen=True, slots=True)
class CoprPlan:
    """The project that builds go to: its owner (a user, or `@group`), name and chroots.

    `repositories` are URLs that builds may also take packages from, besides the project's own ones.
    `build_seconds` is how long Copr lets a build run, `most_bytes` how large a result may be.
    """

    owner: str
    project: str
    chroots: tuple[str, ...]
    repositories: tuple[str, ...] = ()
    build_seconds: int = 3600
    most_bytes: int = 2_000_000_000
    lag_seconds: float = _LAG_SECONDS


def chroot_of(platform: Platform) -> str:
    """Return Copr's name for the chroot of a platform; raises ConfigError if it is not known.

    The names of CentOS Stream and Fedora have this form at every frontend.
    """
    name, _, _ = platform.name.partition("-")
    if found := re.fullmatch(r"el(\d{1,3})s", name):
        return f"centos-stream-{found[1]}-{platform.arch}"
    if name == "fedora":
        return f"fedora-{platform.releasever}-{platform.arch}"
    raise ConfigError(
        f"it is not known which chroot of Copr is platform {platform.name}",
        hint="set `chroots` of the builder; copr-cli list-chroots shows all",
    )


class CoprFarm:
    """Builds in a project of a frontend. A build's number is the frontend's."""

    def __init__(self, name: str, frontend: CoprFrontend, plan: CoprPlan) -> None:
        self.name = name
        self.server = frontend.server
        self._frontend = frontend
        self._plan = plan
        self._is_ready = False
        self._regenerated = 0.0
        self._lock = threading.Lock()

    def examine(self) -> Sequence[str]:
        """Return sentences about our user at the frontend and what this user may do.

        Raises NotFoundError if the frontend lacks one of the chroots, RefusedError if we may not
        build in the project.
        """
        plan = self._plan
        user = self._frontend.act("GET", "auth-check").get("name") or self._frontend.username
        known = self._frontend.ask("mock-chroots/list")
        if lost := [one for one in plan.chroots if one not in known]:
            raise NotFoundError(
                f"{self.server} has no chroot {', '.join(lost)}",
                hint="set `chroots` of the builder; copr-cli list-chroots shows all",
            )
        place = f"{plan.owner}/{plan.project}"
        said = [f"{self.server} is Copr; logged in as {user}"]
        try:
            self._frontend.ask("project", **self._project())
        except NotFoundError:
            said.append(f"project {place} is made with the first build")
        else:
            asked = f"project/permissions/can_build_in/{user}/{plan.owner}/{plan.project}"
            if not self._frontend.ask(asked).get("can_build_in"):
                raise RefusedError(
                    f"{user} may not build in {place} of {self.server}",
                    hint="ask its owner for the permission `builder`",
                )
            said.append(f"may build in project {place}")
        return (*said, f"chroots: {', '.join(plan.chroots)}")

    def lacks(self, job: BuildJob) -> str:  # noqa: ARG002 - of another farm it may depend on it
        """Create or update the project as the target needs it; always returns "".

        A new build waits for nothing: `look` waits for the repositories.
        """
        with self._lock:
            if not self._is_ready:
                self._make_project()
                self._is_ready = True
        return ""

    def submit(self, job: BuildJob, srpm: Path | None, key: str) -> str:  # noqa: ARG002
        """Upload an SRPM to be built, and return the build's number.

        Raises CommandError if there is no SRPM.
        """
        if srpm is None:
            raise CommandError("there is no SRPM to upload")
        form = {
            **self._project(),
            "chroots": list(self._plan.chroots),
            "timeout": self._plan.build_seconds,
        }
        name = f"rdo-{key}-{srpm.name}"
        made = self._frontend.upload("build/create/upload", form, srpm, name)
        return str(int(made["id"]))

    def search(self, key: str, since: float) -> str | None:
        """Return the number of the build whose SRPM name contains the key, if there is one."""
        offset = 0
        while True:
            page = self._frontend.ask(
                "build/list",
                **self._project(),
                **{"limit": _PAGE, "offset": offset, "order": "id", "order_type": "DESC"},
            )
            builds = list(page.get("items") or [])
            for one in builds:
                if f"/rdo-{key}-" in str((one.get("source_package") or {}).get("url")):
                    return str(int(one["id"]))
            oldest = min((one.get("submitted_on") or 0 for one in builds), default=0)
            if len(builds) < _PAGE or oldest < since - _SECONDS_OF_OTHERS:
                return None
            offset += _PAGE

    def look(self, number: str) -> FarmBuild:
        try:
            build = self._frontend.ask(f"build/{number}")
        except NotFoundError:
            return FarmBuild(FarmState.LOST)
        state = _STATES.get(str(build.get("state")), FarmState.ACCEPTED)
        if state is FarmState.BUILT:
            return self._published(number, build)
        if state is FarmState.FAILED:
            return self._failed(number, str(build.get("state")))
        return FarmBuild(state)

    def new_log(self, number: str, known: int) -> bytes:
        for chroot in self._chroots(number):
            if url := _folder(chroot):
                return self._frontend.part(f"{url}{_LIVE}", known, _LOG_PART)
        return b""

    def fetch(self, number: str, results: Path, *, has_rpms: bool) -> None:
        """Save logs and RPMs; raises RefusedError if an RPM differs from the repository's data."""
        chroots = self._chroots(number)
        self._save_logs(number, chroots, results)
        if not has_rpms:
            return
        for chroot in chroots:
            named = self._named(number, str(chroot["name"]))
            listed = {
                place.rpartition("/")[2]: checksum
                for place, checksum in self._repository(number, str(chroot["name"])).items()
                if _has_number(place, number)
            }
            for name in named:
                if not (results / name).exists():
                    self._save_rpm(f"{_folder(chroot)}{name}", results / name, listed.get(name))

    def cancel(self, number: str) -> None:
        try:
            self._frontend.act("PUT", f"build/cancel/{number}")
        except (CoprFault, NotFoundError):  # the build has just ended
            return

    def page(self, number: str) -> str:
        owner = self._plan.owner
        place = f"g/{owner[1:]}" if owner.startswith("@") else owner
        return f"{self.server}/coprs/{place}/{self._plan.project}/build/{number}/"

    def _project(self) -> dict[str, str]:
        return {"ownername": self._plan.owner, "projectname": self._plan.project}

    def _make_project(self) -> None:
        """Create the project, or add the chroots and repositories that it lacks."""
        plan = self._plan
        wanted = {"chroots": list(plan.chroots), "additional_repos": list(plan.repositories)}
        try:
            found = self._frontend.ask("project", **self._project())
        except NotFoundError:
            form = {
                "name": plan.project,
                **wanted,
                "description": "Built by rdo, which also decides what is built when.",
                "unlisted_on_hp": True,
                "enable_net": False,
                "follow_fedora_branching": False,
            }
            self._frontend.act("POST", f"project/add/{plan.owner}", form, exist_ok="True")
            return
        chroots = set(found.get("chroot_repos") or {})
        repositories = list(found.get("additional_repos") or [])
        if chroots >= set(plan.chroots) and repositories == wanted["additional_repos"]:
            return
        form = {
            "chroots": sorted(chroots.union(plan.chroots)),
            "additional_repos": wanted["additional_repos"],
        }
        self._frontend.act("PUT", f"project/edit/{plan.owner}/{plan.project}", form)

    def _published(self, number: str, build: Mapping[str, Any]) -> FarmBuild:
        """Return that a build is done, or still running while the repositories lack it."""
        lacking = [
            one["name"]
            for one in self._chroots(number)
            if self._named(number, one["name"], only_binary=True)
            and not any(_has_number(at, number) for at in self._repository(number, one["name"]))
        ]
        if not lacking:
            return FarmBuild(FarmState.BUILT)
        seconds = time.time() - float(build.get("ended_on") or time.time())
        if seconds > self._plan.lag_seconds:
            said = f"{self.name} has built it, and {', '.join(lacking)} still lacks it"
            return FarmBuild(FarmState.FAILED, f"{said} after {seconds:.0f} s", is_not_tried=True)
        self._regenerate()
        return FarmBuild(FarmState.BUILDING)

    def _regenerate(self) -> None:
        """Request new repositories, but not too often."""
        with self._lock:
            if self._regenerated and time.monotonic() - self._regenerated < _ASK_AGAIN_SECONDS:
                return
            self._regenerated = time.monotonic()
        plan = self._plan
        try:
            self._frontend.act("PUT", f"project/regenerate-repos/{plan.owner}/{plan.project}")
        except CoprFault:  # it is being done already
            return

    def _failed(self, number: str, state: str) -> FarmBuild:
        if state == "skipped":
            return FarmBuild(FarmState.FAILED, f"{self.name} has skipped build {number}")
        failed = [one["name"] for one in self._chroots(number) if one.get("state") == "failed"]
        if failed:
            return FarmBuild(FarmState.FAILED, f"it failed in {', '.join(failed)}")
        return FarmBuild(FarmState.FAILED, f"{self.name} could not import its source package")

    def _chroots(self, number: str) -> list[dict[str, Any]]:
        found = self._frontend.ask("build-chroot/list", build_id=number).get("items") or []
        return sorted(found, key=lambda one: str(one.get("name")))

    def _named(self, number: str, chroot: str, *, only_binary: bool = False) -> list[str]:
        """Return the files of a build in a chroot, as listed by the frontend."""
        found = self._frontend.ask(f"build/built-packages/{number}").get(chroot) or {}
        names = []
        for one in found.get("packages") or []:
            if only_binary and one["arch"] == "src":
                continue
            name = f"{one['name']}-{one['version']}-{one['release']}.{one['arch']}.rpm"
            if not _PLAIN.fullmatch(name):
                raise RefusedError(f"{self.name} names a package {one_line(name)!r}")
            names.append(name)
        return names

    def _repository(self, number: str, chroot: str) -> dict[str, str]:
        """Return the checksums of the RPMs in a chroot's repository, by their paths."""
        project = self._frontend.ask(f"build/{number}").get("repo_url")
        base = f"{str(project).rstrip('/')}/{chroot}"
        with tempfile.TemporaryDirectory(prefix="rdo-copr-") as name:
            folder = Path(name)
            (folder / "repodata").mkdir()
            top = folder / "repodata/repomd.xml"
            if not self._frontend.save(f"{base}/repodata/repomd.xml", top, most=10_000_000):
                return {}
            for place in set(_METADATA.findall(top.read_text(errors="replace"))):
                file = folder / place
                url = f"{base}/{place}"
                if not self._frontend.save(url, file, most=_METADATA_BYTES):
                    return {}  # the repository was replaced while we read it
            return checksums(folder)

    def _save_logs(self, number: str, chroots: Sequence[Mapping[str, Any]], results: Path) -> None:
        for place, folder in self._log_folders(number, chroots):
            for name in (*_LOGS, *_OTHER_LOGS):
                file = results / name
                if file.exists():  # another chroot gave the same file
                    file = results / f"{place}-{name}"
                for url in (f"{folder}{name}.gz", f"{folder}{name}"):
                    if self._frontend.save(url, file, most=_LOG_BYTES):
                        break
        _name_build_log(results)

    def _log_folders(
        self, number: str, chroots: Sequence[Mapping[str, Any]]
    ) -> Iterator[tuple[str, str]]:
        """Yield each chroot with logs, failed ones first; if there is none, the source import."""
        ordered = sorted(chroots, key=lambda one: one.get("state") != "failed")
        found = [(str(one["name"]), _folder(one)) for one in ordered if _folder(one)]
        yield from found
        if not found:
            try:
                source = self._frontend.ask(f"build/source-chroot/{number}")
            except NotFoundError:
                return
            if url := _folder(source):
                yield "source", url

    def _save_rpm(self, url: str, file: Path, expected: str | None) -> None:
        if not self._frontend.save(url, file, most=self._plan.most_bytes):
            raise RefusedError(f"{self.server} does not give {file.name} of its own build")
        if expected is None and file.name.endswith(".src.rpm"):  # repositories may lack them
            return
        if expected is None:
            raise RefusedError(f"the repository of {self.name} does not have {file.name}")
        if (found := sha256_of(file)) != expected:
            raise RefusedError(
                f"{file.name} has the checksum {found}, and {self.name} says {expected}"
            )


def _folder(chroot: Mapping[str, Any]) -> str:
    """Return the URL of a chroot's results; empty if it has none yet."""
    url = chroot.get("result_url")
    return f"{str(url).rstrip('/')}/" if url else ""


def _has_number(place: str, number: str) -> bool:
    """Whether the path of an RPM in a repository is in the folder of this build.

    >>> _has_number("00000017-nova/nova-1-1.noarch.rpm", "17"), _has_number("Packages/a.rpm", "17")
    (True, False)
    """
    return re.match(rf"(?:.*/)?0*{number}-[^/]+/[^/]+$", place) is not None


def _name_build_log(results: Path) -> None:
    """Use the log that was followed live as the build's log if Copr has no other."""
    live, log = results / _LIVE, results / "build.log"
    if live.exists() and not log.exists():
        live.rename(log)
