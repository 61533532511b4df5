"""Acks of packages: one person at a time, and all earlier ones are kept."""

from datetime import timedelta

from rdo.store import Store
from rdo.store.people.acks import Ack
from tests.unit.store.samples import NOW, TARGET


def test_one_person_is_on_a_package_and_those_before_are_remembered(store: Store) -> None:
    later, last = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    with store.write() as at:
        at.acks.add(TARGET, "a", now=NOW, by="ann", why="I look")
        at.acks.add("other", "a", now=NOW, by="eve", why="elsewhere")
        second = at.acks.add(TARGET, "a", now=later, by="bob", why="a fix", link="https://h/1")

    with store.read() as at:
        assert at.acks.all(TARGET) == {"a": second}
        assert (
            str(second)
            == "bob has been working on it since 2026-08-01 13:00 UTC: a fix (https://h/1)"
        )
        first = at.acks.history(TARGET, "a")[1]
    assert first == Ack("a", NOW, "ann", "I look", "", later, "bob took over")

    with store.write() as at:
        ended = at.acks.end(TARGET, "a", now=last, ending="build 7 is good")
        assert at.acks.end(TARGET, "a", now=last, ending="again") is None

    with store.read() as at:
        assert at.acks.all(TARGET) == {}
        assert at.acks.at(TARGET, "a", last) == ended
        assert at.acks.at(TARGET, "a", last + timedelta(seconds=1)) is None
        assert [one.by for one in at.acks.history(TARGET, "a")] == ["bob", "ann"]
