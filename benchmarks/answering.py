"""The API of a server over a long history: how fast the questions of CI jobs are answered.

The real `rdo serve` with 100,000 commits, 1,000,000 votes and 20,000 promotions, asked on
loopback by one client, then by a bounded number of clients. The bar is 10 ms for the median of
each, whatever the length of the history.

python -m benchmarks.answering [sqlite|postgresql] [COMMITS] [VOTES]
"""

import contextlib
import itertools
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
from sqlalchemy import create_engine, insert, text

from benchmarks.dashboard import TARGETS, World
from rdo.store import Store
from rdo.store.schema import MoveRow, NameRow, RepositoryRow, VoteRow
from tests.postgresql import running_server

CLIENTS = 8
REQUESTS = 60
_JOBS = 20
_PROMOTIONS = 20_000
_AT_ONCE = 20_000
_ADDRESS = re.compile(r"serving .* at (http://\S+?)/\n")


@dataclass(frozen=True, slots=True)
class AnswerTimes:
    """One question: milliseconds for a client that is alone, then for several at once."""

    p50: float
    p99: float
    p99_of_many: float
    per_second_of_many: int


def measure(
    database: str = "sqlite", commits: int = 100_000, votes: int = 1_000_000
) -> dict[str, AnswerTimes]:
    """Ask each question of a server over a made-up history."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        url = ""
        if database == "postgresql":
            url = stack.enter_context(running_server()).url
        world = World(Path(folder), 400, commits, database=url)
        world.write()
        asked = _History(world, votes).write()
        server = stack.enter_context(_serving(Path(folder)))
        return {question: _times(f"{server}{path}") for question, path in asked.items()}


class _History:
    """The votes and promotions of the first target."""

    def __init__(self, world: World, votes: int) -> None:
        self._world = world
        self._votes = votes
        self._random = random.Random(15)  # no secret, the same each time
        self._builds = range(1, world.rounds * len(world.names))
        self._now = int(world.now.timestamp())

    def write(self) -> dict[str, str]:
        """Write all; return the path of each question."""
        with Store(self._world.database) as store:
            for part in _parts(self._ballots()):
                with store.write() as at:
                    at.builds.session.execute(insert(VoteRow), part)
            with store.write() as at:
                at.builds.session.execute(insert(RepositoryRow), list(self._repositories()))
                at.builds.session.execute(insert(MoveRow), list(self._moves()))
                at.builds.session.execute(insert(NameRow), list(self._leads()))
            with store.read() as at:
                build = at.builds.get(self._builds[len(self._builds) // 2])
        if self._world.database.startswith("postgresql"):
            engine = create_engine(self._world.database, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text("VACUUM ANALYZE"))  # which its daemon does by itself
            engine.dispose()
        hashes = f"commit_hash={build.commit.upstream_hash}&distro_hash={build.commit.distgit_hash}"
        return _questions(hashes, build.package, build.id)

    def _ballots(self) -> Iterator[dict[str, object]]:
        for number in range(self._votes):
            said = self._random.random()
            when = self._now - 2 * (self._votes - number)
            yield {
                "target": TARGETS[0],
                "build_id": self._builds[number * len(self._builds) // self._votes],
                "component": "",
                "job": f"job-{self._random.randrange(_JOBS)}",
                "success": said < 0.8,
                "in_progress": said > 0.9,
                "timestamp": when,
                "created": when,
                "url": f"https://logs.example.test/{number}",
                "notes": "",
                "user": "ci",
            }

    def _repositories(self) -> Iterator[dict[str, object]]:
        for number in range(_PROMOTIONS):
            yield {
                "id": 100_000 + number,
                "target": TARGETS[0],
                "component": "",
                "path": f"aa/bb/{number:040x}",
                "build_id": self._builds[number * len(self._builds) // _PROMOTIONS],
                "digest": f"{number:064x}",
                "created": self._now - 60 * (_PROMOTIONS - number),
                "removed": None,
            }

    def _moves(self) -> Iterator[dict[str, object]]:
        """One name moved long ago, and since then others alone."""
        for number in range(_PROMOTIONS):
            yield {
                "id": 100_000 + number,
                "target": TARGETS[0],
                "component": "",
                "name": self._name(number),
                "old_id": None,
                "new_id": 100_000 + number,
                "moved": self._now - 60 * (_PROMOTIONS - number),
                "moved_by": "promoter",
                "why": "",
            }

    def _leads(self) -> Iterator[dict[str, object]]:
        last = {self._name(number): 100_000 + number for number in range(_PROMOTIONS)}
        for name, number in last.items():
            yield {
                "target": TARGETS[0],
                "component": "",
                "name": name,
                "repository_id": number,
                "move_id": number,
            }

    @staticmethod
    def _name(number: int) -> str:
        return "promoted-once" if number < 10 else f"promoted-{number % 4}"


def _parts(rows: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    while part := list(itertools.islice(rows, _AT_ONCE)):
        yield part


def _questions(hashes: str, package: str, build: int) -> dict[str, str]:
    api, own = f"/{TARGETS[0]}/api", f"/api/v1/targets/{TARGETS[0]}"
    votes = quote("{civote(limit:10){ciName ciVote commit{commitHash}}}")
    of_job = quote('{civote(ciName:"job-3",ciVote:true){ciName}}')
    of_nobody = quote('{civote(user:"nobody"){ciName}}')
    of_package = f'{{commits(projectName:"{package}",limit:5){{status}}}}'
    many = quote("{civote{ciName ciVote}}")
    dates = "start_date=2000-01-01&end_date=2100-01-01"
    return {
        "repo_status": f"{api}/repo_status?{hashes}",
        "last_tested_repo": f"{api}/last_tested_repo?max_age=0",
        "last_tested_repo of a job": f"{api}/last_tested_repo?max_age=0&job_id=job-3&success=true",
        "last_tested_repo of no job": f"{api}/last_tested_repo?max_age=0&job_id=unknown",
        "promotions": f"{api}/promotions?limit=100",
        "promotions of a name": f"{api}/promotions?promote_name=promoted-1&limit=100",
        "promotions of an old name": f"{api}/promotions?promote_name=promoted-once",
        "promotions of a commit": f"{api}/promotions?{hashes}",
        "metrics/builds": f"{api}/metrics/builds?{dates}",
        "metrics/builds of a package": f"{api}/metrics/builds?{dates}&package_name={package}",
        "GraphQL: 10 votes": f"{api}/graphql?query={votes}",
        "GraphQL: 100 votes": f"{api}/graphql?query={many}",
        "GraphQL: votes of a job": f"{api}/graphql?query={of_job}",
        "GraphQL: votes of nobody": f"{api}/graphql?query={of_nobody}",
        "GraphQL: a package's builds": f"{api}/graphql?query={quote(of_package)}",
        "health": f"{api}/health",
        "metrics": f"/{TARGETS[0]}/metrics",
        "builds of v1": f"{own}/builds?limit=50",
        "build of v1": f"{own}/builds/{build}",
        "votes of v1": f"{own}/votes?limit=50",
        "promotions of v1": f"{own}/promotions?limit=50",
    }


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "rdo", "-C", str(folder), "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if found := _ADDRESS.search(line):
                break
        else:
            raise AssertionError("the server did not start")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        try:
            yield found[1]
        finally:
            process.terminate()


def _times(url: str) -> AnswerTimes:
    alone = _asked(url, 2 * REQUESTS)[REQUESTS // 2 :]
    taken: list[float] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(_asked(url, REQUESTS))) for _ in range(CLIENTS)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    return AnswerTimes(
        p50=round(statistics.median(alone), 1),
        p99=round(_p99(alone), 1),
        p99_of_many=round(_p99(taken), 1),
        per_second_of_many=round(len(taken) / seconds),
    )


def _asked(url: str, count: int) -> list[float]:
    taken = []
    with httpx.Client(trust_env=False, timeout=60) as client:
        for _ in range(count):
            begun = time.perf_counter()
            answer = client.get(url)
            taken.append((time.perf_counter() - begun) * 1000)
            assert answer.status_code in {200, 400}, f"{url}: {answer.text}"
    return taken


def _p99(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=100)[-1]


if __name__ == "__main__":
    kind, *numbers = sys.argv[1:] or ["sqlite"]
    found = measure(kind, *map(int, numbers))
    json.dump({name: asdict(times) for name, times in found.items()}, sys.stdout, indent=2)
