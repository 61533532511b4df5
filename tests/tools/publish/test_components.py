import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.publish.upkeep.verify import verify_tree
from tests.publishing import TARGET, Factory, RpmShelf, factory, package
from tests.tools.publish.test_tree import names


@pytest.fixture
def parts(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """A target with the components network (python-a) and compute (python-b)."""
    members = (package("python-a", component="network"), package("python-b", component="compute"))
    with factory(tmp_path, shelf, *members, components=True) as opened:
        yield opened


def test_a_component_is_a_repository_of_its_own(parts: Factory) -> None:
    parts.publish("python-a", "a1", component="network")
    directory = parts.publish("python-b", "b1", component="compute").directory

    assert directory is not None
    assert directory.relative_to(parts.tree.repos).parts[:2] == ("component", "compute")
    assert names(directory) == ["python-b-1.0-1.src.rpm", "python3-b-1.0-1.noarch.rpm"]
    assert all((directory / "pool").iterdir())
    repo_file = (directory / "delorean.repo").read_text()
    assert repo_file.startswith("[delorean-component-compute]\n")
    assert f"/{TARGET}/repos/component/compute/b1/00/" in repo_file


def test_each_component_has_its_own_names(parts: Factory) -> None:
    first = parts.publish("python-a", "a1", component="network")

    assert first.moved == ("current", "consistent")
    assert parts.leads("component/network/current").startswith("component/network/a1/00/")
    assert parts.leads("component/compute/current") == ""
    assert parts.tree.blockers(parts.members)["compute"][0].package == "python-b"


def test_the_top_level_name_is_an_aggregate_of_all_components(parts: Factory) -> None:
    parts.publish("python-a", "a1", component="network")
    parts.publish("python-b", "b1", component="compute")
    repos = parts.tree.repos

    text = (repos / "current/delorean.repo").read_text()
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    compute = (repos / "component/compute/current/delorean.repo").read_text()
    network = (repos / "component/network/current/delorean.repo").read_text()
    assert text == f"{compute}\n{network}\n"
    assert (repos / "current/delorean.repo.md5").read_text() == digest
    place = f"{digest[:2]}/{digest[2:4]}/{digest}"
    for name in ("delorean.repo", "delorean.repo.md5", "versions.csv"):
        assert str((repos / "current" / name).readlink()) == f"{place}/{name}"
    rows = (repos / "current/versions.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["Project", "python-b", "python-a"]


def test_a_move_records_its_aggregate_and_a_consistent_build_gets_a_vote(parts: Factory) -> None:
    hashes = []
    for name, upstream, component in (
        ("python-a", "a1", "network"),
        ("python-b", "b1", "compute"),
        ("python-a", "a2", "network"),
    ):
        parts.publish(name, upstream, component=component)
        hashes.append((parts.tree.repos / "current/delorean.repo.md5").read_text())

    with parts.store.read() as at:
        made_of = [
            [one.path for one in at.names.of_aggregate(TARGET, found).values()] for found in hashes
        ]
        now = at.names.aggregate(TARGET, "current")
        votes = at.votes.listed(TARGET)

    assert now == hashes[-1]
    assert [[path.split("/")[2] for path in paths] for paths in made_of] == [
        ["a1"],
        ["b1", "a1"],
        ["b1", "a2"],
    ]
    assert [(one.job, one.commit and one.commit.upstream_hash[:2]) for one in votes] == [
        ("consistent", "a2"),
        ("consistent", "b1"),
        ("consistent", "a1"),
    ]


def test_a_component_that_is_damaged_stops_no_other(parts: Factory) -> None:
    parts.publish("python-a", "a1", component="network")
    parts.publish("python-b", "b1", component="compute")
    shutil.rmtree(parts.tree.repos / parts.leads("component/compute/current"))

    parts.publish("python-a", "a2", "1.1", component="network")

    repos = parts.tree.repos
    network = (repos / "component/network/current/delorean.repo").read_text()
    assert (repos / "current/delorean.repo").read_text() == f"{network}\n"
    with parts.store.read() as at:
        noted = at.names.aggregate(TARGET, "current")
        assert at.intents.unfinished(TARGET) == ()
    assert (repos / "current/delorean.repo.md5").read_text() == noted

    for _ in range(2):  # what names lead to, then the aggregates of them
        for finding in verify_tree(parts.tree, parts.store, parts.members):
            assert finding.repair is not None
            finding.repair()

    compute = (repos / "component/compute/current/delorean.repo").read_text()
    assert (repos / "current/delorean.repo").read_text() == f"{compute}\n{network}\n"
    with parts.store.read() as at:
        noted = at.names.aggregate(TARGET, "current")
        assert list(at.names.of_aggregate(TARGET, noted)) == ["compute", "network"]
    assert (repos / "current/delorean.repo.md5").read_text() == noted
    assert verify_tree(parts.tree, parts.store, parts.members) == []


def test_an_older_aggregate_stays_when_a_component_moves_on(parts: Factory) -> None:
    parts.publish("python-a", "a1", component="network")
    before = (parts.tree.repos / "current/delorean.repo").resolve()
    parts.publish("python-a", "a2", "1.1", component="network")

    assert before.is_file()
    assert (parts.tree.repos / "current/delorean.repo").resolve() != before


def test_a_build_from_before_its_package_changed_components_moves_no_name(parts: Factory) -> None:
    parts.publish("python-b", "b1", component="compute")
    before = parts.leads("component/compute/current")

    published = parts.publish("python-a", "a1", component="compute")

    assert published.moved == ()
    assert parts.leads("component/compute/current") == before


def test_builders_get_one_repository_per_component(parts: Factory) -> None:
    parts.publish("python-a", "a1", component="network")
    parts.publish("python-b", "b1", component="compute")

    directories = parts.tree.current_directories()

    assert [directory.parts[-4] for directory in directories] == ["compute", "network"]
    assert all((directory / "repodata/repomd.xml").is_file() for directory in directories)
