"""What a purge takes, and what it leaves alone. `NOW` is now, and ages are in days."""

import gzip
import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rdo.dlrn.layout import hash_directory
from rdo.model.artifact import Artifact, Fragment
from rdo.model.build import Built, Failed, FailureReason
from rdo.model.commit import Commit
from rdo.model.nevra import Nevra
from rdo.publish.references import DamagedError
from rdo.publish.site import Site
from rdo.publish.tree import Tree
from rdo.publish.upkeep.retention import GRACE, Purge, Rules, plan_purge
from rdo.store import Store
from rdo.store.given.repositories import Repository
from rdo.store.work.builds import Build
from tests.unit.store.samples import NOW, TARGET, commit

KEEP = 10
OLD, YOUNG = KEEP + 1, KEEP - 1
REPOMD = """\
<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary">
<checksum type="sha256">{digest}</checksum><location href="repodata/p.xml.gz"/></data></repomd>
"""


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def age(path: Path, days: float) -> None:
    moment = ago(days).timestamp()
    os.utime(path, (moment, moment), follow_symlinks=False)


@dataclass(frozen=True, slots=True)
class World:
    """A target with its published tree, of files that are as good as empty."""

    store: Store
    tree: Tree

    @property
    def folder(self) -> Path:
        return self.tree.folder

    @property
    def repos(self) -> Path:
        return self.tree.repos

    def built(self, package: str, days: float, upstream: str = "aa", *, sha: str = "") -> Build:
        """A good build that was published then, with an RPM in the pool and its folder."""
        with self.store.write() as at:
            build = at.builds.plan(TARGET, commit(package, upstream), now=ago(days))
            at.builds.start(build.id, now=ago(days))
            at.builds.settle(build.id, Built((Path("x.rpm"),)), now=ago(days))
            nevra = Nevra.parse(f"{package}-1-1.noarch")
            rpm = Artifact("x.rpm", nevra, sha or f"{build.id:064}", 1, False)
            at.artifacts.add(build.id, {rpm: Fragment("", "", "")})
            self.pool(rpm.sha256)
            build = at.builds.publish(build.id, superseded=False)
        self.make(self.folder / f"builds/{build.id}")
        return build

    def failed(self, package: str, days: float, upstream: str = "aa") -> Build:
        """A build that failed then, with its folder and its published logs."""
        with self.store.write() as at:
            build = at.builds.plan(TARGET, commit(package, upstream), now=ago(days))
            failure = Failed(FailureReason.TEST, "")
            build = at.builds.settle(build.id, failure, now=ago(days))
        self.make(self.folder / f"builds/{build.id}")
        self.make(self.repos / place(build.commit))
        return build

    def repository(
        self,
        path: str,
        days: float,
        build: Build | None = None,
        *,
        names: Collection[str] = (),
        snapshot: str = "",
    ) -> Repository:
        """A repository made then, which offers RPMs of the pool and names a snapshot."""
        folder = self.repos / path
        rows = "".join(f'<location href="pool/{sha}/x.rpm"/>' for sha in names)
        content = gzip.compress(rows.encode())
        self.make(folder / "repodata")
        (folder / "repodata/p.xml.gz").write_bytes(content)
        text = REPOMD.format(digest=hashlib.sha256(content).hexdigest())
        (folder / "repodata/repomd.xml").write_text(text)
        (folder / "deps.repo").write_text(f"baseurl=http://x/deps/{snapshot}\n")
        with self.store.write() as at:
            return at.repositories.add(
                TARGET,
                component=None,
                path=path,
                build_id=build.id if build else None,
                digest="",
                now=ago(days),
            )

    def lead(self, name: str, to: Repository, days: float) -> None:
        with self.store.write() as at:
            at.names.move(TARGET, None, name, to, now=ago(days), by="me", why="")

    def pool(self, sha: str) -> None:
        self.make(self.repos / "pool" / sha)

    def make(self, folder: Path, days: float = 0) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        age(folder, days)
        return folder

    def plan(self, *current: str, keep: float = KEEP, max_bytes: int = 0) -> Purge:
        rules = Rules(timedelta(days=keep), max_bytes)
        return plan_purge(self.tree, self.store, rules, NOW, current)


