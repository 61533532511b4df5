"""Sets of builds by name, by time and by change, and the repositories composed of them."""

import shutil
from datetime import timedelta
from pathlib import Path

import createrepo_c
import pytest

from rdo.app.targets import OpenTarget
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.promotion.compositions import Composition, change, find
from rdo.publish.site import Members
from rdo.publish.upkeep.retention import Rules, carry_out_purge, plan_purge
from tests.publishing import Factory, RpmShelf, factory, open_target, package


def nvrs(found: Composition) -> list[str]:
    return sorted(one.nvr for one in found.builds.values())


def offered(folder: Path) -> list[str]:
    """The RPMs that a client finds and can download."""
    reader = createrepo_c.RepositoryReader.from_path(str(folder))
    hrefs = [found.location_href for found in reader.iter_packages()]
    assert all((folder / href).is_file() for href in hrefs)
    return sorted(Path(href).name for href in hrefs)


@pytest.fixture
def history(made: Factory) -> dict[str, str]:
    """Two builds of each package, and the moments between them."""
    moments = {}
    for key, name, upstream, version in (
        ("a1", "python-a", "a1", "1.0"),
        ("b1", "python-b", "b1", "1.0"),
        ("a2", "python-a", "a2", "2.0"),
        ("b2", "python-b", "b2", "2.0"),
    ):
        made.publish(name, upstream, version)
        moments[key] = f"{made.now():%Y-%m-%dT%H:%M:%S}"
    return moments


def test_a_name_a_path_and_the_start_of_its_last_part_lead_to_the_same_builds(
    made: Factory, target: OpenTarget, history: dict[str, str]
) -> None:
    path = made.leads("current")

    found = [find(target, text) for text in ("current", path, path.rpartition("/")[2][:8])]

    assert [nvrs(one) for one in found] == [["python-a-2.0-1", "python-b-2.0-1"]] * 3


def test_a_time_is_what_a_name_led_to_then(target: OpenTarget, history: dict[str, str]) -> None:
    assert nvrs(find(target, f"@{history['a1']}")) == ["python-a-1.0-1"]
    assert nvrs(find(target, f"@{history['b1']}")) == ["python-a-1.0-1", "python-b-1.0-1"]
    assert nvrs(find(target, f"consistent@{history['a2']}")) == ["python-a-2.0-1", "python-b-1.0-1"]
    with pytest.raises(NotFoundError, match="current of master-deb12 led nowhere at 2020"):
        find(target, "@2020-01-01")


@pytest.mark.parametrize("where", ["1", "@{a1}", "@{b1}", "current@{b1}"])
def test_one_package_of_another_time_is_composed_with_the_rest_of_now(
    made: Factory, target: OpenTarget, history: dict[str, str], where: str
) -> None:
    wanted = change(target, find(target, "current"), [f"python-a={where.format(**history)}"])

    [repository] = made.tree.compose(wanted.build_ids, made.members)

    folder = made.tree.repos / repository.path
    assert offered(folder) == [
        "python-a-1.0-1.src.rpm",
        "python-b-2.0-1.src.rpm",
        "python3-a-1.0-1.noarch.rpm",
        "python3-b-2.0-1.noarch.rpm",
    ]
    assert "python-a-1.0-1\n" in (folder / "versions.csv").read_text()
    assert find(target, repository.path).builds == wanted.builds
    assert made.leads("current") != repository.path


def test_the_same_builds_are_composed_once(
    made: Factory, target: OpenTarget, history: dict[str, str]
) -> None:
    current = find(target, "current")

    assert made.tree.compose(current.build_ids, made.members) == current.repositories
    one = change(target, current, (), ["python-b"])
    first = made.tree.compose(one.build_ids, made.members)
    assert made.tree.compose(one.build_ids, made.members) == first


def test_a_composition_does_not_make_the_next_publication_slower(
    made: Factory, target: OpenTarget, history: dict[str, str]
) -> None:
    shelf = made.folder / "segments/-"
    before = sorted(path.name for path in shelf.iterdir())

    made.tree.compose(find(target, f"@{history['b1']}").build_ids, made.members)
    wanted = change(target, find(target, "current"), ["python-a=1"])
    made.tree.compose(wanted.build_ids, made.members)

    assert sorted(path.name for path in shelf.iterdir()) == before


def test_a_package_that_left_the_metadata_stays_in_a_composition(
    made: Factory, history: dict[str, str]
) -> None:
    made.members = Members((package("python-a"),))
    target = open_target(made)
    wanted = change(target, find(target, "current"), ["python-a=1"])

    [repository] = made.tree.compose(wanted.build_ids, made.members)

    assert "python3-b-2.0-1.noarch.rpm" in offered(made.tree.repos / repository.path)


