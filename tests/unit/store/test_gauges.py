"""Numbers for the monitoring of a factory, on both databases."""

from rdo.store import Store
from rdo.store.gauges import PollCounts, QueueCounts
from tests.unit.store.samples import NOW, TARGET, commit, later


def test_polls_queue_and_messages_are_counted(store: Store) -> None:
    with store.write() as at:
        build = at.builds.plan(TARGET, commit(), now=NOW)
        at.heads.seen(TARGET, "a", upstream_hash="a", distgit_hash="b", now=later(5))
        at.heads.unreachable(TARGET, "b", "no route", now=later(6))
        at.events.add(TARGET, "a", "broken", "key", now=NOW, build_id=build.id, break_id=1)
        [event] = at.events.undescribed(TARGET)
        at.deliveries.add(event.id, "mail", "me@example.test", due=later(7))

    with store.read() as at:
        assert at.gauges.polls(TARGET) == PollCounts(1, 1, later(5))
        assert at.gauges.polls("other") == PollCounts(0, 0, None)
        assert at.gauges.queue(TARGET) == QueueCounts(1, 0, NOW)
        assert at.gauges.queue("other") == QueueCounts(0, 0, None)
        assert at.gauges.last_finished(TARGET) is None
        assert at.names.last_moves(TARGET) == []
        [mail] = at.gauges.messages()
    assert (mail.way, mail.waiting, mail.failing, mail.first_due) == ("mail", 1, 0, later(7))