def place(made: Commit) -> str:
    return str(hash_directory(made))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Store.temporary() as store:
        yield World(store, Tree(tmp_path, store, Site(TARGET, "http://x")))


def test_an_empty_target_has_nothing_to_lose(world: World) -> None:
    found = world.plan()

    assert found.is_empty
    assert (found.known, found.kept, found.freed) == (frozenset(), 0, 0)


def is_old(world: World) -> None:
    world.repository("aa/old", OLD)


def is_young(world: World) -> None:
    world.repository("aa/old", YOUNG)


def is_as_old_as_is_kept(world: World) -> None:
    world.repository("aa/old", KEEP)


def is_named(world: World) -> None:
    world.lead("current", world.repository("aa/old", OLD), OLD)


def was_left(world: World, days: float) -> None:
    world.lead("current", world.repository("aa/old", OLD), OLD)
    world.lead("current", world.repository("aa/new", 0), days)


def is_of_the_newest_build(world: World) -> None:
    world.repository("aa/old", OLD, world.built("a", OLD))


def is_of_an_older_build(world: World) -> None:
    world.repository("aa/old", OLD, world.built("a", OLD, "a1"))
    world.built("a", OLD, "a2")


def is_of_a_held_build(world: World) -> None:
    held = world.built("a", OLD, "a1")
    world.repository("aa/old", OLD, held)
    world.built("a", OLD, "a2")
    with world.store.write() as at:
        at.holds.hold(TARGET, "a", held.id, now=NOW, by="me", why="")


@pytest.mark.parametrize(
    ("make", "goes"),
    [
        pytest.param(is_old, True, id="it is old"),
        pytest.param(is_young, False, id="it is young"),
        pytest.param(is_as_old_as_is_kept, False, id="it is just as old as what is kept"),
        pytest.param(is_named, False, id="a name leads to it"),
        pytest.param(lambda w: was_left(w, OLD), True, id="a name has left it long ago"),
        pytest.param(lambda w: was_left(w, YOUNG), False, id="a name has left it lately"),
        pytest.param(is_of_the_newest_build, False, id="it is of a package's newest build"),
        pytest.param(is_of_an_older_build, True, id="it is of an older build"),
        pytest.param(is_of_a_held_build, False, id="its package is held there"),
    ],
)
def test_whether_a_repository_goes(world: World, make: Callable[[World], None], goes: bool) -> None:
    make(world)

    assert ("aa/old" in world.plan().repositories) is goes


@pytest.mark.parametrize(("minutes", "goes"), [(59, False), (61, True)])
def test_what_a_name_has_just_left_stays_an_hour_whatever_the_rules(
    world: World, minutes: float, goes: bool
) -> None:
    was_left(world, minutes / 60 / 24)

    assert ("aa/old" in world.plan(keep=0).repositories) is goes


def test_what_is_in_the_tree_and_what_is_kept_is_counted(world: World) -> None:
    old, young = world.repository("aa/1", OLD), world.repository("aa/2", YOUNG)

    found = world.plan()

    assert found.known == {old.id, young.id}
    assert (found.kept, found.repositories) == (1, ("aa/1",))


@pytest.mark.parametrize(
    ("days", "goes"), [pytest.param(OLD, True, id="old"), pytest.param(YOUNG, False, id="young")]
)
def test_the_folder_and_the_rpms_of_a_superseded_build(
    world: World, days: float, goes: bool
) -> None:
    build = world.built("a", days, "a1", sha="f" * 64)
    world.built("a", 0, "a2")

    found = world.plan()

    assert found.builds == ((f"../builds/{build.id}",) if goes else ())
    assert found.rpms == ((f"pool/{'f' * 64}",) if goes else ())
    assert found.forgotten == ({build.id} if goes else set())


def test_rpms_that_a_kept_repository_offers_stay(world: World) -> None:
    world.built("a", OLD, "a1", sha="f" * 64)
    world.built("a", 0, "a2")
    world.repository("aa/1", YOUNG, names=["f" * 64])

    assert world.plan().rpms == ()


