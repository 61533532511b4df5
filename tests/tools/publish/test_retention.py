"""Retention over many repositories, with names on some, and with clients at work."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from rdo.publish.references import hrefs, parts
from rdo.publish.upkeep.retention import GRACE, Purge, Rules, carry_out_purge, plan_purge
from rdo.publish.upkeep.verify import verify_tree
from tests.publishing import TARGET, Factory

REPOSITORIES, VERSIONS = 60, 5


def purge(made: Factory, keep: timedelta = timedelta(0)) -> Purge:
    found = plan_purge(made.tree, made.store, Rules(keep), made.now(), ())
    carry_out_purge(made.tree, found)
    return found


def is_whole(directory: Path) -> bool:
    return all((folder / href).is_file() for folder in parts(directory) for href in hrefs(folder))


def publish_many(made: Factory) -> list[str]:
    """Many repositories, and promotion names on every seventh; the names."""
    names = []
    for number in range(REPOSITORIES):
        package = ("python-a", "python-b")[number % 2]
        made.publish(package, f"{number:04x}", f"1.{number % VERSIONS}")
        if number % 7 == 0:
            with made.store.read() as at:
                current = at.names.repository(TARGET, None, "current")
            assert current is not None
            names.append(f"promoted-{number}")
            made.tree.move_name(names[-1], current, by="me", why="a test")
    return names


@pytest.mark.slow
def test_what_any_name_needs_survives(made: Factory) -> None:
    names = publish_many(made)
    before = {name: made.leads(name) for name in names}
    made.now.now += timedelta(days=100)

    done = purge(made)

    kept = {made.leads(name) for name in (*names, "current", "consistent")}
    assert {name: made.leads(name) for name in names} == before
    assert all(is_whole(made.tree.repos / path) for path in kept)
    assert len(done.repositories) > REPOSITORIES - len(kept) - 3
    assert verify_tree(made.tree, made.store, made.members) == []
    assert purge(made).is_empty
    assert made.publish("python-a", "ffff", "9.0").moved == ("current", "consistent")


def test_who_installs_meanwhile_loses_nothing(made: Factory) -> None:
    made.publish("python-a", "0a", "1.0")
    made.publish("python-b", "0b", "1.0")
    lost: list[str] = []
    seen: set[str] = set()
    is_over = threading.Event()
    done: list[str] = []

    def install() -> None:
        """Like a client: look where `current` leads, read what it offers, fetch all of it."""
        while not is_over.is_set():
            directory = (made.tree.repos / "current").resolve()
            seen.add(directory.name)
            offered = hrefs(directory)
            is_over.wait(0.02)
            lost.extend(href for href in offered if not (directory / href).is_file())
            done.append(directory.name)

    client = threading.Thread(target=install)
    client.start()
    removed = 0
    for number in range(25):
        made.publish("python-a", f"{number + 1:04x}", f"1.{number % VERSIONS}")
        made.now.now += GRACE / 5  # five publications in an hour
        removed += len(purge(made).repositories)
        before = len(done)
        while len(done) == before and client.is_alive():  # so that no client takes an hour
            is_over.wait(0.01)
    is_over.set()
    client.join()

    assert lost == []
    assert len(seen) > 3
    assert removed > 10
