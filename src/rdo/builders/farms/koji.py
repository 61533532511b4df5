"""Koji as a farm: tasks, tags and repositories of a hub."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.builders.farms.farm import FarmBuild, FarmState
from rdo.errors import CommandError, NotFoundError, RefusedError
from rdo.logs.reader import one_line
from rdo.model.build import BuildJob
from rdo.tools.farms.koji_hub import HubFault, KojiHub, ident_of
from rdo.tools.packaging.download import download_file

_STATES = {
    0: FarmState.ACCEPTED,  # FREE
    1: FarmState.BUILDING,  # OPEN
    2: FarmState.BUILT,  # CLOSED
    3: FarmState.CANCELLED,
    4: FarmState.ACCEPTED,  # ASSIGNED
    5: FarmState.FAILED,
}
_COMPLETE = 1
_KEY = "rdo"
_LOG = re.compile(r"(build|root|state|mock_output)\.log")
_PLAIN_RPM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^-]*\.rpm")
_PLAIN_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~^-]*")
_EXISTS = re.compile(r"Build already exists \(id=(\d+), state=COMPLETE")
_NOT_TRIED = re.compile(
    r"not in list for tag|is blocked for tag|(?:Bad|No such) repo"
    r"|[Rr]epo [^\n]{0,99}(?:expired|deleted)"
    r"|unknown build target|neither tag nor target|is locked|policy violation"
)
_SECONDS_OF_OTHERS = 3600  # how far the hub's clock may be behind ours


@dataclass(frozen=True, slots=True)
class KojiPlan:
    """How builds run at a hub: the Koji target, scratch or tagged, and the source.

    `source` is the URL of a source repository, with {names}; empty to upload an SRPM. `most_bytes`
    is how large one result may be.
    """

    target: str
    is_scratch: bool = False
    source: str = ""
    most_bytes: int = 2_000_000_000
    web: str = ""


class KojiFarm:
    """Builds at a hub. A build's number is that of its task."""

    def __init__(self, name: str, hub: KojiHub, plan: KojiPlan) -> None:
        self.name = name
        self.server = hub.server
        self._hub = hub
        self._plan = plan

    def examine(self) -> Sequence[str]:
        """Return the hub's data about our user and the target; RefusedError if a tag is locked."""
        user = self._hub.act("getLoggedInUser")
        permissions = self._hub.act("getPerms")
        target = self._target()
        tag = self._hub.ask("getTag", target["dest_tag"])
        if not self._plan.is_scratch and tag.get("locked"):
            raise RefusedError(f"the tag {tag['name']} of {self.server} is locked")
        repo = self._hub.ask("getRepo", target["build_tag"])
        how = "scratch builds" if self._plan.is_scratch else f"builds tagged {tag['name']}"
        version = self._hub.ask("getKojiVersion")
        return (
            f"{self.server} is Koji {version}; logged in as {user['name']}",
            f"permissions: {', '.join(permissions) or 'no permissions, as is usual for builders'}",
            f"target {self._plan.target}: {how}, in roots of {target['build_tag_name']}",
            f"its repository {repo['id']} is ready"
            if repo
            else "its first repository is not ready",
        )

    def lacks(self, job: BuildJob) -> str:  # noqa: ARG002 - of another farm it may depend on it
        """Return our builds that the hub's repository lacks; Koji itself does not wait for them."""
        tag = self._target()["build_tag"]
        repo = self._hub.ask("getRepo", tag)
        if not repo:
            self._request_repo(tag)
            return "the hub makes the first repository"
        owner = self._hub.act("getLoggedInUser")["name"]
        now = self._ours(tag, owner)
        if missing := sorted(now - self._ours(tag, owner, event=repo["create_event"])):
            self._request_repo(tag)
            return f"its repository does not have {', '.join(missing[:3])} yet"
        return ""

    def submit(self, job: BuildJob, srpm: Path | None, key: str) -> str:
        source = self._source(job, srpm, key)
        options: dict[str, object] = {"custom_user_metadata": {_KEY: key}}
        if self._plan.is_scratch:
            options["scratch"] = True
        return str(self._hub.act("build", source, self._plan.target, options))

    def search(self, key: str, since: float) -> str | None:
        """Return the number of our task whose request contains the key; None if there is none.

        Searches tasks created after `since` (a time()), minus the largest difference of the two
        clocks.
        """
        owner = self._hub.act("getLoggedInUser")["id"]
        asked = {
            "method": "build",
            "owner": owner,
            "decode": True,
            "createdAfter": since - _SECONDS_OF_OTHERS,
        }
        for task in self._hub.ask("listTasks", opts=asked, queryOpts={"order": "-id"}):
            request = task.get("request") or []
            if _is_ours(request, key):
                return str(task["id"])
        return None

    def look(self, number: str) -> FarmBuild:
        task = self._hub.ask("getTaskInfo", int(number))
        if not task:
            return FarmBuild(FarmState.LOST)
        state = _STATES.get(task["state"], FarmState.ACCEPTED)
        if state is not FarmState.FAILED:
            return FarmBuild(state)
        said = one_line(self._hub.fault_of(int(number)))
        if _EXISTS.search(said):  # a build with this release number exists: an earlier one of ours
            return FarmBuild(FarmState.BUILT, said)
        return FarmBuild(state, said, is_not_tried=bool(_NOT_TRIED.search(said)))

    def new_log(self, number: str, known: int) -> bytes:
        for task in self._tasks(int(number)):
            if task["method"] == "buildArch" and "build.log" in self._outputs(task["id"]):
                return self._hub.output(task["id"], "build.log", known)
        return b""

    def fetch(self, number: str, results: Path, *, has_rpms: bool) -> None:
        """Save logs and RPMs; raises RefusedError if they differ from the hub's data."""
        listed = self._listed(int(number))
        self._save_logs(listed, results)
        if not has_rpms:
            return
        build = self._build_of(int(number))
        if build is None and not self._plan.is_scratch:
            raise RefusedError(f"task {number} has ended well, but there is no build of it")
        expected = {_file_name(rpm): rpm for rpm in self._rpms_of(build)} if build else {}
        own = build["task_id"] if build else None
        if own and own != int(number):  # it was built before, and the files belong to that task
            listed = self._listed(own)
            self._save_logs(listed, results)
        found = set()
        for task, outputs in listed:
            for name, stat in outputs.items():
                is_wanted = name in expected or (build is None and _is_result(task, name))
                if name in found or not is_wanted or not _PLAIN_RPM.fullmatch(name):
                    continue
                found.add(name)
                size = int(stat["st_size"])
                self._save_rpm(task["id"], name, size, expected.get(name), results)
        if build:
            for name in sorted(expected.keys() - found):  # the hub removes the files of old tasks
                self._save_kept(build, name, expected[name], results)

    def cancel(self, number: str) -> None:
        try:
            self._hub.act("cancelTask", int(number))
        except HubFault:  # the build has just ended
            return

    def page(self, number: str) -> str:
        web = self._plan.web or self.server.replace("kojihub", "koji")
        return f"{web}/taskinfo?taskID={number}"

    def _target(self) -> dict[str, Any]:
        found = self._hub.ask("getBuildTarget", self._plan.target)
        if not found:
            raise NotFoundError(
                f"{self.server} has no build target {self._plan.target}",
                hint="set `target` of the builder, or have it made: koji add-target",
            )
        return dict(found)

    def _request_repo(self, tag: int) -> None:
        """Request a new repository; hubs before 1.35 make one by themselves."""
        try:
            self._hub.act("repo.request", tag, min_event="last")
        except HubFault:
            return

    def _ours(self, tag: int, owner: str, event: int | None = None) -> set[str]:
        rows = self._hub.ask("listTagged", tag, event=event, inherit=True, latest=True, owner=owner)
        return {row["nvr"] for row in rows}

    def _source(self, job: BuildJob, srpm: Path | None, key: str) -> str:
        if self._plan.source:
            return self._plan.source.format(
                package=job.commit.package,
                distgit_hash=job.spec_hash or job.commit.distgit_hash,
                upstream_hash=job.commit.upstream_hash,
            )
        if srpm is None:
            raise CommandError("there is no SRPM to upload")
        return self._hub.upload(srpm, f"cli-build/rdo-{key}")

    def _build_of(self, task: int) -> dict[str, Any] | None:
        builds = self._hub.ask("listBuilds", taskID=task, state=_COMPLETE)
        if builds:
            return dict(builds[0])
        if exists := _EXISTS.search(self._fault(task)):
            return dict(self._hub.ask("getBuild", int(exists[1])))
        return None

    def _fault(self, task: int) -> str:
        info = self._hub.ask("getTaskInfo", task)
        is_failed = bool(info) and _STATES.get(info["state"]) is FarmState.FAILED
        return self._hub.fault_of(task) if is_failed else ""

    def _rpms_of(self, build: dict[str, Any]) -> list[dict[str, Any]]:
        return list(self._hub.ask("listBuildRPMs", build["build_id"]))

    def _tasks(self, number: int) -> Iterator[dict[str, Any]]:
        """Yield a task and its subtasks, failed ones first, because their logs show the cause."""
        children = self._hub.ask("getTaskChildren", number)
        yield from sorted(children, key=lambda one: one["state"] != 5)
        yield {"id": number, "method": "build", "state": 0}

    def _outputs(self, task: int) -> dict[str, Any]:
        found = self._hub.ask("listTaskOutput", task, stat=True)
        return dict(found) if found else {}

    def _listed(self, number: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return a task and its subtasks, each with the files that it has left."""
        return [(task, self._outputs(task["id"])) for task in self._tasks(number)]

    def _save_logs(
        self, listed: Sequence[tuple[dict[str, Any], dict[str, Any]]], results: Path
    ) -> None:
        for task, outputs in listed:
            for name in outputs:
                if _LOG.fullmatch(name):
                    file = results / name
                    if file.exists():  # another architecture gave the same file
                        file = results / f"{task.get('arch', task['id'])}-{name}"
                    self._hub.save_output(task["id"], name, file, most=self._plan.most_bytes)

    def _save_rpm(
        self, task: int, name: str, size: int, expected: dict[str, Any] | None, results: Path
    ) -> None:
        self._hub.save_output(task, name, results / name, most=self._plan.most_bytes)
        self._check(results / name, size, expected)

    def _save_kept(
        self, build: dict[str, Any], name: str, expected: dict[str, Any], results: Path
    ) -> None:
        """Save an RPM from the folder in which Koji keeps the RPMs of builds permanently."""
        parts = [*str(build["nvr"]).rsplit("-", 2), str(expected["arch"]), name]
        if not all(map(_PLAIN_PART.fullmatch, parts)):
            raise RefusedError(f"{self.server} gives an RPM of its own build a strange name")
        files = self.server.removesuffix("/kojihub")
        url = f"{files}/kojifiles/packages/{'/'.join(parts)}"
        try:
            download_file(url, results / name, max_bytes=self._plan.most_bytes)
        except NotFoundError as error:
            raise RefusedError(f"{self.server} does not give {name} of its own build") from error
        self._check(results / name, 0, expected)

    def _check(self, file: Path, size: int, expected: dict[str, Any] | None) -> None:
        """Raise RefusedError unless a file matches the hub's data about it."""
        name = file.name
        size = int(expected["size"]) if expected else size
        if file.stat().st_size != size:
            raise RefusedError(
                f"{name} has {file.stat().st_size} bytes, and {self.name} says {size}"
            )
        if not expected or ":" in expected["payloadhash"]:  # the hub has no MD5 of this RPM
            return
        if (found := ident_of(file)) != expected["payloadhash"]:
            raise RefusedError(
                f"{name} has the checksum {found or 'of no RPM'},"
                f" and {self.name} says {expected['payloadhash']}",
            )


def _is_ours(request: Sequence[Any], key: str) -> bool:
    """Whether the request of a task contains our key: in its SRPM's path or in its options."""
    if request and f"/rdo-{key}/" in str(request[0]):
        return True
    options = request[2] if len(request) > 2 and isinstance(request[2], dict) else {}
    said = options.get("custom_user_metadata")
    return isinstance(said, dict) and said.get(_KEY) == key


def _is_result(task: dict[str, Any], name: str) -> bool:
    """Whether an RPM is a result of a scratch build; each architecture lists the SRPM."""
    return bool(task["method"] == "buildArch") or name.endswith(".src.rpm")


def _file_name(rpm: dict[str, Any]) -> str:
    return f"{rpm['name']}-{rpm['version']}-{rpm['release']}.{rpm['arch']}.rpm"