def test_each_component_gets_a_repository_of_its_own(tmp_path: Path, shelf: RpmShelf) -> None:
    packages = (package("python-a", component="one"), package("python-b", component="two"))
    with factory(tmp_path, shelf, *packages, components=True) as made:
        made.publish("python-a", "a1", component="one")
        made.publish("python-b", "b1", component="two")
        made.publish("python-b", "b2", "2.0", component="two")
        target = open_target(made)
        wanted = change(target, find(target, "current"), ["python-b=2"])

        one, two = made.tree.compose(wanted.build_ids, made.members)

    assert (one.component, two.component) == ("one", "two")
    assert offered(made.tree.repos / one.path)[0] == "python-a-1.0-1.src.rpm"
    assert offered(made.tree.repos / two.path)[0] == "python-b-1.0-1.src.rpm"


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("nowhere", NotFoundError, "master-deb12 has no repository nowhere"),
        ("curent", NotFoundError, 'did you mean "current"'),
        ("../../etc", NotFoundError, "has no repository ../../etc"),
        ("", NotFoundError, "has no repository "),
        ("current@noon", ConfigError, "'noon' is not a time"),
        ("a1", NotFoundError, "has no repository a1"),
    ],
)
def test_a_repository_that_is_not_there_is_one_clear_error(
    target: OpenTarget, history: dict[str, str], text: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        find(target, text)


@pytest.mark.parametrize(
    ("instead", "error", "told"),
    [
        (["python-a"], ConfigError, "does not name a build"),
        (["python-a="], ConfigError, "does not name a build"),
        (["=1"], ConfigError, "does not name a build"),
        (["python-a=1", "python-a=3"], ConfigError, "named twice"),
        (["python-a=99"], NotFoundError, "no good build of python-a at 99"),
        (["python-a=2"], NotFoundError, "no good build of python-a at 2"),
        (["python-a=@1999-01-01"], NotFoundError, "no good build of python-a"),
        (["python-c=1"], NotFoundError, "no package python-c"),
    ],
)
def test_a_build_that_is_not_there_is_one_clear_error(
    target: OpenTarget,
    history: dict[str, str],
    instead: list[str],
    error: type[Exception],
    told: str,
) -> None:
    with pytest.raises(error, match=told):
        change(target, find(target, "current"), instead)


def test_what_is_left_out_has_no_build(target: OpenTarget, history: dict[str, str]) -> None:
    current = find(target, "current")

    with pytest.raises(
        ConfigError, match="'python-a=1' names a build, but the package is left out"
    ):
        change(target, current, (), ["python-a=1"])
    with pytest.raises(ConfigError, match="named twice: python-a"):
        change(target, current, ["python-a=1"], ["python-a"])


def test_the_start_of_several_paths_is_refused(made: Factory, target: OpenTarget) -> None:
    made.publish("python-a", "abcdef1")
    made.publish("python-b", "abcdef2")

    with pytest.raises(RefusedError, match="start of several repositories"):
        find(target, "abcdef")


def test_what_was_purged_is_named(
    made: Factory, target: OpenTarget, history: dict[str, str]
) -> None:
    repository = find(target, f"@{history['a1']}").repositories[0]
    made.tree.take_out(repository)

    with pytest.raises(NotFoundError, match="was removed or replaced on 2026"):
        find(target, f"@{history['a1']}")


def test_builds_whose_rpms_were_purged_cannot_be_composed(
    made: Factory, target: OpenTarget, history: dict[str, str]
) -> None:
    with made.store.write() as at:
        at.artifacts.forget([1])

    with pytest.raises(NotFoundError, match=r"the RPMs of build 1 of python-a@.* were purged"):
        made.tree.compose([1, 2], made.members)
    with pytest.raises(NotFoundError, match="RPMs of build 1 of python-a were purged"):
        change(target, find(target, "current"), [f"python-a=@{history['a1']}"])


def test_a_repository_that_was_lost_is_composed_anew(
    made: Factory, target: OpenTarget, history: dict[str, str]
) -> None:
    wanted = change(target, find(target, "current"), ["python-a=1"])
    [first] = made.tree.compose(wanted.build_ids, made.members)
    shutil.rmtree(made.tree.repos / first.path)

    [second] = made.tree.compose(wanted.build_ids, made.members)

    assert second.path == first.path
    assert offered(made.tree.repos / second.path)


def test_a_promoted_set_can_be_read_and_changed_after_a_purge_of_all_that_is_older(
    made: Factory,
) -> None:
    """The RPMs of its builds are in the pool: then the store must still know them."""
    made.publish("python-a", "a1", "1.0")
    made.publish("python-b", "b1", "1.0")
    made.tree.promote("tested", made.tree.leads("current"), by="me", why="")
    for number in (2, 3):
        made.publish("python-a", f"a{number}", f"{number}.0")
        made.publish("python-b", f"b{number}", f"{number}.0")
    made.now.now += timedelta(days=100)
    rules = Rules(timedelta(0))

    carry_out_purge(made.tree, plan_purge(made.tree, made.store, rules, made.now(), current=()))

    target = open_target(made)
    promoted = find(target, "tested")
    assert {one.nvr for one in promoted.builds.values()} == {"python-a-1.0-1", "python-b-1.0-1"}
    mixed = change(target, promoted, ["python-b=current"])
    [composed] = made.tree.compose(mixed.build_ids, made.members)
    assert find(target, composed.path).build_ids == mixed.build_ids
