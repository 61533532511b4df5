"""The pages of a server over a long history: how long each takes, asked on loopback.

The bar is 50 ms for the median of each page, with 100,000 commits.
"""

import json
import random
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr
from zlib import compress

import httpx
from sqlalchemy import delete, insert

from rdo.app import App
from rdo.logs.reader import LogLine
from rdo.model.build import FailureReason
from rdo.notify.story import Changes, EventKind, LinkedCommit, Story
from rdo.store import Store
from rdo.store.schema import (
    ArtifactRow,
    BuildRow,
    CommitRow,
    EventRow,
    MoveRow,
    NameRow,
    PackageRow,
    RepositoryRow,
)
from tests.serving import serving

TARGETS = ("master-deb12", "flamingo-deb12")
REQUESTS = 25
_DAYS = 365
_LOG = """\
+ cd build
+ make -j2
gcc -c -o a.o a.c
a.c:12:5: error: 'struct pool' has no member named 'spare'
make: *** [Makefile:4: a.o] Error 1
error: Bad exit status from /var/tmp/rpm-tmp.1 (%build)
"""


@dataclass(frozen=True, slots=True)
class PageTimes:
    """Milliseconds of one page: the median, and the slowest."""

    p50: float
    slowest: float
    kilobytes: float


def measure(packages: int = 400, commits: int = 100_000) -> dict[str, PageTimes]:
    """Ask for each page of a server over a made-up history."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), packages, commits)
        world.write()
        with serving(App(Path(folder))) as server, httpx.Client(trust_env=False) as client:
            return {page: _times(client, f"{server.url}{page}") for page in world.pages()}


def _times(client: httpx.Client, url: str) -> PageTimes:
    size = len(client.get(url).raise_for_status().content)
    taken = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        client.get(url).raise_for_status()
        taken.append((time.perf_counter() - started) * 1000)
    return PageTimes(
        round(statistics.median(taken), 1), round(max(taken), 1), round(size / 1000, 1)
    )


class World:
    """A factory of two targets with a history of a year, written at once."""

    def __init__(
        self,
        folder: Path,
        packages: int,
        commits: int,
        now: datetime | None = None,
        database: str = "",
    ) -> None:
        self.folder = folder
        self.database = database or f"sqlite:///{folder}/rdo.sqlite"
        self.now = now or datetime.now(UTC).replace(microsecond=0)
        self.names = [_name(number) for number in range(packages)]
        self.rounds = max(commits // packages // len(TARGETS), 4)
        self.random = random.Random(15)  # no secret, the same each time
        self.failing: dict[str, int] = {}
        self.running = 0
        self._builds = 0

    def pages(self) -> list[str]:
        """Return the path of one page of each kind."""
        name, build = next(iter(self.failing.items()))
        own = f"/{TARGETS[0]}"
        return [
            "/",
            *(f"{own}/{page}.html" for page in ("index", "status_report", "report", "queue")),
            f"{own}/names.html",
            f"{own}/charts.html",
            f"{own}/charts.html?days=365",
            f"{own}/packages/{name}.html",
            f"{own}/builds/{build}.html",
            f"{own}/builds/{self.running}/log?offset=0",
            f"{own}/repositories/1.html",
            "/search?q=oslo",
            "/search?q=0000",
            "/maintainer?maintainer=ann",
        ]

    def write(self) -> None:
        """Write configuration, metadata, the store and some logs."""
        (self.folder / "info").mkdir(parents=True)
        (self.folder / "rdo.toml").write_text(_config(self.database))
        (self.folder / "info/rdo.yml").write_text(_metadata(self.names))
        with Store(self.database) as store:
            for target in TARGETS:
                self._target(store, target)

    def _target(self, store: Store, target: str) -> None:
        is_first = target == TARGETS[0]
        bad = self.names[3 :: len(self.names) // 7][:6] if is_first else self.names[11:12]
        commits, builds, packages = [], [], []
        first = self._builds
        for position in range(self.rounds):
            for name in self.names:
                self._builds += 1
                number = self._builds
                back = _DAYS * (1 - (number - first) / (self.rounds * len(self.names)))
                when = self.now - timedelta(days=back, minutes=4)
                is_last = position == self.rounds - 1
                fails = name in bad if is_last else self.random.random() < 0.04
                commits.append(self._commit(target, number, name, position, when))
                builds.append(self._build(target, number, name, when, fails=fails))
                if is_last:
                    packages.append(_pointers(target, name, number, fails, len(self.names), when))
                    if fails and is_first:
                        self.failing[name] = number
        rows: list[tuple[Any, Sequence[Mapping[str, object]]]] = [
            (CommitRow, commits),
            (BuildRow, builds),
            (PackageRow, packages),
        ]
        good = {row["good_id"]: row["package"] for row in packages}
        rows.append(
            (
                ArtifactRow,
                [
                    one
                    for number, name in good.items()
                    for one in _artifacts(int(str(number)), str(name), self.names)
                ],
            )
        )
        with store.write() as at:
            for table, values in rows:
                at.builds.session.execute(insert(table), values)
            if is_first:
                at.builds.session.execute(
                    insert(EventRow),
                    [self._event(target, name, number) for name, number in self.failing.items()],
                )
                self._queue(at.builds.session, target)
            self._names(at.builds.session, target)
        for number in self.failing.values():
            self._log(TARGETS[0], number, _LOG)

    def _commit(
        self, target: str, number: int, name: str, position: int, when: datetime
    ) -> dict[str, object]:
        earlier = timedelta(hours=self.random.expovariate(0.4) + 0.3)
        return {
            "id": number,
            "target": target,
            "package": name,
            "position": position + 1,
            "upstream_hash": f"{self.random.getrandbits(160):040x}",
            "distgit_hash": "d" * 40,
            "extended_hash": "",
            "upstream_time": _seconds(when - earlier),
            "distgit_time": 1,
            "upstream_branch": "master",
        }

    def _build(
        self, target: str, number: int, name: str, when: datetime, *, fails: bool
    ) -> dict[str, object]:
        took = 60 + len(name) * 11
        return {
            "id": number,
            "target": target,
            "package": name,
            "commit_id": number,
            "release_date": _seconds(when),
            "created": _seconds(when) - took - 30,
            "started": _seconds(when) - took,
            "finished": _seconds(when),
            "published": None if fails else number,
            "attempt": 1,
            "bootstrap": False,
            "inputs": str(number),
            "state": "done",
            "outcome": "failed" if fails else "built",
            "reason": FailureReason.COMPILE.value if fails else None,
            "detail": "%build: a.c:12:5: error: 'struct pool' has no member named 'spare'"
            if fails
            else "",
            "needs": "[]",
            "rpms": "[]",
            "ticket": "",
            "superseded": False,
        }

    def _queue(self, session: Any, target: str) -> None:
        """Two builds run, others are queued, and one waits for another."""
        for number, name in enumerate(self.names[20:32]):
            self._builds += 1
            state = "running" if number < 2 else "queued"
            when = self.now - timedelta(minutes=6 - number / 4)
            session.execute(
                insert(CommitRow), [self._commit(target, self._builds, name, 10**6, when)]
            )
            row = self._build(target, self._builds, name, when, fails=False)
            row |= {
                "state": state,
                "outcome": None,
                "finished": None,
                "published": None,
                "started": _seconds(when) if number < 2 else None,
                "created": _seconds(when),
            }
            session.execute(insert(BuildRow), [row])
            if number == 0:
                self.running = self._builds
                self._log(target, self._builds, "+ %build\n" * 40)

    def _names(self, session: Any, target: str) -> None:
        """Names with moves of the last weeks."""
        start = 0 if target == TARGETS[0] else 1000
        numbers = list(range(start + 1, start + 61))
        for number in numbers:
            back = timedelta(hours=(start + 61 - number) * 13)
            session.execute(
                insert(RepositoryRow),
                [
                    {
                        "id": number,
                        "target": target,
                        "component": "",
                        "build_id": None,
                        "digest": str(number),
                        "path": _path(number),
                        "created": _seconds(self.now - back),
                    }
                ],
            )
            repodata = self.folder / "data" / target / "repos" / _path(number) / "repodata"
            repodata.mkdir(parents=True, exist_ok=True)
            (repodata / "repomd.xml").write_text("<repomd/>")
        moves = [("current", number) for number in numbers]
        moves += [("consistent", number) for number in numbers[::4]]
        moves += [("tested", number) for number in numbers[::9]]
        for at, (name, number) in enumerate(sorted(moves, key=lambda one: one[1])):
            back = timedelta(hours=(start + 61 - number) * 13 - 1)
            session.execute(
                insert(MoveRow),
                [
                    {
                        "id": start * 3 + at + 1,
                        "target": target,
                        "component": "",
                        "name": name,
                        "old_id": None,
                        "new_id": number,
                        "moved": _seconds(self.now - back),
                        "moved_by": "promoter" if name == "tested" else "trunk",
                        "why": "tempest passed"
                        if name == "tested"
                        else f"{self.names[number % 40]}@{number:07x}",
                    }
                ],
            )
            session.execute(delete(NameRow).where(NameRow.target == target, NameRow.name == name))
            session.execute(
                insert(NameRow),
                [
                    {
                        "target": target,
                        "component": "",
                        "name": name,
                        "repository_id": number,
                        "move_id": start * 3 + at + 1,
                    }
                ],
            )

    def _event(self, target: str, name: str, number: int) -> dict[str, object]:
        commit = LinkedCommit(
            f"{number:040x}",
            "Use the new allocator of the pool",
            "Ann Example",
            self.now - timedelta(days=1),
            f"https://git.example.test/{name}/commit/{number:x}",
        )
        lines = tuple(
            LogLine(at + 1, text, "has no member" in text)
            for at, text in enumerate(_LOG.splitlines())
        )
        story = Story(
            EventKind.BROKEN,
            target,
            "master",
            "deb12-x86_64",
            name,
            self.now,
            build_id=number,
            reason=FailureReason.COMPILE,
            lines=lines,
            upstream=Changes(1, (commit,)),
        )
        return {
            "target": target,
            "package": name,
            "kind": "broken",
            "key": f"broken:{number}:maintainers",
            "build_id": number,
            "break_id": number,
            "created": _seconds(self.now),
            "described": 1,
            "payload": json.dumps(story.to_json()),
        }

    def _log(self, target: str, number: int, text: str) -> None:
        folder = self.folder / "data" / target / "builds" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rpmbuild.log").write_text(text)
        (folder / "installed_pkgs.log").write_text(
            "".join(f"{name}-1.0-1.noarch\n" for name in self.names[:60])
        )


_WORDS = ("oslo", "nova", "neutron", "keystone", "glance", "cinder", "heat", "swift", "ironic")
_ENDS = ("config", "client", "lib", "utils", "db", "messaging", "log", "middleware", "tests")


def _name(number: int) -> str:
    start = _WORDS[number % len(_WORDS)]
    end = _ENDS[number // len(_WORDS) % len(_ENDS)]
    more = number // (len(_WORDS) * len(_ENDS))
    return f"python-{start}-{end}{more or ''}"


def _path(number: int) -> str:
    digits = f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" * 3
    return f"{digits[:2]}/{digits[2:4]}/{digits[:40]}_{'d' * 8}"


def _seconds(when: datetime) -> int:
    return int(when.timestamp())


def _pointers(
    target: str, name: str, number: int, fails: bool, step: int, when: datetime
) -> dict[str, object]:
    return {
        "target": target,
        "package": name,
        "newest_id": number,
        "good_id": number - step if fails else number,
        "broken_id": number if fails else None,
        "broken_since": _seconds(when) if fails else None,
    }


def _artifacts(number: int, name: str, names: Sequence[str]) -> list[dict[str, object]]:
    """A source and two binary RPMs; the source requires a few other packages."""
    others = names[names.index(name) % 7 : 40 : 9]
    needs = "".join(f"<rpm:entry name={quoteattr(one)}/>" for one in others)
    primary = f"<package><rpm:requires>{needs}</rpm:requires></package>".encode()
    rows = []
    for kind, arch in ((name, "src"), (name, "noarch"), (f"{name}-doc", "noarch")):
        file = f"{kind}-1.{number}-0.2026.el.{arch}.rpm"
        rows.append(
            {
                "build_id": number,
                "file_name": file,
                "name": kind,
                "epoch": 0,
                "version": f"1.{number}",
                "release": "0.2026.el",
                "arch": arch,
                "sha256": f"{hash((number, file)) & (2**63 - 1):064x}",
                "size": 20_000 + number,
                "is_source": arch == "src",
                "provides": "[]" if arch == "src" else f'["{kind}"]',
                "primary_xml": compress(primary),
                "filelists_xml": compress(b""),
                "other_xml": compress(b""),
            }
        )
    return rows


def _config(database: str) -> str:
    targets = "".join(
        f'[targets.{name}]\nrelease = "{name.partition("-")[0]}"\nplatform = "deb12-x86_64"\n'
        for name in TARGETS
    )
    return (
        'data = "data"\nbase-url = "https://trunk.example.test"\n'
        f'database = "{database}"\n[metadata]\nsource = "info"\n{targets}'
    )


def _metadata(names: Sequence[str]) -> str:
    rows = "".join(
        _PACKAGE.format(
            project=name.removeprefix("python-"),
            name=name,
            maintainer="ann" if number % 9 == 0 else "ben",
        )
        for number, name in enumerate(names)
    )
    return _RELEASES + rows


_RELEASES = """\
releases:
- name: master
  status: development
  branch: rpm-master
  repos:
  - name: deb12
    distrepos: []
- name: flamingo
  status: maintained
  branch: rpm-flamingo
  repos:
  - name: deb12
    distrepos: []
packages:
"""
_PACKAGE = """\
- project: {project}
  name: {name}
  upstream: https://git.example.test/{name}
  distgit: https://git.example.test/{name}-distgit
  maintainers:
  - {maintainer}@example.test
  tags:
    master:
    flamingo:
"""
