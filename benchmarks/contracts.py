"""A candidate of 2,000 packages, checked against the contract of a side with as many.

    python -m benchmarks.contracts [N]

Each package requires three others of its side, and each tenth of the consumer's one of the
candidate's. The candidate drops what `_DROPPED` of them provide.
"""

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.checking import sample_fragment, variant, wall_and_processor, write
from rdo.model.artifact import Fragment
from rdo.promotion.contracts.contract_check import (
    ContractAnswer,
    ContractCandidate,
    check_contracts,
)
from rdo.promotion.contracts.contract_file import Consumption, Contract
from rdo.solver import SolverRepository

_DROPPED = 10


@dataclass(frozen=True, slots=True)
class ContractTimes:
    """Seconds for a candidate that breaks nothing, and for one that breaks packages of others.

    `cpu` is the processor's time, to compare on a machine that does other things.
    """

    packages: int
    whole: float
    whole_cpu: float
    breaking: float
    breaking_cpu: float
    broken_packages: int


def measure(count: int) -> ContractTimes:
    """Check candidates of `count` packages beside a consumer of as many."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        like = sample_fragment(root / "rpms")
        own = {number: variant(like, number, count, 0) for number in range(count)}
        write(root / "virtualization", {n: _offering(one, n) for n, one in own.items()})
        write(
            root / "next",
            {n: _offering(one, n) for n, one in own.items() if n >= _DROPPED}
            | {n: own[n] for n in range(_DROPPED)},
        )
        write(root / "cloud", {n: _consuming(one, n) for n, one in own.items()})
        contracts = [
            Contract("virtualization", "", (str(root / "virtualization"),)),
            Contract(
                "cloud",
                "",
                (str(root / "cloud"),),
                consumes={"virtualization": Consumption(("offer-0",))},
            ),
        ]
        whole, none = _check(contracts, root, "virtualization")
        breaking, broken = _check(contracts, root, "next")
        assert none == 0
        assert broken >= _DROPPED
    return ContractTimes(count, *whole, *breaking, broken)


def _offering(fragment: Fragment, number: int) -> Fragment:
    offer = f'<rpm:provides><rpm:entry name="offer-{number}"/>'
    return replace(fragment, primary=fragment.primary.replace("<rpm:provides>", offer))


def _consuming(fragment: Fragment, number: int) -> Fragment:
    """Return the same package of another side, under another name and with other requirements."""
    parts = (fragment.primary, fragment.filelists, fragment.other)
    primary, *others = (
        part.replace(f"{number:064x}", f"c{number:063x}").replace('"p', '"c').replace(">p", ">c")
        for part in parts
    )
    if number % 10 == 0:
        need = f'<rpm:requires><rpm:entry name="offer-{number // 10}"/>'
        primary = primary.replace("<rpm:requires>", need)
    return Fragment(primary, *others)


def _check(contracts: list[Contract], root: Path, place: str) -> tuple[tuple[float, float], int]:
    candidate = ContractCandidate(
        "virtualization", (SolverRepository("next-0", root / place),), arch="x86_64"
    )
    found: list[ContractAnswer] = []
    times = wall_and_processor(lambda: found.append(check_contracts(contracts, candidate, root)))
    return times, sum(len(one.packages) for one in found[0].breaches)


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))  # noqa: T201
