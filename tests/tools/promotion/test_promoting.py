"""Promotion names are moved, moved back and announced, and are never seen half-moved."""

import threading
from pathlib import Path

import pytest

from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError, RefusedError
from rdo.promotion.compositions import find
from rdo.promotion.promoting import history, promote, rollback
from rdo.publish.references import DamagedError, hrefs
from rdo.publish.upkeep.verify import verify_tree
from tests.publishing import Factory, RpmShelf, factory, open_target, package

MOVES = 1000


def test_a_promoted_name_moves_and_keeps_what_it_left(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    one, two, three = places

    first = promote(target, "tested", find(target, one), by="me", why="first")
    promote(target, "tested", find(target, two), by="me", why="second")
    promote(target, "tested", find(target, three), by="you", why="third")
    again = promote(target, "tested", find(target, three), by="you", why="again")

    assert (first.moved, again.moved) == ((one,), ())
    assert made.leads("tested") == three
    assert made.leads("previous-tested") == two
    told = [(row.by, row.why, row.before, row.after) for row in history(target, "tested")]
    assert told == [
        ("you", "third", two, three),
        ("me", "second", one, two),
        ("me", "first", "", one),
    ]
    assert verify_tree(made.tree, made.store, made.members) == []


def test_a_rollback_goes_back_and_a_second_one_undoes_it(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    one, two, _ = places
    promote(target, "tested", find(target, one), by="me", why="first")
    promote(target, "tested", find(target, two), by="me", why="second")

    rollback(target, "tested", by="me", why="it does not start")
    back = made.leads("tested"), made.leads("previous-tested")
    rollback(target, "tested", by="me", why="it does")

    assert back == (one, two)
    assert (made.leads("tested"), made.leads("previous-tested")) == (two, one)
    assert history(target, "tested")[1].why == "it does not start"


def test_components_move_together_and_their_aggregate_once(tmp_path: Path, shelf: RpmShelf) -> None:
    packages = (package("python-a", component="one"), package("python-b", component="two"))
    with factory(tmp_path, shelf, *packages, components=True) as made:
        target = open_target(made)
        made.publish("python-a", "a1", component="one")
        made.publish("python-b", "b1", component="two")
        promote(target, "tested", find(target, "current"), by="me", why="first")
        made.publish("python-a", "a2", "2.0", component="one")
        made.publish("python-b", "b2", "2.0", component="two")
        promote(target, "tested", find(target, "current"), by="me", why="second")
        repos = made.tree.repos

        aggregates = sorted(path.name for path in (repos / "tested").glob("??/??/*"))
        md5 = (repos / "tested/delorean.repo.md5").read_text()
        versions = (repos / "tested/versions.csv").read_text()
        previous = (repos / "previous-tested/versions.csv").read_text()

    assert len(aggregates) == 2
    assert md5 in aggregates
    assert "python-a-2.0-1" in versions
    assert "python-b-2.0-1" in versions
    assert "python-a-1.0-1" in previous
    assert "python-b-1.0-1" in previous


@pytest.mark.parametrize(
    "name",
    ["../out", "a/b", "current", "consistent", "pool", "ab", "Tested", "", "previous-tested", ".x"],
)
def test_a_name_that_cannot_be_promoted_to_is_refused(
    made: Factory, target: OpenTarget, places: list[str], name: str
) -> None:
    before = sorted(path.name for path in made.tree.repos.iterdir())

    with pytest.raises(RefusedError):
        promote(target, name, find(target, "current"), by="me", why="")

    assert sorted(path.name for path in made.tree.repos.iterdir()) == before


def test_what_is_not_there_is_not_promoted(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    gone = find(target, places[0])
    made.tree.take_out(gone.repositories[0])

    with pytest.raises(NotFoundError, match="is not in the tree"):
        promote(target, "tested", gone, by="me", why="")
    with pytest.raises(NotFoundError, match="tested of master-deb12 has no earlier repository"):
        rollback(target, "tested", by="me", why="")
    with pytest.raises(NotFoundError, match="has no name tested"):
        history(target, "tested")
    with pytest.raises(RefusedError, match="follows the builds"):
        rollback(target, "current", by="me", why="")


def test_what_a_name_led_to_before_is_kept(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    promote(target, "tested", find(target, places[0]), by="me", why="")
    promote(target, "tested", find(target, places[1]), by="me", why="")

    with pytest.raises(RefusedError, match="previous-tested leads there"):
        made.tree.take_out(find(target, places[0]).repositories[0])


@pytest.mark.slow
def test_readers_never_meet_a_missing_or_half_repository(
    made: Factory, target: OpenTarget, places: list[str]
) -> None:
    found = [find(target, place) for place in places]
    promote(target, "tested", found[0], by="me", why="")
    name, done = made.tree.repos / "tested", threading.Event()
    reads, failures = [0, 0], list[str]()

    def read(reader: int) -> None:
        while not done.is_set():
            try:
                assert hrefs(name.resolve(strict=True))
                assert (name / "repodata/repomd.xml").read_bytes()
            except (OSError, AssertionError, DamagedError) as error:
                failures.append(repr(error))
            reads[reader] += 1

    readers = [threading.Thread(target=read, args=(number,)) for number in range(2)]
    for reader in readers:
        reader.start()
    try:
        for move in range(1, MOVES + 1):
            promote(target, "tested", found[move % 3], by="me", why=f"move {move}")
    finally:
        done.set()
        for reader in readers:
            reader.join()

    assert failures == []
    assert min(reads) > 0
    assert len(history(target, "tested", limit=2 * MOVES)) == MOVES + 1
