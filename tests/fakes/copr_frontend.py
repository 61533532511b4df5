"""A Copr frontend on loopback, with its backend, that really builds, with rpmbuild.

It knows only Copr's own requests, of API version 3, and refuses forms that Copr's would refuse.
States, answers and errors have the words of Copr's own code. Unlike Copr, it has one worker per
build, no distgit, and no users but one.
"""

import base64
import email.parser
import email.policy
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

USER, LOGIN, TOKEN = "rdo", "login-of-rdo", "token-of-rdo"
CHROOTS = {"centos-stream-9-x86_64": "", "fedora-44-x86_64": "", "custom-1-x86_64": ""}

_PROJECT_FIELDS = frozenset(
    {
        *("name", "chroots", "description", "instructions", "homepage", "contact"),
        *("additional_repos", "unlisted_on_hp", "enable_net", "persistent", "auto_prune"),
        *("bootstrap", "isolation", "follow_fedora_branching", "devel_mode", "multilib"),
    }
)
_EDIT_FIELDS = _PROJECT_FIELDS - {"name", "persistent"}
_BUILD_FIELDS = frozenset(
    {
        *("ownername", "projectname", "project_dirname", "chroots", "exclude_chroots"),
        *("background", "timeout", "bootstrap", "isolation", "enable_net"),
        *("after_build_id", "with_build_id"),
    }
)
_FINISHED = {"failed", "succeeded", "canceled", "skipped", "forked"}


class Refused(Exception):
    """An answer with an error, as Copr's handler of errors gives it."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


@dataclass
class Build:
    """A build, in one chroot or several of its project."""

    id: int
    owner: str
    project: str
    chroots: tuple[str, ...]
    url: str
    srpm: Path
    state: str = "pending"
    submitted: float = field(default_factory=time.time)
    ended: float | None = None
    results: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def folder_name(self) -> str:
        """The backend's name for the folder of results."""
        return f"{self.id:08d}-rdo-trial"


