from rdo.store import Store
from tests.unit.store.samples import NOW, TARGET, later


def test_an_unreachable_package_keeps_its_heads_and_the_first_moment_of_the_error(
    store: Store,
) -> None:
    with store.write() as at:
        at.heads.seen(TARGET, "a", upstream_hash="1", distgit_hash="2", now=NOW)
        at.heads.unreachable(TARGET, "a", "no route", now=later(60))
        at.heads.unreachable(TARGET, "a", "timed out", now=later(120))

    with store.read() as at:
        head = at.heads.all(TARGET)["a"]
    assert (head.upstream_hash, head.distgit_hash, head.seen) == ("1", "2", NOW)
    assert (head.error, head.error_since) == ("timed out", later(60))


def test_a_successful_poll_ends_the_error(store: Store) -> None:
    with store.write() as at:
        at.heads.unreachable(TARGET, "a", "no route", now=NOW)
        at.heads.seen(TARGET, "a", upstream_hash="1", distgit_hash="2", now=later(60))

        head = at.heads.all(TARGET)["a"]
        assert (head.error, head.error_since) == ("", None)
