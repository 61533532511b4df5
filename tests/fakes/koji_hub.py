"""A Koji hub on loopback that really builds, with rpmbuild; it knows only Koji's own calls.

Its answers have the keys that Koji 1.36 gives. An unknown call is a fault.
"""

import base64
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse
from xmlrpc.client import Fault, dumps, loads

FREE, OPEN, CLOSED, CANCELED, ASSIGNED, FAILED = range(6)
COMPLETE = 1
READY = 1
GENERIC, AUTH, NOT_ALLOWED, BUILD = 1000, 1002, 1004, 1005
SEQUENCE, RETRY, OFFLINE = 1008, 1009, 1014

MOCK_FAILED = (
    "error building package (arch noarch), mock exited with status 1; see build.log or root.log"
    " for more information"
)

USER = {"id": 7, "name": "rdo", "status": 0, "usertype": 0, "krb_principals": []}
TARGET = {
    "id": 3,
    "name": "rdo-el9",
    "build_tag": 11,
    "build_tag_name": "rdo-el9-build",
    "dest_tag": 10,
    "dest_tag_name": "rdo-el9-candidate",
}


@dataclass
class Task:
    """A task of the hub; its files are in a folder of its own."""

    id: int
    method: str
    request: list[Any]
    folder: Path
    parent: int | None = None
    state: int = FREE
    fault: tuple[int, str] | None = None
    started: float = field(default_factory=time.time)


