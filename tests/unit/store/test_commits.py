from dataclasses import replace

from rdo.store import Store
from tests.unit.store.samples import NOW, TARGET, commit, later


def test_the_newest_commit_is_the_last_planned_whatever_its_date(store: Store) -> None:
    older = replace(commit(upstream="a2"), upstream_time=later(-(10**6)))
    with store.write() as at:
        at.builds.plan(TARGET, commit(upstream="a1"), now=NOW)
        at.builds.plan(TARGET, older, now=NOW)

        assert at.commits.newest(TARGET, "python-pbr") == older
        assert at.commits.newest("other-target", "python-pbr") is None


def test_a_known_commit_keeps_its_place_when_it_is_rechecked(store: Store) -> None:
    with store.write() as at:
        first = at.builds.plan(TARGET, commit(upstream="a1"), now=NOW)
        at.builds.plan(TARGET, commit(upstream="a2"), now=NOW)

        assert at.builds.plan(TARGET, commit(upstream="a1"), now=NOW).position == first.position


def test_a_commit_that_a_force_push_made_the_head_again_goes_to_the_end(store: Store) -> None:
    with store.write() as at:
        at.builds.plan(TARGET, commit(upstream="a1"), now=NOW)
        at.builds.plan(TARGET, commit(upstream="a2"), now=NOW)
        again = at.builds.plan(TARGET, commit(upstream="a1"), now=NOW, as_newest=True)

        assert again.position == 3
        assert at.commits.newest(TARGET, "python-pbr") == commit(upstream="a1")


def test_the_extended_hash_is_part_of_the_identity(store: Store) -> None:
    with store.write() as at:
        at.builds.plan(TARGET, commit(), now=NOW)

        assert at.commits.is_known(TARGET, commit())
        assert not at.commits.is_known(TARGET, replace(commit(), extended_hash="e" * 40))


def test_the_owner_of_two_hashes_is_who_has_them_without_extended_hash(store: Store) -> None:
    with store.write() as at:
        at.builds.plan(TARGET, replace(commit("b"), extended_hash="e" * 40), now=NOW)
        assert at.commits.owner(TARGET, commit().upstream_hash, commit().distgit_hash) is None
        at.builds.plan(TARGET, commit("a"), now=NOW)

        assert at.commits.owner(TARGET, commit().upstream_hash, commit().distgit_hash) == "a"


def test_the_newest_commit_is_the_last_planned_whatever_its_branch(store: Store) -> None:
    stable = replace(commit(upstream="a2"), upstream_branch="stable/2026.1")
    with store.write() as at:
        at.builds.plan(TARGET, commit(upstream="a1"), now=NOW)
        at.builds.plan(TARGET, stable, now=NOW)

        assert at.commits.newest(TARGET, "python-pbr") == stable
        assert at.commits.newest(TARGET, "python-foo") is None


def test_the_newest_commit_of_some_upstreams_and_of_all_others(store: Store) -> None:
    first, second, third = (
        replace(commit(upstream=digits), upstream=url)
        for digits, url in (("a1", "u"), ("a2", "v"), ("a3", "u"))
    )
    with store.write() as at:
        for one in (first, second, third):
            at.builds.plan(TARGET, one, now=NOW)

        assert at.commits.newest(TARGET, "python-pbr", of={"u", "x"}) == third
        assert at.commits.newest(TARGET, "python-pbr", but={"u"}) == second
        assert at.commits.newest(TARGET, "python-pbr", of=()) is None
        wanted = first.upstream_hash
        assert at.commits.newest(TARGET, "python-pbr", of={"u"}, upstream_hash=wanted) == first
        assert at.commits.newest(TARGET, "python-pbr", of={"v"}, upstream_hash=wanted) is None
