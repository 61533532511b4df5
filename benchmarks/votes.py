"""Votes on many commits: the questions of jobs, of the promoter and of DLRN's API.

    python -m benchmarks.votes [COMMITS] [VOTES]

Milliseconds in the middle of `TRIES` questions, each about something else.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert

from rdo.store import Store, Transaction
from rdo.store.given.votes import Ballot, VoteFilter
from rdo.store.schema import BuildRow, CommitRow, VoteRow

TARGET, JOBS, PACKAGES, TRIES = "master-el9", 50, 300, 60
_START = 1_700_000_000
_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class VoteTimes:
    """Milliseconds of each question; every fourth vote is on an aggregate."""

    commits: int
    votes: int
    on_a_build: float
    on_an_aggregate: float
    newest: float
    newest_of_a_job: float
    newest_of_no_job: float
    newest_of_a_component: float
    hundred_of_a_job: float


def measure(commits: int, votes: int) -> VoteTimes:
    """Ask of a store that is filled with builds and votes."""
    chosen, past = random.Random(3), datetime.fromtimestamp(0, UTC)
    with (
        tempfile.TemporaryDirectory() as folder,
        Store(f"sqlite:///{folder}/rdo.sqlite") as store,
    ):
        _fill(store, commits, votes)

        def milliseconds(ask: Callable[[Transaction], object]) -> float:
            times = []
            for _ in range(TRIES):
                with store.read() as at:
                    started = time.perf_counter()
                    ask(at)
                    times.append(1000 * (time.perf_counter() - started))
            return statistics.median(times)

        def job() -> str:
            return f"job-{chosen.randrange(JOBS)}"

        def component() -> str:
            return f"c{chosen.randrange(20)}"

        return VoteTimes(
            commits,
            votes,
            milliseconds(lambda at: at.votes.on(TARGET, Ballot(chosen.randint(1, commits)))),
            milliseconds(
                lambda at: at.votes.on(TARGET, Ballot(ref_hash=_hash(4 * chosen.randrange(99))))
            ),
            milliseconds(lambda at: at.votes.newest(TARGET, since=past)),
            milliseconds(lambda at: at.votes.newest(TARGET, since=past, job=job(), success=True)),
            milliseconds(lambda at: at.votes.newest(TARGET, since=past, job="nobody")),
            milliseconds(lambda at: at.votes.newest(TARGET, since=past, component=component())),
            milliseconds(lambda at: at.votes.listed(TARGET, VoteFilter(job=job()))),
        )


def _hash(number: int) -> str:
    return f"{number:032x}"


def _fill(store: Store, commits: int, votes: int) -> None:
    for table, rows in (
        (CommitRow, map(_commit, range(1, commits + 1))),
        (BuildRow, map(_build, range(1, commits + 1))),
        (VoteRow, (_vote(number, commits) for number in range(votes))),
    ):
        while part := [row for row, _ in zip(rows, range(_AT_ONCE), strict=False)]:
            with store.write() as at:
                at.builds.session.execute(insert(table), part)


def _commit(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "target": TARGET,
        "package": f"p{number % PACKAGES}",
        "position": number,
        "upstream_hash": f"{number:040x}",
        "distgit_hash": "d" * 40,
        "extended_hash": "",
        "upstream_time": _START + number,
        "distgit_time": _START,
        "upstream_branch": "master",
        "component": f"c{number % 20}",
    }


def _build(number: int) -> dict[str, Any]:
    moment = _START + number
    return {
        "id": number,
        "target": TARGET,
        "package": f"p{number % PACKAGES}",
        "commit_id": number,
        "release_date": moment,
        "attempt": 1,
        "bootstrap": False,
        "inputs": "",
        "state": "done",
        "outcome": "built",
        "detail": "",
        "needs": "[]",
        "rpms": "[]",
        "ticket": "",
        "created": moment,
        "started": moment,
        "finished": moment,
        "published": number,
        "superseded": False,
    }


def _vote(number: int, commits: int) -> dict[str, Any]:
    of_build = number % 4 != 0
    return {
        "target": TARGET,
        "build_id": number % commits + 1 if of_build else None,
        "ref_hash": "" if of_build else _hash(number % commits),
        "component": f"c{number % 20}",
        "job": f"job-{number % JOBS}",
        "success": number % 5 != 0,
        "in_progress": False,
        "timestamp": _START + number // 10,
        "created": _START + number // 10,
        "url": "https://ci.example.test/x",
        "notes": "",
        "user": "ci",
    }


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    print(measure(*(numbers or (100_000, 1_000_000))))  # noqa: T201