def test_rpms_that_only_a_repository_offers_that_goes_go_with_it(world: World) -> None:
    world.pool("e" * 64)
    world.repository("aa/1", OLD, names=["e" * 64])

    assert world.plan().rpms == (f"pool/{'e' * 64}",)


def test_a_repository_that_is_kept_keeps_the_folder_of_its_build(world: World) -> None:
    build = world.built("a", OLD, "a1")
    world.built("a", 0, "a2")
    world.repository("aa/1", YOUNG, build)

    found = world.plan()

    assert (found.builds, found.forgotten) == ((), frozenset())


def test_builds_that_are_published_in_no_repository_yet_stay(world: World) -> None:
    with world.store.write() as at:
        build = at.builds.plan(TARGET, commit("a"), now=ago(OLD))
        at.builds.start(build.id, now=ago(OLD))
        at.builds.settle(build.id, Built((Path("x.rpm"),)), now=ago(OLD), final=False)
    world.make(world.folder / f"builds/{build.id}")

    assert world.plan().builds == ()


@pytest.mark.parametrize(
    ("newer", "goes"),
    [
        pytest.param("built", True, id="a later build was good"),
        pytest.param("", False, id="it is where the package stands"),
        pytest.param("failed", False, id="the break began with it"),
    ],
)
def test_the_logs_of_an_old_failure(world: World, newer: str, goes: bool) -> None:
    failure = world.failed("a", OLD, "a1")
    if newer == "built":
        world.built("a", 0, "a2")
    elif newer == "failed":
        world.failed("a", 0, "a2")

    found = world.plan()

    assert found.logs == ((place(failure.commit),) if goes else ())
    assert found.builds == ((f"../builds/{failure.id}",) if goes else ())


def test_the_logs_of_a_young_failure_stay(world: World) -> None:
    world.failed("a", YOUNG, "a1")
    world.built("a", 0, "a2")

    assert world.plan().logs == ()


def test_the_logs_of_a_commit_that_has_failed_again_lately_stay(world: World) -> None:
    world.failed("a", OLD, "a1")
    world.failed("a", YOUNG, "a1")
    world.built("a", 0, "a2")

    assert world.plan().logs == ()


def test_logs_that_somebody_has_removed_are_not_removed_again(world: World) -> None:
    failure = world.failed("a", OLD, "a1")
    world.built("a", 0, "a2")
    (world.repos / place(failure.commit)).rmdir()

    assert world.plan().logs == ()


def test_where_a_repository_is_there_are_no_logs_to_remove(world: World) -> None:
    failure = world.failed("a", OLD, "a1")
    world.built("a", 0, "a2")
    world.repository(place(failure.commit), YOUNG)

    assert world.plan().logs == ()


S1, S2, S3, S4 = (letter * 16 for letter in "abcd")


@pytest.mark.parametrize("folder", ["deps", "../bootstrap-deps"])
def test_snapshots_that_nothing_uses(world: World, folder: str) -> None:
    for name in (S1, S2, S3):
        world.make(world.repos / folder / name, OLD)
    world.make(world.repos / folder / S4, YOUNG)
    world.make(world.repos / folder / "notes", OLD)
    world.repository("aa/1", YOUNG, snapshot=S1)
    world.repository("aa/2", OLD, snapshot=S3)

    assert world.plan(S2).snapshots == (f"{folder}/{S3}",)


@pytest.mark.parametrize(
    ("days", "goes"),
    [
        pytest.param(OLD, True, id="the build goes with it"),
        pytest.param(YOUNG, False, id="the build stays"),
    ],
)
def test_a_snapshot_of_last_resort_stays_for_the_builds_that_were_made_with_it(
    world: World, days: float, goes: bool
) -> None:
    world.make(world.folder / "bootstrap-deps" / S1, OLD)
    build = world.built("a", days, "a1")
    world.built("a", 0, "a2")
    recipe = world.folder / f"builds/{build.id}/recipe.json"
    recipe.write_text(f'"/x/bootstrap-deps/{S1}"')

    assert bool(world.plan().snapshots) is goes


