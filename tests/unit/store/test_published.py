"""Artifacts, repositories, names and intents: what `rdo.publish` keeps."""

from pathlib import Path

from rdo.model.artifact import Artifact, Fragment
from rdo.model.build import Built
from rdo.model.nevra import Nevra
from rdo.store import Store, Transaction
from tests.unit.store.samples import NOW, TARGET, commit, later


def artifact(text: str, digest: str = "5a") -> Artifact:
    return Artifact(f"{text}.rpm", Nevra.parse(text), digest, 10, text.endswith(".src"))


FRAGMENT = Fragment("<package>ü</package>", "<files/>", "<other/>")
BINARY, SOURCE = artifact("a-1-1.noarch"), artifact("a-1-1.src")


def published(at: Transaction, package: str = "a", upstream: str = "a1") -> int:
    build = at.builds.plan(TARGET, commit(package, upstream=upstream), now=NOW)
    at.builds.settle(build.id, Built((Path("x.rpm"),)), now=later(1))
    at.artifacts.add(build.id, {BINARY: FRAGMENT, SOURCE: FRAGMENT})
    at.builds.publish(build.id, superseded=False)
    return build.id


def test_the_source_rpm_of_a_build_comes_first(store: Store) -> None:
    with store.write() as at:
        assert at.artifacts.of_build(published(at)) == (SOURCE, BINARY)


def test_adding_again_replaces_what_an_interrupted_publication_left(store: Store) -> None:
    with store.write() as at:
        build = published(at)
        at.artifacts.add(build, {BINARY: FRAGMENT})

        assert at.artifacts.of_build(build) == (BINARY,)


def test_good_artifacts_are_those_of_each_packages_newest_good_build(store: Store) -> None:
    with store.write() as at:
        published(at, "a", "a1")
        newest = {published(at, "a", "a2"), published(at, "b", "b1")}

        good = at.artifacts.good(TARGET)
        assert {stored.build_id for stored in good} == newest
        assert [stored.package for stored in good] == ["a", "a", "b", "b"]


def test_fragments_come_back_as_they_were(store: Store) -> None:
    with store.write() as at:
        published(at)
        ids = [stored.id for stored in at.artifacts.good(TARGET)]

        assert set(at.artifacts.fragments(ids)) == set(ids)
        assert at.artifacts.fragments(ids[:1]) == {ids[0]: FRAGMENT}


def test_the_newest_repository_with_the_same_builds_is_found(store: Store) -> None:
    with store.write() as at:
        for path in ("aa/1", "aa/2", "aa/3"):
            digest = "same" if path < "aa/3" else "other"
            at.repositories.add(
                TARGET, component=None, path=path, build_id=None, digest=digest, now=NOW
            )

        found = at.repositories.newest_of(TARGET, None, "same")
        assert found is not None
        assert found.path == "aa/2"
        assert at.repositories.newest_of(TARGET, "network", "same") is None


def test_the_repository_at_a_path_is_the_one_that_came_last(store: Store) -> None:
    with store.write() as at:
        for digest in ("old", "new"):
            last = at.repositories.add(
                TARGET, component=None, path="aa/1", build_id=None, digest=digest, now=NOW
            )

        assert at.repositories.at_path(TARGET, "aa/1") == last
        assert at.repositories.at_path(TARGET, "aa") is None


def test_a_name_leads_to_where_it_was_moved_last_and_keeps_its_history(store: Store) -> None:
    with store.write() as at:
        one, two = (
            at.repositories.add(
                TARGET, component=None, path=path, build_id=None, digest="", now=NOW
            )
            for path in ("aa/1", "aa/2")
        )
        at.names.move(TARGET, None, "current", one, now=NOW, by="trunk", why="first")
        at.names.move(TARGET, None, "current", two, now=later(5), by="trunk", why="second")

        assert at.names.repository(TARGET, None, "current") == two
        history = at.names.history(TARGET, None, "current")
        assert [(move.old_id, move.new_id) for move in history] == [
            (one.id, two.id),
            (None, one.id),
        ]
        assert (history[0].moved, history[0].why) == (later(5), "second")


def test_a_name_is_one_per_component(store: Store) -> None:
    with store.write() as at:
        for component in ("network", "compute"):
            repository = at.repositories.add(
                TARGET, component=component, path=component, build_id=None, digest="", now=NOW
            )
            at.names.move(TARGET, component, "current", repository, now=NOW, by="trunk", why="")

        leads = at.names.components(TARGET, "current")
        assert [(key, value.path) for key, value in leads.items()] == [
            ("compute", "compute"),
            ("network", "network"),
        ]


def test_open_intents_are_listed_oldest_first_until_they_are_closed(store: Store) -> None:
    with store.write() as at:
        first = at.intents.open(TARGET, "publish", {"path": "aa/1"}, now=NOW)
        second = at.intents.open(TARGET, "name", {"name": "current"}, now=NOW)
        at.intents.open("other-target", "name", {}, now=NOW)
        assert [intent.id for intent in at.intents.unfinished(TARGET)] == [first, second]
        at.intents.close(first, now=later(1))

        (left,) = at.intents.unfinished(TARGET)
        assert (left.kind, left.payload) == ("name", {"name": "current"})
