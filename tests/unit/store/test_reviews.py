"""Reviews and polls as rows: what supersedes what, and what an interruption leaves."""

from datetime import timedelta

from rdo.model.review import BuildRole, ChangeId, ReviewBuild, ReviewState, ReviewVerdict
from rdo.store import Store
from rdo.store.work.polls import REMEMBERED
from tests.unit.store.samples import NOW, TARGET, later

ONE, TWO = ChangeId("forge", "o/nova", 1), ChangeId("forge", "o/nova", 2)


def test_a_newer_event_ends_what_is_open_of_the_same_change(store: Store) -> None:
    with store.write() as at:
        first = at.reviews.add(TARGET, ONE, "opened", "ann", now=NOW)
        elsewhere = at.reviews.add("other", ONE, "opened", "ann", now=NOW)
        other = at.reviews.add(TARGET, TWO, "opened", "ann", now=NOW)
        at.reviews.begin(first.id, now=NOW)
        second = at.reviews.add(TARGET, ONE, "recheck", "bob", now=later(1))

    with store.write() as at:
        found = at.reviews.get(first.id)
        assert found
        assert found.state is ReviewState.SUPERSEDED
        assert {one.id for one in at.reviews.open()} == {elsewhere.id, other.id, second.id}
        ended = at.reviews.settle(
            first.id, ReviewState.DONE, ReviewVerdict.SUCCESS, "too late", now=later(2)
        )
        assert not ended
        assert at.reviews.begin(first.id, now=later(2)) is None


def test_what_was_interrupted_is_begun_again_without_its_old_builds(store: Store) -> None:
    build = ReviewBuild("python-a", BuildRole.CHANGE, "built", "", "", 1)
    with store.write() as at:
        one = at.reviews.add(TARGET, ONE, "opened", "ann", now=NOW)
        at.reviews.begin(one.id, now=NOW)
        at.reviews.built(one.id, build)
        at.reviews.queue_again(one.id, counts=False)
        begun = at.reviews.begin(one.id, now=later(1))
        assert begun
        assert (begun.attempt, at.reviews.builds(one.id)) == (1, ())
        at.reviews.built(one.id, build)
        at.reviews.settle(one.id, ReviewState.DONE, ReviewVerdict.SUCCESS, "", now=later(2))

    with store.write() as at:
        at.reviews.queue_again(one.id)
        [left] = at.reviews.open()  # its verdict is not sent yet
        assert left.state is ReviewState.DONE
        at.reviews.reported(one.id, now=later(3), error="away", last=False)
        assert len(at.reviews.open()) == 1
        at.reviews.reported(one.id, now=later(4))
        assert at.reviews.open() == ()


def test_a_poll_that_is_asked_for_again_meanwhile_is_not_done(store: Store) -> None:
    with store.write() as at:
        at.polls.ask(TARGET, ["python-a", "python-b"], "a hook", now=NOW)
        seen = [one.id for one in at.polls.asked(TARGET)]
        at.polls.ask(TARGET, ["python-a"], "a hook", now=later(1))
        at.polls.done(seen)
        assert [one.package for one in at.polls.asked(TARGET)] == ["python-a"]


def test_a_message_counts_once_while_it_is_remembered(store: Store) -> None:
    with store.write() as at:
        assert at.polls.receive("one", "digest", now=NOW)
        assert not at.polls.receive("one", "digest", now=NOW + timedelta(days=1))
        assert at.polls.receive("two", "digest", now=NOW)
        assert at.polls.receive("one", "digest", now=NOW + REMEMBERED + timedelta(days=1))
