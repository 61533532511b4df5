from rdo.store import Store
from tests.unit.store.samples import NOW, TARGET, later


def add(store: Store, key: str, *recipients: str, due: int = 0) -> int:
    with store.write() as at:
        at.events.add(TARGET, "python-pbr", "broken", key, now=NOW, build_id=1, break_id=1)
        event = at.events.undescribed(TARGET)[-1]
        at.events.describe(event.id, {"reason": "test"}, now=NOW)
        for recipient in recipients:
            at.deliveries.add(event.id, "mail", recipient, due=later(due))
        return event.id


def test_an_event_is_noted_once_for_its_key(store: Store) -> None:
    with store.write() as at:
        first = at.events.add(TARGET, "python-pbr", "broken", "broken:1", now=NOW)
        second = at.events.add(TARGET, "python-pbr", "broken", "broken:1", now=later(9))
        elsewhere = at.events.add("other", "python-pbr", "broken", "broken:1", now=NOW)

    assert (first, second, elsewhere) == (True, False, True)


def test_what_is_described_is_no_longer_to_be_described(store: Store) -> None:
    event_id = add(store, "broken:1")

    with store.read() as at:
        assert at.events.undescribed(TARGET) == ()
        assert at.events.get(event_id).payload == {"reason": "test"}
        assert [event.id for event in at.events.of_break(TARGET, "python-pbr", 1)] == [event_id]


def test_the_queue_holds_what_was_neither_sent_nor_given_up(store: Store) -> None:
    add(store, "broken:1", "a@example.test", "b@example.test", "c@example.test")
    with store.read() as at:
        one, two, three = at.deliveries.due(NOW)

    with store.write() as at:
        at.deliveries.sent([one.id], now=NOW)
        at.deliveries.give_up([two.id], "no such user", now=NOW)
        at.deliveries.failed([three.id], "connection refused")

    with store.read() as at:
        [left] = at.deliveries.open()
    assert (left.recipient, left.tries, left.error) == ("c@example.test", 1, "connection refused")


def test_what_is_due_later_waits(store: Store) -> None:
    add(store, "broken:1", "a@example.test", due=60)

    with store.read() as at:
        assert at.deliveries.due(later(59)) == ()
        assert len(at.deliveries.due(later(60))) == 1


def test_a_recipient_is_queued_once(store: Store) -> None:
    event_id = add(store, "broken:1", "a@example.test")

    with store.write() as at:
        at.deliveries.add(event_id, "mail", "a@example.test", due=NOW)
        assert at.deliveries.recipients(event_id, "mail") == ("a@example.test",)
        assert len(at.deliveries.open()) == 1
