"""Results of checks: kept whole, replaced by newer ones, found by repository."""

from dataclasses import replace

from rdo.store import Store, Transaction
from rdo.store.given.check_results import CheckResult, ResultState
from tests.unit.store.samples import NOW, TARGET, later

PASSED = CheckResult(
    check="installable",
    context="base",
    state=ResultState.PASSED,
    reason="",
    findings="[]",
    owners=("a@example.test", "b@example.test"),
    checked=NOW,
    by="me",
    seconds=0.25,
    against=("aa/bb/cc",),
    log="checks/x.log",
)
FAILED = replace(PASSED, state=ResultState.FAILED, reason="1 found", checked=later(1), log="")


def place(at: Transaction, path: str) -> int:
    made = at.repositories.add(
        TARGET, component=None, path=path, build_id=None, digest=path, now=NOW
    )
    return made.id


def test_a_result_comes_back_as_it_was(store: Store) -> None:
    with store.write() as at:
        one, two = place(at, "one"), place(at, "two")
        at.check_results.keep(TARGET, [two, one], PASSED)

        assert at.check_results.of(TARGET, [one, two]) == (PASSED,)
        assert at.check_results.about(one) == at.check_results.about(two) == (PASSED,)
        assert at.check_results.of(TARGET, [one]) == ()


def test_a_newer_result_replaces_the_one_with_the_same_context_alone(store: Store) -> None:
    elsewhere = replace(PASSED, context="another base")
    with store.write() as at:
        one = place(at, "one")
        at.check_results.keep(TARGET, [one], PASSED)
        at.check_results.keep(TARGET, [one], elsewhere)
        at.check_results.keep(TARGET, [one], FAILED)

        assert at.check_results.of(TARGET, [one]) == (elsewhere, FAILED)


def test_forgetting_a_repository_names_the_logs_that_go(store: Store) -> None:
    with store.write() as at:
        one, two = place(at, "one"), place(at, "two")
        at.check_results.keep(TARGET, [one, two], PASSED)
        at.check_results.keep(TARGET, [two], FAILED)

        assert at.check_results.forget([one]) == ("checks/x.log",)
        assert at.check_results.about(one) == ()
        assert at.check_results.about(two) == (FAILED,)
