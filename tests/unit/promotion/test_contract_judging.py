"""Whose fault a break of a contract is: a table of what is promised, declared and gone."""

import pytest

from rdo.checks.across import BrokenPackage, CapabilityOffer, SideEffects, SidePackage
from rdo.promotion.contracts.contract_file import Consumption, Contract
from rdo.promotion.contracts.judging import BreachKind, WrittenContracts, judge

NOVA = SidePackage("cloud", "nova", "nova-1-1.noarch")
LIBVIRT = SidePackage("virt", "libvirt-libs", "libvirt-libs-1-1.noarch")
GLIBC = SidePackage("base", "glibc", "glibc-2-1.noarch")
NEED = "libvirt.so.0"


def judged(
    broken: BrokenPackage, promises: tuple[str, ...], declares: tuple[str, ...], kept: bool = False
) -> list[tuple[BreachKind, str]]:
    offer = CapabilityOffer((LIBVIRT,), (LIBVIRT,) if kept else ())
    effects = SideEffects(
        (broken,), dict.fromkeys((*promises, *declares), offer), replaced=(), assumed=()
    )
    contracts = {
        "cloud": Contract("cloud", consumes={"virt": Consumption(declares)}),
        "virt": Contract("virt", promises=promises),
    }
    written = WrittenContracts(contracts, ("cloud", "virt"), "virt", is_whole=True)
    return [(one.kind, one.fault) for one in judge(effects, written)]


@pytest.mark.parametrize(
    ("promises", "declares", "was", "fault"),
    [
        ((NEED,), (), LIBVIRT, "virt"),
        ((), (NEED,), LIBVIRT, "virt"),
        ((), ("libvirt-libs >= 1",), LIBVIRT, "virt"),
        ((), (), LIBVIRT, "cloud"),
        ((), ("other",), LIBVIRT, "cloud"),
        (("other",), (), LIBVIRT, "cloud"),
        ((), (NEED,), None, "cloud"),
        ((), (NEED,), NOVA, "cloud"),
    ],
)
def test_whose_fault_it_is_that_a_requirement_is_gone(
    promises: tuple[str, ...], declares: tuple[str, ...], was: SidePackage | None, fault: str
) -> None:
    broken = BrokenPackage(NOVA, ("why",), NEED, NOVA, was)

    found = judged(broken, promises, declares)

    assert found[-1] == (BreachKind.PACKAGES, fault)


def test_a_promise_that_is_kept_is_no_reason_for_a_requirement_beyond_it() -> None:
    broken = BrokenPackage(NOVA, ("why",), f"{NEED} >= 3", NOVA, LIBVIRT)

    assert judged(broken, (NEED,), (), kept=True) == [(BreachKind.PACKAGES, "cloud")]


def test_a_conflict_is_laid_at_the_candidate() -> None:
    assert judged(BrokenPackage(NOVA, ("why",)), (), ()) == [(BreachKind.PACKAGES, "virt")]
