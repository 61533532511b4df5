"""A target that depends on another target of the same factory."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from rdo.app import App
from rdo.app.depending import Depending
from rdo.app.targets import release_package
from rdo.bridge.dependencies import RepoFile
from rdo.checks.tree_repositories import dependency_repositories
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.model.neighbours import neighbours_in
from rdo.promotion.checking import Subject, Surroundings, check
from rdo.promotion.compositions import find
from rdo.promotion.exporting import export
from rdo.publish.upkeep.retention import Rules, carry_out_purge, plan_purge
from tests.publishing import Factory, RpmShelf, factory, open_target, package
from tests.tools.publish.conftest import Dnf

TOML = """\
data = "data"
base-url = "{url}"
[metadata]
source = "metadata"
[targets.storage]
release = "storage"
platform = "deb12-x86_64"
[targets.virt]
release = "virt"
platform = "deb12-x86_64"
[targets.virt.dependencies.storage]
target = "storage"
name = "current"
[targets.cloud]
release = "cloud"
platform = "deb12-x86_64"
[targets.cloud.dependencies.virtualization]
target = "virt"
name = "current"
"""


@dataclass
class Sigs:
    """Cloud depends on Virtualization, which depends on Storage."""

    app: App
    cloud: Factory
    virt: Factory
    storage: Factory

    def begin_round(self, made: Factory) -> None:
        """Do what a round does first: name where the names of other targets lead now."""
        file = made.tree.repos / "delorean-deps.repo"
        others = Depending(self.app.settings, made.target).sections
        RepoFile(file, "delorean-deps", "http://x", others).write("")


@pytest.fixture
def sigs(tmp_path: Path, data_url: str, shelf: RpmShelf) -> Iterator[Sigs]:
    (tmp_path / "rdo.toml").write_text(TOML.format(url=data_url))
    with ExitStack() as stack:
        cloud, virt, storage = (
            stack.enter_context(
                factory(tmp_path, shelf, package(name), base_url=data_url, target=target)
            )
            for target, name in (
                ("cloud", "python-nova"),
                ("virt", "python-libvirt"),
                ("storage", "python-rbd"),
            )
        )
        made = Sigs(App(tmp_path), cloud, virt, storage)
        storage.publish("python-rbd", "c1")
        made.begin_round(virt)
        virt.publish("python-libvirt", "b1", requires=("python3-rbd",))
        made.begin_round(cloud)
        cloud.publish("python-nova", "a1", requires=("python3-libvirt",))
        yield made


def test_a_host_installs_from_the_repo_files_of_one_repository(
    sigs: Sigs, dnf: Dnf, tmp_path: Path
) -> None:
    for file in (sigs.cloud.tree.repos / "current").glob("*.repo"):
        (tmp_path / "repos.d" / file.name).write_text(file.read_text())

    dnf("install", "python3-nova")

    assert (tmp_path / "root/usr/share/python-rbd/file").exists()


def test_builds_and_checks_take_packages_from_the_same_repositories(sigs: Sigs) -> None:
    depending = Depending(sigs.app.settings, "cloud")
    target = open_target(sigs.cloud)

    folders = depending.folders()
    named = dependency_repositories(sigs.cloud.tree.repos, [sigs.cloud.tree.repos / "current"])
    [answer, *_] = check(
        target, find(target, "current"), Surroundings("x86_64"), names=["installable"]
    )

    assert folders == tuple((one.folder, one.priority) for one in named)
    assert [(one.folder.resolve(), one.priority) for one in named] == [
        ((sigs.virt.tree.repos / "current").resolve(), 20),
        ((sigs.storage.tree.repos / "current").resolve(), 20),
    ]
    assert answer.findings == ()


def test_a_repository_stays_with_what_it_named(sigs: Sigs) -> None:
    before = Subject(
        open_target(sigs.cloud), find(open_target(sigs.cloud), "current"), Surroundings("x86_64")
    ).dependencies
    sigs.virt.publish("python-libvirt", "b2", "2.0")
    old = find(open_target(sigs.cloud), "current")

    sigs.begin_round(sigs.cloud)
    sigs.cloud.publish("python-nova", "a2", "2.0", requires=("python3-libvirt >= 2",))

    target = open_target(sigs.cloud)
    assert Subject(target, old, Surroundings("x86_64")).dependencies == before
    now = Subject(target, find(target, "current"), Surroundings("x86_64")).dependencies
    assert now[0].folder.resolve() == (sigs.virt.tree.repos / "current").resolve()


def test_what_another_target_names_is_not_purged(sigs: Sigs) -> None:
    named = sigs.virt.leads("current")
    for number in (2, 3):
        sigs.virt.publish("python-libvirt", f"b{number}", f"{number}.0")
    later = sigs.virt.now() + timedelta(days=100)

    purge = plan_purge(
        sigs.virt.tree, sigs.virt.store, Rules(timedelta(days=1), 0), later, current=()
    )

    assert named not in purge.repositories
    assert len(purge.repositories) == 1
    carry_out_purge(sigs.virt.tree, purge)
    assert (sigs.virt.tree.repos / named / "repodata").is_dir()
    [repository] = [
        one
        for one in sigs.virt.store.ask(lambda at: at.repositories.in_tree("virt"))
        if one.path == named
    ]
    with pytest.raises(RefusedError, match="cloud depends on it"):
        sigs.virt.tree.take_out(repository)


def test_every_way_to_a_host_brings_the_other_targets(sigs: Sigs, tmp_path: Path) -> None:
    target = open_target(sigs.cloud)
    url = sigs.app.settings.base_url

    release = release_package(sigs.app.settings, "cloud", "current").repo_file
    lab = sigs.app.served_repo_files("cloud", "current", "http://lab", lambda one: f"http://{one}")
    made = export(target, find(target, "current"), tmp_path / "frozen")

    assert f"mirrorlist={url}/virt/repos/current/mirrorlist\n" in release
    assert f"mirrorlist={url}/storage/repos/current/mirrorlist\n" in release
    assert "mirrorlist=http://virt/current/mirrorlist\n" in lab["delorean.repo"]
    assert [one.target for one in neighbours_in(made.repo_file.read_text())] == ["virt", "storage"]


def test_a_target_without_a_repository_is_one_clear_error(sigs: Sigs, tmp_path: Path) -> None:
    text = (tmp_path / "rdo.toml").read_text().replace('name = "current"', 'name = "tested"')
    (tmp_path / "rdo.toml").write_text(text)

    with pytest.raises(
        NotFoundError, match="cloud depends on virt, which has no repository tested"
    ):
        Depending(App(tmp_path).settings, "cloud").sections()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            '[targets.storage.dependencies.cloud]\ntarget = "cloud"',
            "storage and cloud depend on each other",
        ),
        ('[targets.storage.dependencies.x]\ntarget = "nobody"', "names an unknown target: nobody"),
        (
            """[targets.x]\nrelease = "x"\nplatform = "el9s-x86_64"
[targets.storage.dependencies.x]\ntarget = "x\"""",
            "x is built on el9s-x86_64, and storage on deb12-x86_64",
        ),
        ("[targets.storage.dependencies.x]\n", 'must have "target" or "packages"'),
        ('[targets.storage.dependencies.deps]\ntarget = "virt"', "it may have a contract only"),
        (
            '[targets.storage.dependencies.x]\npackages = ["a"]\nname = "current"',
            'must not have "name" without "target"',
        ),
    ],
)
def test_a_wrong_dependency_is_one_clear_error(tmp_path: Path, lines: str, told: str) -> None:
    (tmp_path / "rdo.toml").write_text(TOML.format(url="http://x") + lines)

    with pytest.raises(ConfigError, match=told):
        App(tmp_path).settings.target("cloud")
