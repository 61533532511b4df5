"""Rows that many rounds would have left in the store, written in one transaction."""

from collections.abc import Sequence

from sqlalchemy import insert

from rdo.store import Store
from rdo.store.database.restore import continue_numbers
from rdo.store.schema import BuildRow, CommitRow, PackageRow

FIRST = 1_780_000_000


def write_history(store: Store, target: str, names: Sequence[str], rounds: int) -> int:
    """Record a good build of each package for each round.

    Returns the id of the first package's newest build; those of the others follow it.
    """
    rows = [
        (position * len(names) + number + 1, name, position + 1)
        for position in range(rounds)
        for number, name in enumerate(names)
    ]
    newest = [
        {"target": target, "package": name, "newest_id": number, "good_id": number}
        for number, name, _ in rows[-len(names) :]
    ]
    with store.write() as at:
        at.builds.session.execute(insert(CommitRow), [_commit(target, *row) for row in rows])
        at.builds.session.execute(insert(BuildRow), [_build(target, *row) for row in rows])
        at.builds.session.execute(insert(PackageRow), newest)
        if at.builds.session.get_bind().dialect.name == "postgresql":
            continue_numbers(at.builds.session.connection())
    return len(rows) - len(names) + 1


def _commit(target: str, number: int, name: str, position: int) -> dict[str, object]:
    return {
        "id": number,
        "target": target,
        "package": name,
        "position": position,
        "upstream_hash": f"{number:040x}",
        "distgit_hash": "d" * 40,
        "extended_hash": "",
        "upstream_time": FIRST + number,
        "distgit_time": FIRST,
        "upstream_branch": "master",
    }


def _build(target: str, number: int, name: str, position: int) -> dict[str, object]:
    when = FIRST + number
    return {
        "id": number,
        "target": target,
        "package": name,
        "commit_id": number,
        "release_date": when,
        "created": when,
        "started": when,
        "finished": when,
        "published": when,
        "attempt": position,
        "bootstrap": False,
        "inputs": str(number),
        "state": "done",
        "outcome": "built",
        "detail": "",
        "needs": "[]",
        "rpms": "[]",
        "ticket": "",
        "superseded": False,
    }
