"""What promotion names hold back: kept while it is wanted, and remembered when it is not."""

from dataclasses import replace
from datetime import timedelta

from rdo.store import Store
from rdo.store.given.held_back import HeldBack
from tests.unit.store.samples import NOW, TARGET, commit

DAYS = timedelta(days=14)


def held(store: Store, package: str) -> HeldBack:
    with store.write() as at:
        build = at.builds.plan(TARGET, commit(package), now=NOW)
    return HeldBack("tested", package, None, build.id, NOW, NOW + DAYS, "me", "it breaks nova")


def test_what_is_still_wanted_keeps_its_end_and_the_rest_is_mended(store: Store) -> None:
    one, two, three = (held(store, name) for name in ("one", "two", "three"))
    later = NOW + timedelta(days=1)
    with store.write() as at:
        at.held_back.replace(TARGET, "tested", [one, two], now=NOW)
        at.held_back.replace(TARGET, "other", [replace(one, name="other")], now=NOW)

    with store.write() as at:
        at.held_back.replace(TARGET, "tested", [one, replace(three, since=later)], now=later)

    with store.read() as at:
        assert at.held_back.of_name(TARGET, "tested") == {
            "one": one,
            "three": replace(three, since=later),
        }
        assert set(at.held_back.of_name(TARGET, "other")) == {"one"}
        told = {
            row.package: (row.ended, row.ending) for row in at.held_back.history(TARGET, "tested")
        }
        assert told == {"one": (None, ""), "two": (later, "mended"), "three": (None, "")}


def test_what_is_over_is_not_in_force_and_has_expired_when_it_is_lifted(store: Store) -> None:
    one = held(store, "one")
    with store.write() as at:
        at.held_back.replace(TARGET, "tested", [one], now=NOW)

    assert one.is_in_force(NOW + DAYS - timedelta(seconds=1))
    assert not one.is_in_force(NOW + DAYS)
    with store.write() as at:
        assert set(at.held_back.of_name(TARGET, "tested")) == {"one"}
        at.held_back.replace(TARGET, "tested", [], now=NOW + DAYS)
    with store.read() as at:
        assert at.held_back.of_name(TARGET, "tested") == {}
        [past] = at.held_back.history(TARGET, "tested")
        assert past.ending == "expired"
        assert not past.is_in_force(NOW)