class KojiHubServer:
    """The hub. `trouble` is what befalls each call: "away", "slow", a status, or nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.password = "secret"
        self.trouble: str | int = ""
        self.swallowed: set[str] = set()  # calls that are carried out and not answered
        self.lies: Callable[[dict[str, Any]], dict[str, Any]] = dict
        self.is_locked = False
        self.has_expired = False  # whether the files of tasks were removed, those of builds stay
        self.refusal = ""  # what each build fails with before it begins
        self.calls: list[str] = []
        self.tasks: dict[int, Task] = {}
        self.builds: list[dict[str, Any]] = []
        self.event = 100
        self.repo_event: int | None = 100
        self.repo_waits = 0  # how many looks a requested repository takes
        self._programs: dict[int, subprocess.Popen[bytes]] = {}
        self._last_calls: dict[int, int] = {}  # of each session
        self._lock = threading.RLock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/kojihub"

    def close(self) -> None:
        for program in self._programs.values():
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)
        self._http.shutdown()
        self._http.server_close()

    def begun(self) -> int:
        """How many builds clients have requested."""
        return sum(task.method == "build" for task in self.tasks.values())

    def lose_tasks(self) -> None:
        with self._lock:
            self.tasks.clear()

    def have(self, nvr: str, rpms: Sequence[Path]) -> None:
        """Add a build that was made long ago."""
        whole = self._task("build", [])
        part = self._task("buildArch", [], whole.id)
        for rpm in rpms:
            shutil.copy(rpm, part.folder)
        self._tag(whole, part)
        assert self.builds[-1]["nvr"] == nvr

    # what Koji calls its API, by the names that the client sends

    def getKojiVersion(self) -> str:
        return "1.36.1"

    def login(self, user: str, password: str, opts: object = None) -> dict[str, Any]:
        if (user, password) != (USER["name"], self.password):
            raise Fault(AUTH, "invalid username or password")
        with self._lock:
            number = len(self._last_calls) + 1
            self._last_calls[number] = -1
        return {"session-id": number, "session-key": "key", "header-auth": True}

    def logout(self, session_id: object = None) -> None: ...

    def getLoggedInUser(self) -> dict[str, Any]:
        return USER

    def getPerms(self) -> list[str]:
        return ["build"]

    def getBuildTarget(self, name: str) -> dict[str, Any] | None:
        return TARGET if name == TARGET["name"] else None

    def getTag(self, tag: int) -> dict[str, Any]:
        return {"id": tag, "name": TARGET["dest_tag_name"], "locked": self.is_locked}

    def getRepo(self, tag: int) -> dict[str, Any] | None:
        with self._lock:
            if self.repo_waits:
                self.repo_waits -= 1
                if not self.repo_waits:
                    self.repo_event = self.event
            if self.repo_event is None:
                return None
            return {"id": self.repo_event, "state": READY, "create_event": self.repo_event}

    def repo_request(self, tag: int, min_event: object) -> dict[str, Any]:
        assert (tag, min_event) == (TARGET["build_tag"], "last")
        self.repo_waits = self.repo_waits or 2
        return {"repo": None, "request": {"id": 1}, "duplicate": False}

    def listTagged(
        self, tag: int, event: int | None, inherit: bool, latest: bool, owner: str
    ) -> list[dict[str, Any]]:
        assert (tag, inherit, latest, owner) == (TARGET["build_tag"], True, True, "rdo")
        return [one for one in self.builds if event is None or one["event"] <= event]

    def build(self, source: str, target: str, opts: dict[str, Any]) -> int:
        assert set(opts) <= {"scratch", "custom_user_metadata"}
        if target != TARGET["name"]:
            raise Fault(GENERIC, f"unknown build target: {target}")
        return self._begin(source, target, opts)

    def listTasks(self, opts: dict[str, Any], queryOpts: dict[str, Any]) -> list[dict[str, Any]]:
        assert opts.keys() == {"method", "owner", "decode", "createdAfter"}
        found = [one for one in self.tasks.values() if one.method == opts["method"]]
        late = [one for one in found if one.started >= opts["createdAfter"]]
        return [self._info(one) | {"request": one.request} for one in reversed(late)]

    def getTaskInfo(self, number: int) -> dict[str, Any] | None:
        task = self.tasks.get(number)
        return self._info(task) if task else None

    def getTaskChildren(self, number: int) -> list[dict[str, Any]]:
        return [self._info(one) for one in self.tasks.values() if one.parent == number]

    def getTaskResult(self, number: int) -> str:
        if fault := self.tasks[number].fault:
            raise Fault(*fault)
        return ""

    def listTaskOutput(self, number: int, stat: bool) -> dict[str, Any]:
        assert stat
        if self.has_expired:
            return {}
        folder = self.tasks[number].folder
        return {
            file.name: {"st_size": str(file.stat().st_size)}
            for file in folder.glob("*")
            if file.is_file()
        }

    def downloadTaskOutput(self, number: int, name: str, offset: int, size: int) -> str:
        file = self.tasks[number].folder / name
        if not file.is_file():
            raise Fault(GENERIC, f'no file "{name}" output by task {number}')
        with file.open("rb") as content:
            content.seek(offset)
            return base64.b64encode(content.read(size)).decode()

    def listBuilds(self, taskID: int, state: int) -> list[dict[str, Any]]:
        assert state == COMPLETE
        return [one for one in self.builds if one["task_id"] == taskID]

    def getBuild(self, asked: int | str) -> dict[str, Any] | None:
        key = "nvr" if isinstance(asked, str) else "build_id"
        return next((one for one in self.builds if one[key] == asked), None)

    def listBuildRPMs(self, number: int) -> list[dict[str, Any]]:
        [build] = [one for one in self.builds if one["build_id"] == number]
        folder = self.tasks[build["task_id"] + 1].folder
        return [self.lies(_rpm(file)) for file in sorted(folder.glob("*.rpm"))]

    def cancelTask(self, number: int) -> None:
        with self._lock:
            for task in (self.tasks[number], self.tasks[number + 1]):
                if task.state in {FREE, OPEN}:
                    task.state = CANCELED
            program = self._programs.get(number)
        if program and program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)

    def checkUpload(self, path: str, name: str) -> dict[str, Any] | None:
        file = self.folder / "work" / path / name
        return {"size": str(file.stat().st_size)} if file.is_file() else None

    # how it does that

    def _info(self, task: Task) -> dict[str, Any]:
        return {"id": task.id, "method": task.method, "state": task.state, "arch": "noarch"}

    def _task(self, method: str, request: list[Any], parent: int | None = None) -> Task:
        number = len(self.tasks) + 1
        folder = self.folder / "tasks" / str(number)
        folder.mkdir(parents=True)
        self.tasks[number] = Task(number, method, request, folder, parent)
        return self.tasks[number]

    def _begin(self, source: str, target: str, opts: dict[str, Any]) -> int:
        with self._lock:
            whole = self._task("build", [source, target, opts])
            part = self._task("buildArch", [source], whole.id)
        threading.Thread(target=self._work, args=(whole, part), daemon=True).start()
        return whole.id

    def _work(self, whole: Task, part: Task) -> None:
        opts, top = whole.request[2], self.folder / "tops" / str(whole.id)
        if self.refusal:
            whole.state, whole.fault = FAILED, (BUILD, self.refusal)
            return
        try:
            srpm = self._srpm(whole)
        except subprocess.CalledProcessError as error:
            whole.state, whole.fault = FAILED, (BUILD, f"{error}: {error.stderr}")
            return
        earlier = [one for one in self.builds if f"{one['nvr']}.src.rpm" in srpm.name]
        if earlier and not opts.get("scratch"):
            said = f"Build already exists (id={earlier[0]['build_id']}, state=COMPLETE): {{}}"
            whole.state, whole.fault = FAILED, (GENERIC, said)
            return
        whole.state = part.state = OPEN
        words = ["rpmbuild", "-ra", "-D", f"_topdir {top}", str(srpm)]
        with (part.folder / "build.log").open("wb") as log:
            program = subprocess.Popen(
                words, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
            self._programs[whole.id] = program
            status = program.wait()
        with self._lock:
            if whole.state == CANCELED:
                return
            if status:
                part.state = whole.state = FAILED
                whole.fault = part.fault = (BUILD, MOCK_FAILED)
                return
            for rpm in top.glob("*RPMS/**/*.rpm"):
                shutil.move(rpm, part.folder)
            part.state = CLOSED
            if not opts.get("scratch"):
                self._tag(whole, part)
            whole.state = CLOSED

    def _srpm(self, whole: Task) -> Path:
        """Return the source RPM that was uploaded, or make that of a commit from its sources."""
        source, place = whole.request[0], self.folder / "scm" / str(whole.id)
        if not source.startswith("git+"):
            return self.folder / "work" / str(source)
        url, _, commit = source.removeprefix("git+").partition("#")
        place.mkdir(parents=True)

        def do(*command: str) -> None:
            subprocess.run(command, cwd=place, check=True, capture_output=True, text=True)

        do("git", "clone", "--quiet", url, ".")
        do("git", "checkout", "--quiet", commit)
        do(sys.executable, "-m", "rdo", "pkg", "sources")
        defines = [
            word for key in ("_sourcedir", "_srcrpmdir") for word in ("-D", f"{key} {place}")
        ]
        do("rpmbuild", "-bs", "--nodeps", *defines, *map(str, place.glob("*.spec")))
        [made] = place.glob("*.src.rpm")
        return made

    def _tag(self, whole: Task, part: Task) -> None:
        [srpm] = part.folder.glob("*.src.rpm")
        self.event += 1
        nvr = srpm.name.removesuffix(".src.rpm")
        build = {"build_id": 500 + whole.id, "nvr": nvr, "task_id": whole.id, "state": COMPLETE}
        self.builds.append(build | {"event": self.event})

    def _count(self, session: int, number: int) -> None:
        """Refuse a repeated call of a session, as a hub does."""
        with self._lock:
            last = self._last_calls[session]
            if number < last:
                raise Fault(SEQUENCE, f"{last} > {number} (session {session})")
            if number == last:
                raise Fault(RETRY, f"unable to retry call {number}")
            self._last_calls[session] = number

    def _upload(self, query: dict[str, list[str]], content: bytes) -> dict[str, Any]:
        assert query["fileverify"] == ["adler32"]
        folder = self.folder / "work" / query["filepath"][0]
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / query["filename"][0]).open("ab") as file:
            assert file.tell() == int(query["offset"][0])
            file.write(content)
        return {"size": len(content), "hexdigest": f"{zlib.adler32(content):08x}"}

    def _call(self, method: str, params: tuple[Any, ...], *, is_logged_in: bool) -> Any:
        self.calls.append(method)
        if self.trouble == "offline":
            raise Fault(OFFLINE, "database outage")
        known = None if method.startswith("_") else getattr(self, method.replace(".", "_"), None)
        if known is None or method in {"url", "close", "begun", "lose_tasks", "have"}:
            raise Fault(GENERIC, f"Invalid method: {method}")
        if method in {"build", "cancelTask", "repo.request", "getPerms"} and not is_logged_in:
            raise Fault(NOT_ALLOWED, "you must be logged in for this operation")
        if method == "getLoggedInUser" and not is_logged_in:
            return None
        options: dict[str, Any] = {}
        if params and isinstance(params[-1], dict) and params[-1].pop("__starstar", None):
            *rest, options = params
            params = tuple(rest)
        return known(*params, **options)

    def _handler(hub) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                """Serve a file of a build, at the same path as Koji's web server."""
                *_, name, version, release, _arch, file = self.path.split("/")
                nvr = f"{name}-{version}-{release}"
                found = [one for one in hub.builds if one["nvr"] == nvr]
                assert self.path.startswith("/kojifiles/packages/")
                place = hub.tasks[found[0]["task_id"] + 1].folder / file if found else None
                if place is None or not place.is_file():
                    self.send_error(404)
                    return
                content = place.read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                if hub.trouble == "away":
                    self.connection.close()
                    self.close_connection = True
                    return
                if hub.trouble == "slow":
                    time.sleep(3)
                if isinstance(hub.trouble, int):
                    self.send_error(hub.trouble)
                    return
                method = "rawUpload"
                try:
                    if session := self.headers.get("Koji-Session-Id"):
                        hub._count(int(session), int(self.headers["Koji-Session-Callnum"]))
                    if self.headers["Content-Type"] == "application/octet-stream":
                        answer = hub._upload(parse_qs(urlparse(self.path).query), content)
                    else:
                        params, called = loads(content)
                        method = called or ""
                        is_in = self.headers.get("Koji-Session-Key") == "key"
                        answer = hub._call(method, params, is_logged_in=is_in)
                    text = dumps((answer,), methodresponse=True, allow_none=True)
                except Fault as fault:
                    text = dumps(fault, allow_none=True)
                if method in hub.swallowed:
                    hub.swallowed.discard(method)
                    self.connection.close()
                    self.close_connection = True
                    return
                body = text.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None: ...

        return Handler


def _rpm(file: Path) -> dict[str, Any]:
    form = "%{NAME}\n%{VERSION}\n%{RELEASE}\n%{ARCH}\n%{SIGMD5}\n%{SOURCERPM}"
    asked = ["rpm", "-qp", "--nosignature", "--qf", form, str(file)]
    told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split("\n")
    name, version, release, arch, digest, source = told
    return {
        "name": name,
        "version": version,
        "release": release,
        "arch": "src" if source == "(none)" else arch,
        "payloadhash": digest,
        "size": file.stat().st_size,
    }