def aggregate(world: World, name: str, digest: str, days: float) -> Path:
    folder = world.make(world.repos / name / digest[:2] / digest[2:4] / digest, days)
    (folder / "delorean.repo").touch()
    age(folder, days)
    return folder


def test_aggregates_that_no_name_leads_to(world: World) -> None:
    old, new, young = (letter * 32 for letter in "123")
    aggregate(world, "current", old, OLD)
    link = world.repos / "current/delorean.repo"
    link.symlink_to(aggregate(world, "current", new, OLD) / "delorean.repo")
    aggregate(world, "current", young, YOUNG)
    aggregate(world, "current", "readme", OLD)
    aggregate(world, "unknown", old, OLD)  # no link: not made by us
    aggregate(world, "component", old, OLD)
    (world.repos / "consistent").symlink_to("current")

    assert world.plan().aggregates == (f"current/11/11/{old}",)


@pytest.mark.parametrize(
    ("days", "goes"),
    [
        pytest.param(OLD, True, id="old"),
        pytest.param(YOUNG, False, id="young"),
    ],
)
def test_states_of_the_bootstrap_repository(world: World, days: float, goes: bool) -> None:
    world.make(world.folder / "bootstrap/state", days)

    assert world.plan().bootstrap == (("../bootstrap/state",) if goes else ())


def test_a_state_of_the_bootstrap_repository_stays_an_hour_whatever_the_rules(
    world: World,
) -> None:
    world.make(world.folder / "bootstrap/state", GRACE.total_seconds() / 2 / 86400)

    assert world.plan(keep=0).bootstrap == ()


def test_a_damaged_repository_lets_nothing_be_removed(world: World) -> None:
    world.repository("aa/1", OLD)
    world.repository("aa/2", YOUNG)
    (world.repos / "aa/2/repodata/repomd.xml").write_text("<")

    with pytest.raises(DamagedError, match="aa/2 is damaged") as caught:
        world.plan()

    assert caught.value.hint == f"rdo trunk verify --repair --target {TARGET}"


def fill(world: World, path: str, days: float, blocks: int) -> None:
    world.repository(path, days)
    (world.repos / path / "noise").write_bytes(os.urandom(blocks * 4096))


def test_a_target_that_is_too_big_keeps_less(world: World) -> None:
    for days in (9, 6, 4, 1):
        fill(world, f"aa/{days}", days, 100)

    assert world.plan().repositories == ()
    halved = world.plan(max_bytes=1_500_000)
    quartered = world.plan(max_bytes=700_000)

    assert halved.repositories == ("aa/9", "aa/6")
    assert (halved.keep, halved.freed > 800_000) == (timedelta(days=5), True)
    assert quartered.repositories == ("aa/9", "aa/6", "aa/4")
    assert quartered.keep == timedelta(days=2.5)


def test_a_target_that_is_not_too_big_keeps_all(world: World) -> None:
    fill(world, "aa/1", 9, 1)

    assert world.plan(max_bytes=10**9).keep == timedelta(days=KEEP)


def test_however_big_it_is_an_hour_is_kept(world: World) -> None:
    fill(world, "aa/1", 0.01, 100)

    found = world.plan(max_bytes=1)

    assert (found.keep, found.repositories) == (GRACE, ())


def test_each_removal_is_reported_by_its_place() -> None:
    found = Purge(
        frozenset(), ("r",), ("l",), ("b",), ("p",), ("s",), ("a",), ("o",), frozenset({1})
    )

    assert found.others == ("l", "b", "p", "s", "a", "o")
    assert not found.is_empty


@pytest.mark.parametrize(
    "purge",
    [
        Purge(frozenset(), repositories=("r",)),
        Purge(frozenset(), bootstrap=("o",)),
        Purge(frozenset(), forgotten=frozenset({1})),
    ],
)
def test_a_purge_with_anything_in_it_is_not_empty(purge: Purge) -> None:
    assert not purge.is_empty