class CoprServer:
    """The frontend. `trouble` is what befalls each request: "away", "slow", a status, nothing.

    `lags` is how often a build that is done is asked for until repositories have it, below zero
    for ever; `lies` changes the content of an RPM that is downloaded.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trouble: str | int = ""
        self.swallowed: set[str] = set()  # requests that are carried out and not answered
        self.token = TOKEN
        self.may_build = True
        self.import_fails = False
        self.lags = 0
        self.lies: Callable[[bytes], bytes] = bytes
        self.projects: dict[tuple[str, str], dict[str, Any]] = {}
        self.builds: dict[int, Build] = {}
        self.calls: list[str] = []
        self._programs: dict[int, subprocess.Popen[bytes]] = {}
        self._lock = threading.RLock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        (folder / "results").mkdir(parents=True)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        for program in self._programs.values():
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)
        self._http.shutdown()
        self._http.server_close()

    def begun(self) -> int:
        """How many builds clients have requested."""
        return len(self.builds)

    def lose_builds(self) -> None:
        with self._lock:
            self.builds.clear()

    # the API

    def answer(self, method: str, path: str, query: dict[str, str], request: "Request") -> Any:
        for verb, pattern, act in self._routes():
            if verb == method and (found := re.fullmatch(pattern, path)):
                self.calls.append(f"{method} {pattern}")
                return act(self, query, request, *found.groups())
        raise Refused(404, "The requested URL was not found on the server.")

    @staticmethod
    def _routes() -> tuple[tuple[str, str, Callable[..., Any]], ...]:
        return (
            ("GET", "auth-check", CoprServer._auth_check),
            ("GET", "mock-chroots/list", lambda _server, _query, _request: CHROOTS),
            ("GET", "project", CoprServer._project),
            ("POST", "project/add/([^/]+)", CoprServer._add_project),
            ("PUT", "project/edit/([^/]+)/([^/]+)", CoprServer._edit_project),
            ("PUT", "project/regenerate-repos/([^/]+)/([^/]+)", CoprServer._regenerate),
            (
                "GET",
                "project/permissions/can_build_in/([^/]+)/([^/]+)/([^/]+)",
                CoprServer._can_build_in,
            ),
            ("POST", "build/create/upload", CoprServer._create),
            ("GET", "build/list", CoprServer._list),
            ("GET", r"build/(\d+)", CoprServer._get),
            ("GET", r"build/source-chroot/(\d+)", CoprServer._source_chroot),
            ("GET", r"build/built-packages/(\d+)", CoprServer._built_packages),
            ("PUT", r"build/cancel/(\d+)", CoprServer._cancel),
            ("GET", "build-chroot/list", CoprServer._chroots),
        )

    def _auth_check(self, _query: dict[str, str], request: "Request") -> Any:
        self._logged_in(request)
        return {"id": 7, "name": USER}

    def _project(self, query: dict[str, str], _request: "Request") -> Any:
        return self._shown(_wanted(query, "ownername"), _wanted(query, "projectname"))

    def _add_project(self, query: dict[str, str], request: "Request", owner: str) -> Any:
        self._logged_in(request)
        if owner != USER:
            raise Refused(404, f"No such user `{owner}'")
        form = request.form(_PROJECT_FIELDS)
        name = form.get("name", "")
        if not re.fullmatch(r"[\w.-]+", name):
            raise Refused(400, "name: Name must contain only letters, digits, underscores...")
        if (owner, name) in self.projects:
            if query.get("exist_ok") != "True":
                raise Refused(400, f"name: Project {owner}/{name} already exists.")
            return self._shown(owner, name)
        _check_chroots(form)
        repositories = form.get("additional_repos") or []
        self.projects[owner, name] = {"chroots": form["chroots"], "repos": repositories}
        for chroot in form["chroots"]:
            self._createrepo(owner, name, chroot)
        return self._shown(owner, name)

    def _edit_project(
        self, _query: dict[str, str], request: "Request", owner: str, name: str
    ) -> Any:
        self._logged_in(request)
        self._shown(owner, name)
        form = request.form(_EDIT_FIELDS)
        _check_chroots(form)
        self.projects[owner, name] |= {
            "chroots": form["chroots"],
            "repos": form.get("additional_repos") or [],
        }
        return self._shown(owner, name)

    def _regenerate(self, _query: dict[str, str], request: "Request", owner: str, name: str) -> Any:
        self._logged_in(request)
        return self._shown(owner, name)

    def _can_build_in(
        self, _query: dict[str, str], _request: "Request", who: str, owner: str, name: str
    ) -> Any:
        self._shown(owner, name)
        allowed = self.may_build and who == USER
        return {"who": who, "ownername": owner, "projectname": name, "can_build_in": allowed}

    def _create(self, _query: dict[str, str], request: "Request") -> Any:
        self._logged_in(request)
        form = request.form(_BUILD_FIELDS)
        owner, name = str(form["ownername"]), str(form["projectname"])
        project = self.projects.get((owner, name))
        self._shown(owner, name)
        if not self.may_build:
            raise Refused(403, f"User {USER} is not allowed to build in the copr: {owner}/{name}")
        chroots = form.get("chroots") or (project or {})["chroots"]
        if lost := [one for one in chroots if one not in (project or {})["chroots"]]:
            raise Refused(400, f"Bad request parameters: {{'chroots': ['{lost[0]}']}}")
        file_name, content = request.files["pkgs"]
        if not file_name.endswith((".src.rpm", ".spec")):
            raise Refused(400, "Bad request parameters: {'pkgs': ['You can upload only .src.rpm']}")
        with self._lock:
            number = len(self.builds) + 1
            folder = self.folder / "tmp" / f"tmp{number}"
            folder.mkdir(parents=True)
            srpm = folder / re.sub(r"[^A-Za-z0-9_.-]", "", file_name)
            srpm.write_bytes(content)
            url = f"{self.url}/tmp/{folder.name}/{srpm.name}"
            build = Build(number, owner, name, tuple(chroots), url, srpm)
            self.builds[number] = build
        threading.Thread(target=self._work, args=(build,), daemon=True).start()
        return self._told(build)

    def _list(self, query: dict[str, str], _request: "Request") -> Any:
        owner, name = _wanted(query, "ownername"), _wanted(query, "projectname")
        self._shown(owner, name)
        found = [one for one in self.builds.values() if (one.owner, one.project) == (owner, name)]
        found.sort(key=lambda one: one.id, reverse=query.get("order_type", "DESC") == "DESC")
        offset, limit = int(query.get("offset", "0")), int(query.get("limit", "1000"))
        items = [self._told(one) for one in found[offset : offset + limit]]
        return {"items": items, "meta": {"limit": limit, "offset": offset}}

    def _get(self, _query: dict[str, str], _request: "Request", number: str) -> Any:
        return self._told(self._build(number))

    def _source_chroot(self, _query: dict[str, str], _request: "Request", number: str) -> Any:
        build = self._build(number)
        url = f"{self.url}/results/{build.owner}/{build.project}/srpm-builds/{build.id:08d}"
        return {"state": "failed" if self.import_fails else "succeeded", "result_url": url}

    def _built_packages(self, _query: dict[str, str], _request: "Request", number: str) -> Any:
        build = self._build(number)
        return {one: {"packages": build.results.get(one, [])} for one in build.chroots}

    def _cancel(self, _query: dict[str, str], request: "Request", number: str) -> Any:
        self._logged_in(request)
        build = self._build(number)
        with self._lock:
            if build.state in _FINISHED:
                raise Refused(409, f"Cannot cancel build {build.id}")
            build.state, build.ended = "canceled", time.time()
            program = self._programs.get(build.id)
        if program and program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
        return self._told(build)

    def _chroots(self, query: dict[str, str], _request: "Request") -> Any:
        build = self._build(_wanted(query, "build_id"))
        if self.import_fails or build.state in {"pending", "importing"}:
            return {"items": [], "meta": {}}
        items = [
            {
                "name": one,
                "state": build.state,
                "started_on": int(build.submitted),
                "ended_on": build.ended and int(build.ended),
                "result_url": f"{self.url}/results/{self._place(build, one)}/",
            }
            for one in build.chroots
        ]
        return {"items": items, "meta": {}}

    # how it does that

    def _logged_in(self, request: "Request") -> None:
        if request.login != (LOGIN, self.token):
            raise Refused(
                401,
                f"Login invalid/expired. Please visit {self.url}/api to get or renew your API"
                " token.",
            )

    def _shown(self, owner: str, name: str) -> dict[str, Any]:
        project = self.projects.get((owner, name))
        if project is None:
            raise Refused(404, f"Project {owner}/{name} does not exist.")
        return {
            "name": name,
            "ownername": owner,
            "full_name": f"{owner}/{name}",
            "chroot_repos": {
                one: f"{self.url}/results/{owner}/{name}/{one}/" for one in project["chroots"]
            },
            "additional_repos": project["repos"],
        }

    def _build(self, number: str) -> Build:
        build = self.builds.get(int(number))
        if build is None:
            raise Refused(404, f"Build {number} does not exist.")
        return build

    def _told(self, build: Build) -> dict[str, Any]:
        with self._lock:
            if build.state == "succeeded" and self.lags > 0:
                self.lags -= 1
                if not self.lags:
                    self._publish(build)
        return {
            "id": build.id,
            "state": build.state,
            "ownername": build.owner,
            "projectname": build.project,
            "repo_url": f"{self.url}/results/{build.owner}/{build.project}",
            "source_package": {"name": None, "version": None, "url": build.url},
            "submitted_on": int(build.submitted),
            "started_on": int(build.submitted),
            "ended_on": build.ended and int(build.ended),
            "submitter": USER,
            "chroots": list(build.chroots),
            "project_dirname": build.project,
            "is_background": False,
        }

    def _place(self, build: Build, chroot: str) -> str:
        return f"{build.owner}/{build.project}/{chroot}/{build.folder_name}"

    def _work(self, build: Build) -> None:
        build.state = "importing"
        if self.import_fails:
            folder = self.folder / "results" / build.owner / build.project / "srpm-builds"
            (folder / f"{build.id:08d}").mkdir(parents=True)
            log = folder / f"{build.id:08d}/builder-live.log.gz"
            log.write_bytes(gzip.compress(b"error: not an rpm package\n"))
            build.state, build.ended = "failed", time.time()
            return
        with self._lock:
            if build.state == "canceled":
                return
            build.state = "running"
        is_good = all(map(partial(self._build_in, build), build.chroots))
        with self._lock:
            if build.state == "canceled":
                return
            build.ended = time.time()
            if is_good and not self.lags:
                self._publish(build)
            build.state = "succeeded" if is_good else "failed"

    def _build_in(self, build: Build, chroot: str) -> bool:
        top = self.folder / "tops" / f"{build.id}-{chroot}"
        results = self.folder / "results" / self._place(build, chroot)
        results.mkdir(parents=True)
        live = results / "builder-live.log"
        words = ["rpmbuild", "-ra", "-D", f"_topdir {top}", str(build.srpm)]
        with live.open("wb") as log:
            program = subprocess.Popen(
                words, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
            self._programs[build.id] = program
            status = program.wait()
        for name in ("builder-live.log", "build.log"):
            (results / f"{name}.gz").write_bytes(gzip.compress(live.read_bytes()))
        live.unlink()
        if status:
            return False
        for rpm in top.glob("*RPMS/**/*.rpm"):
            shutil.move(rpm, results)
        build.results[chroot] = [_nevra(file) for file in sorted(results.glob("*.rpm"))]
        return True

    def _publish(self, build: Build) -> None:
        for chroot in build.chroots:
            self._createrepo(build.owner, build.project, chroot)

    def _createrepo(self, owner: str, project: str, chroot: str) -> None:
        folder = self.folder / "results" / owner / project / chroot
        folder.mkdir(parents=True, exist_ok=True)
        command = ["createrepo_c", "--quiet", "--excludes", "*.src.rpm", str(folder)]
        subprocess.run(command, check=True, capture_output=True)

    def _handler(server) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                if server.trouble == "away":
                    return self._hang_up()
                if server.trouble == "slow":
                    time.sleep(3)
                if isinstance(server.trouble, int):
                    return self._send(server.trouble, b"<html>proxy error</html>", "text/html")
                if not parts.path.startswith("/api_3/"):
                    return self._file(parts.path)
                path = parts.path.removeprefix("/api_3/").strip("/")
                try:
                    request = Request(self.headers, content)
                    found = server.answer(self.command, path, dict(parse_qsl(parts.query)), request)
                    status = 200
                except Refused as error:
                    status, found = error.status, {"error": str(error)}
                if path in server.swallowed:
                    server.swallowed.discard(path)
                    return self._hang_up()
                return self._send(status, json.dumps(found).encode(), "application/json")

            do_POST = do_PUT = do_GET

            def _file(self, path: str) -> None:
                file = server.folder / path.lstrip("/")
                if not file.is_file():
                    return self._send(404, b"Not Found", "text/plain")
                content = file.read_bytes()
                if file.suffix == ".rpm":
                    content = server.lies(content)
                if (asked := self.headers.get("Range")) is None:
                    return self._send(200, content, "application/octet-stream")
                first = int(asked.removeprefix("bytes=").rstrip("-"))
                if first >= len(content):
                    return self._send(416, b"", "text/plain")
                return self._send(206, content[first:], "application/octet-stream")

            def _send(self, status: int, body: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _hang_up(self) -> None:
                self.connection.close()
                self.close_connection = True

            def log_message(self, *_args: object) -> None: ...

        return Handler


class Request:
    """A client's request: a form, as JSON or with files, and a login."""

    def __init__(self, headers: Message, content: bytes) -> None:
        self.files: dict[str, tuple[str, bytes]] = {}
        self._form: dict[str, Any] = {}
        self.login = _login(headers.get("Authorization") or "")
        kind = headers.get("Content-Type") or ""
        if kind.startswith("multipart/form-data"):
            self._read_parts(kind, content)
        elif content:
            if kind != "application/json":
                raise Refused(415, "Did not attempt to load JSON data because of its Content-Type")
            self._form = json.loads(content)

    def form(self, known: frozenset[str]) -> dict[str, Any]:
        """Return the form; Copr ignores unknown fields, and this refuses them."""
        if unknown := self._form.keys() - known:
            raise Refused(400, f"unknown fields: {', '.join(sorted(unknown))}")
        return self._form

    def _read_parts(self, kind: str, content: bytes) -> None:
        parser = email.parser.BytesParser(policy=email.policy.HTTP)
        message = parser.parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + content)
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            body = part.get_payload(decode=True)
            assert isinstance(body, bytes)
            if name == "json":
                self._form = json.loads(body)
            else:
                self.files[str(name)] = (str(part.get_filename()), body)


def _login(header: str) -> tuple[str, str]:
    scheme, _, word = header.partition(" ")
    if scheme != "Basic":
        return "", ""
    user, _, token = base64.b64decode(word).decode().partition(":")
    return user, token


def _wanted(query: dict[str, str], name: str) -> str:
    if name not in query:
        raise Refused(400, f"Missing argument {name}")
    return query[name]


def _check_chroots(form: dict[str, Any]) -> None:
    chroots = form.get("chroots")
    if not chroots:
        raise Refused(400, "chroots: At least one chroot must be selected")
    if lost := sorted(set(chroots) - CHROOTS.keys()):
        raise Refused(400, f"Unexpected chroot: {', '.join(lost)}")


def _nevra(file: Path) -> dict[str, Any]:
    form = "%{NAME}\n%{EPOCHNUM}\n%{VERSION}\n%{RELEASE}\n%{ARCH}"
    asked = ["rpm", "-qp", "--nosignature", "--qf", form, str(file)]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)
    name, epoch, version, release, arch = done.stdout.split("\n")
    is_source = file.name.endswith(".src.rpm")
    return {
        "name": name,
        "epoch": int(epoch),
        "version": version,
        "release": release,
        "arch": "src" if is_source else arch,
    }
