"""Repositories among many: found by a moment, compared; and what to hold back of 2,000 packages.

python -m benchmarks.promotion [PACKAGES] [REPOSITORIES]
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, update

from benchmarks.checking import sample_fragment, variant, write
from rdo.model.artifact import Fragment
from rdo.promotion.compositions import find
from rdo.promotion.differences import differences
from rdo.solver import FewestHeld, SolverRepository, TwoBuilds, fewest_held
from rdo.store.schema import MoveRow, NameRow, RepositoryRow
from tests.publishing import START, TARGET, Factory, RpmShelf, factory, open_target, package

_CHANGED, _PAIRS = 60, 70


@dataclass(frozen=True, slots=True)
class PromotionTimes:
    """Seconds: a repository by time among many, the difference of two, what to hold back.

    Of `packages` some have two builds, and `pairs` of these cannot both be newer; `held` is the
    fewest that have to stay at the older one.
    """

    packages: int
    repositories: int
    by_time: float
    difference: float
    holding_back: float
    pairs: int
    held: int


def measure(packages: int, repositories: int) -> PromotionTimes:
    """Measure with real repositories of a few packages among many in the store."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        by_time, difference = _in_a_store(root, repositories)
        holding_back, held = _holding_back(root, packages)
    return PromotionTimes(packages, repositories, by_time, difference, holding_back, _PAIRS, held)


def _in_a_store(root: Path, repositories: int) -> tuple[float, float]:
    names = [f"python-p{number}" for number in range(6)]
    with factory(root, RpmShelf(root / "shelf"), *map(package, names)) as made:
        for number, name in enumerate(names):
            made.publish(name, f"{number}a")
        older = made.leads("current")
        for number, name in enumerate(names[:3]):
            made.publish(name, f"{number}b", "2.0")
        many_moves(made, repositories)
        target = open_target(made)
        moment = START + timedelta(days=1, minutes=repositories // 2)
        text = f"current@{moment:%Y-%m-%dT%H:%M:%S}"
        by_time = _seconds(lambda: find(target, text))
        one, two = find(target, older), find(target, "current")
        difference = _seconds(lambda: differences(target, root, one, two))
        assert len(find(target, text).builds) == len(names)
    return by_time, difference


def many_moves(made: Factory, count: int) -> None:
    """Let `current` have led to many repositories, all gone but the one of now, every minute."""
    with made.store.write() as at:
        here = at.names.repository(TARGET, None, "current")
        assert here is not None
        first = int((START + timedelta(days=1)).timestamp())
        session = at.builds.session
        session.execute(
            insert(RepositoryRow),
            [
                {
                    "id": 1000 + number,
                    "target": TARGET,
                    "component": "",
                    "path": f"gone/{number}",
                    "build_id": None,
                    "digest": f"{number:064x}",
                    "created": first + 60 * number,
                    "removed": first + 60 * number,
                }
                for number in range(count)
            ],
        )
        session.execute(
            insert(MoveRow),
            [
                {
                    "id": 1000 + number,
                    "target": TARGET,
                    "component": "",
                    "name": "current",
                    "old_id": None,
                    "new_id": here.id if number == count // 2 else 1000 + number,
                    "moved": first + 60 * number,
                    "moved_by": "trunk",
                    "why": "",
                }
                for number in range(count)
            ],
        )
        session.execute(
            update(NameRow).where(NameRow.name == "current").values(move_id=999 + count)
        )


def _holding_back(root: Path, packages: int) -> tuple[float, int]:
    """Return how long the search takes, and how many packages the answer holds back."""
    chosen = random.Random(14)
    pairs = {frozenset(chosen.sample(range(_CHANGED), 2)) for _ in range(_PAIRS)}
    like = sample_fragment(root / "rpms")
    older = {number: variant(like, number, packages, 0) for number in range(packages)}
    newer = dict(older)
    for number in range(_CHANGED):
        others = [other for pair in pairs if number in pair for other in pair - {number}]
        newer[number] = _newer(older[number], number, others)
        older[number] = _offering(older[number], number)
    repositories = [
        SolverRepository("newer", write(root / "newer", newer)[0]),
        SolverRepository("older", write(root / "older", older)[0], visible=root / "visible"),
    ]
    names = {f"p{number}-{{}}-1.noarch": f"p{number}" for number in range(_CHANGED)}
    (root / "visible").write_text("".join(f"{name.format('1.0')}\n" for name in names))
    two = TwoBuilds(
        ("newer",),
        ("older",),
        {name.format("2.0"): owner for name, owner in names.items()},
        {name.format("1.0"): owner for name, owner in names.items()},
    )
    found: list[FewestHeld] = []
    took = _seconds(lambda: found.append(fewest_held(repositories, two, arch="x86_64")))
    [answer] = found
    assert answer.held is not None
    assert answer.is_proven
    assert all(not pair.isdisjoint({int(one[1:]) for one in answer.held}) for pair in pairs)
    return took, len(answer.held)


def _newer(fragment: Fragment, number: int, others: Iterable[int]) -> Fragment:
    """Return the next version of a package, which requires others in their older version."""
    needs = "".join(f'<rpm:entry name="older-{other}"/>' for other in others)
    primary = fragment.primary.replace("<rpm:requires>", f"<rpm:requires>{needs}")
    primary = primary.replace('ver="1.0"', 'ver="2.0"')
    parts = (primary, fragment.filelists, fragment.other)
    digest = f"{number:064x}"
    return Fragment(*(part.replace(digest, f"f{digest[1:]}") for part in parts))


def _offering(fragment: Fragment, number: int) -> Fragment:
    offer = f'<rpm:provides><rpm:entry name="older-{number}"/>'
    return replace(fragment, primary=fragment.primary.replace("<rpm:provides>", offer))


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    print(measure(*(numbers or (2000, 10_000))))  # noqa: T201
