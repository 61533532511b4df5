import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import createrepo_c
import pytest
import yaml

from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.model.build import Built
from rdo.publish.site import Members, Site
from rdo.publish.tree import Tree
from rdo.store import Store
from tests.publishing import TARGET, Clock, Factory, RpmShelf, package


def hrefs(directory: Path) -> list[str]:
    """What the repository offers, as createrepo_c reads it."""
    reader = createrepo_c.RepositoryReader.from_path(str(directory))
    return sorted(found.location_href for found in reader.iter_packages())


def names(directory: Path) -> list[str]:
    return sorted(Path(href).name for href in hrefs(directory))


def test_a_hash_repository_has_its_own_rpms_and_names_all_in_the_pool(made: Factory) -> None:
    made.publish("python-a", "a1")
    second = made.publish("python-b", "b1").directory

    assert second is not None
    own = [rpm.name for rpm in sorted(second.glob("*.rpm"))]
    named = hrefs(second)
    assert own == ["python-b-1.0-1.src.rpm", "python3-b-1.0-1.noarch.rpm"]
    assert all(href.startswith("pool/") for href in named)
    assert {Path(href).name for href in named} == {
        *own,
        "python-a-1.0-1.src.rpm",
        "python3-a-1.0-1.noarch.rpm",
    }
    assert all((second / href).is_file() for href in (*own, *named))


def test_the_bytes_of_an_rpm_are_on_the_disk_once(made: Factory) -> None:
    directory = made.publish("python-a", "a1").directory

    assert directory is not None
    rpm = directory / "python3-a-1.0-1.noarch.rpm"
    (pooled,) = (made.tree.repos / "pool").glob("*/python3-a-1.0-1.noarch.rpm")
    assert rpm.samefile(pooled)


def test_every_file_of_dlrn_is_there(made: Factory) -> None:
    directory = made.publish("python-a", "a1").directory

    assert directory is not None
    assert {entry.name for entry in directory.iterdir()} == {
        "commit.yaml",
        "delorean.repo",
        "installed",
        "mirrorlist",
        "pool",
        "python-a-1.0-1.src.rpm",
        "python3-a-1.0-1.noarch.rpm",
        "repodata",
        "rpmbuild.log",
        "versions.csv",
    }
    assert (directory / "rpmbuild.log").read_text() == "built python-a@a100000\n"
    relative = directory.relative_to(made.tree.repos)
    url = f"http://127.0.0.1/{TARGET}/repos/{relative}"
    assert f"baseurl={url}\n" in (directory / "delorean.repo").read_text()
    (record,) = yaml.safe_load((directory / "commit.yaml").read_text())["commits"]
    assert record["artifacts"].split(",")[0] == f"repos/{relative}/python-a-1.0-1.src.rpm"


def test_a_repository_keeps_the_dependencies_it_was_published_with(made: Factory) -> None:
    made.tree.repos.mkdir(parents=True, exist_ok=True)
    deps = made.tree.repos / "delorean-deps.repo"
    deps.write_text("[delorean-deps]\nbaseurl=http://repos.example.test/deps/1\n")
    published = made.publish("python-a", "a1")
    deps.write_text("[delorean-deps]\nbaseurl=http://repos.example.test/deps/2\n")

    assert published.directory is not None
    kept = (published.directory / "delorean-deps.repo").read_text()

    assert kept.endswith("deps/1\n")


def test_versions_csv_follows_the_metadata_and_tells_who_fails(made: Factory) -> None:
    made.publish("python-b", "b1")
    made.fail("python-b", "b2")
    directory = made.publish("python-a", "a1").directory

    assert directory is not None
    rows = [line.split(",") for line in (directory / "versions.csv").read_text().splitlines()[1:]]
    assert [(row[0], row[2][:2], row[5], row[9]) for row in rows] == [
        ("python-a", "a1", "SUCCESS", "python-a-1.0-1"),
        ("python-b", "b1", "FAILED", "python-b-1.0-1"),
    ]


def test_a_new_build_takes_the_place_of_its_packages_older_one(made: Factory) -> None:
    made.publish("python-a", "a1", "1.0")
    made.publish("python-a", "a2", "1.1")
    directory = made.publish("python-b", "b1").directory

    assert directory is not None
    assert "python3-a-1.1-1.noarch.rpm" in names(directory)
    assert "python3-a-1.0-1.noarch.rpm" not in names(directory)


def test_current_follows_every_publication_and_consistent_waits_for_all(made: Factory) -> None:
    first = made.publish("python-a", "a1")
    assert (first.moved, made.leads("consistent")) == (("current",), "")
    assert [blocker.package for blocker in first.blocked] == ["python-b"]

    second = made.publish("python-b", "b1")

    assert second.moved == ("current", "consistent")
    assert made.leads("current") == made.leads("consistent") != ""


def test_a_failure_keeps_consistent_where_it_was(made: Factory) -> None:
    made.publish("python-a", "a1")
    made.publish("python-b", "b1")
    before = made.leads("consistent")
    made.fail("python-b", "b2")

    published = made.publish("python-a", "a2", "1.1")

    assert published.moved == ("current",)
    assert made.leads("consistent") == before
    (blocker,) = published.blocked
    assert (blocker.package, blocker.reason) == ("python-b", "fails to build: compile")
    with made.store.read() as at:
        assert blocker.since == at.packages.state(TARGET, "python-b").broken_since
    assert made.tree.blockers(made.members) == {None: published.blocked}


def test_a_newcomer_that_fails_blocks_nobody(made: Factory) -> None:
    made.publish("python-a", "a1")
    made.publish("python-b", "b1")
    made.members = Members((*made.members.packages, package("python-c")))
    made.fail("python-c", "c1")

    assert made.publish("python-a", "a2", "1.1").moved == ("current", "consistent")


def test_a_held_package_blocks_nobody(made: Factory) -> None:
    made.publish("python-a", "a1")
    made.publish("python-b", "b1")
    made.fail("python-b", "b2")
    made.members = replace(made.members, held=frozenset({"python-b"}))

    assert made.publish("python-a", "a2", "1.1").moved == ("current", "consistent")


def test_a_package_under_review_has_a_repository_and_enters_no_other(made: Factory) -> None:
    made.publish("python-a", "a1")
    before = made.leads("current")

    review = made.publish("python-new", "c1")
    later = made.publish("python-b", "b1").directory

    assert review.moved == ()
    assert review.directory is not None
    assert later is not None
    assert names(review.directory) == [
        "python-a-1.0-1.src.rpm",
        "python-new-1.0-1.src.rpm",
        "python3-a-1.0-1.noarch.rpm",
        "python3-new-1.0-1.noarch.rpm",
    ]
    assert before != str(review.directory)
    assert not any("new" in name for name in names(later))
    assert "python-new" not in (later / "versions.csv").read_text()
    assert made.leads("consistent") == made.leads("current")


def test_a_late_older_commit_is_superseded(made: Factory) -> None:
    older = made.build("python-a", "a1", "1.0")
    made.publish("python-a", "a2", "1.1")
    before = made.leads("current")

    late = made.tree.publish(older, made.folder_of(older), made.members)

    assert late.moved == ()
    assert made.leads("current") == before
    with made.store.read() as at:
        assert at.builds.get(older.id).superseded
    directory = made.publish("python-b", "b1").directory
    assert directory is not None
    assert "python3-a-1.1-1.noarch.rpm" in names(directory)


def test_a_recheck_swaps_the_directory_and_old_rpms_stay_in_the_pool(made: Factory) -> None:
    directory = made.publish("python-a", "a1", "1.0").directory
    again = made.publish("python-a", "a1", "1.1").directory

    assert directory == again
    assert again is not None
    assert names(again) == ["python-a-1.1-1.src.rpm", "python3-a-1.1-1.noarch.rpm"]
    assert list((made.tree.repos / "pool").glob("*/python3-a-1.0-1.noarch.rpm"))
    assert not list((made.tree.repos / ".publishing").iterdir())


def test_a_failure_leaves_its_logs_and_no_repository(made: Factory) -> None:
    directory = made.fail("python-a", "a1").directory

    assert directory is not None
    assert {entry.name for entry in directory.iterdir()} == {
        "commit.yaml",
        "notes.log",
        "rpmbuild.log",
    }
    (record,) = yaml.safe_load((directory / "commit.yaml").read_text())["commits"]
    assert (record["status"], record["notes"]) == ("FAILED", "compile: no rule to make target")
    assert made.leads("current") == ""


def test_a_success_takes_the_place_of_a_failure_and_not_the_other_way(made: Factory) -> None:
    failed = made.fail("python-a", "a1").directory
    good = made.publish("python-a", "a1").directory
    made.fail("python-a", "a1")

    assert failed == good
    assert good is not None
    assert len(names(good)) == 2


def test_publishing_again_changes_nothing(made: Factory) -> None:
    build = made.build("python-a", "a1")
    first = made.tree.publish(build, made.folder_of(build), made.members)
    inode = (made.tree.repos / "current").resolve().stat().st_ino

    second = made.tree.publish(build, made.folder_of(build), made.members)

    assert second.directory == first.directory
    assert (second.moved, second.provides) == ((), first.provides)
    assert (made.tree.repos / "current").resolve().stat().st_ino == inode


def test_what_a_build_provides_is_reported_and_kept(made: Factory) -> None:
    published = made.publish("python-a", "a1")

    assert published.provides == ("python3-a",)
    with made.store.read() as at:
        assert at.artifacts.provides(TARGET) == {"python-a": ("python3-a",)}


def test_consistent_moves_without_a_publication_when_the_broken_one_is_removed(
    made: Factory,
) -> None:
    made.publish("python-b", "b1")
    made.publish("python-a", "a1")
    before = made.leads("consistent")
    made.fail("python-b", "b2")
    made.publish("python-a", "a2", "1.1")
    members = Members(made.members.packages[:1])

    (composed,) = made.tree.refresh(members)

    assert made.leads("consistent") == str(composed.relative_to(made.tree.repos)) != before
    assert names(composed) == ["python-a-1.1-1.src.rpm", "python3-a-1.1-1.noarch.rpm"]
    assert all((composed / href).is_file() for href in hrefs(composed))
    assert made.tree.refresh(members) == ()


def test_refresh_finds_a_repository_that_holds_just_the_members(made: Factory) -> None:
    made.publish("python-a", "a1")
    made.publish("python-b", "b1")
    members = Members(made.members.packages[:1])
    alone = made.leads("current")
    (place,) = made.tree.refresh(members)

    assert place != made.tree.repos / alone
    assert "composed" not in str(place.relative_to(made.tree.repos))
    assert names(place) == ["python-a-1.0-1.src.rpm", "python3-a-1.0-1.noarch.rpm"]


def test_bootstrap_builds_are_for_builders_only(made: Factory) -> None:
    build = made.build("python-b", "b1", bootstrap=True)
    published = made.tree.publish(build, made.folder_of(build), made.members)
    assert (published.directory, made.leads("current")) == (None, "")

    (bootstrap,) = made.tree.current_directories()
    assert "python3-b-1.0-1.noarch.rpm" in names(bootstrap)
    assert all((bootstrap / href).is_file() for href in hrefs(bootstrap))
    assert made.tree.current_directories() == (bootstrap,)

    made.publish("python-b", "b1", "1.1")
    assert made.tree.current_directories() == ((made.tree.repos / "current").resolve(),)


@pytest.mark.parametrize(
    "name", ["current", "consistent", "pool", "component", "a/b", "..", "92", "Tested", "", "x_y"]
)
def test_a_promotion_name_that_means_something_else_is_refused(made: Factory, name: str) -> None:
    made.publish("python-a", "a1")
    with made.store.read() as at:
        repository = at.names.repository(TARGET, None, "current")
    assert repository is not None

    with pytest.raises(RefusedError, match="cannot be a promotion name"):
        made.tree.move_name(name, repository, by="me", why="")


def test_a_promotion_name_leads_to_its_repository_and_says_who_and_why(made: Factory) -> None:
    made.publish("python-a", "a1")
    with made.store.read() as at:
        repository = at.names.repository(TARGET, None, "current")
    assert repository is not None

    made.tree.move_name("tripleo-ci-testing", repository, by="me", why="all green")

    assert made.leads("tripleo-ci-testing") == repository.path
    with made.store.read() as at:
        (move,) = at.names.history(TARGET, None, "tripleo-ci-testing")
    assert (move.moved_by, move.why) == ("me", "all green")
    with pytest.raises(NotFoundError, match="not in the tree"):
        made.tree.move_name("x", replace(repository, path="aa/bb/gone"), by="me", why="")


@pytest.mark.parametrize(
    "name", ["evil;id.rpm", "a b.rpm", "python3-a-9-9.noarch.rpm", "..rpm", "x.rpm\n"]
)
def test_an_rpm_with_a_hostile_or_wrong_name_is_refused(made: Factory, name: str) -> None:
    build = made.build("python-a", "a1")
    folder = made.folder_of(build)
    (folder / "python3-a-1.0-1.noarch.rpm").rename(folder / name)
    build = replace(build, outcome=Built((Path(name),)))

    with pytest.raises(RefusedError, match="cannot publish"):
        made.tree.publish(build, folder, made.members)

    assert made.leads("current") == ""


def test_an_rpm_that_is_a_link_or_no_rpm_at_all_is_refused(made: Factory) -> None:
    build = made.build("python-a", "a1")
    folder = made.folder_of(build)
    rpm = folder / "python3-a-1.0-1.noarch.rpm"
    rpm.unlink()
    rpm.symlink_to("python-a-1.0-1.src.rpm")
    with pytest.raises(RefusedError, match="cannot publish"):
        made.tree.publish(build, folder, made.members)
    rpm.unlink()
    rpm.write_text("no RPM")

    with pytest.raises(RefusedError, match="cannot publish"):
        made.tree.publish(build, folder, made.members)


def test_only_plain_logs_are_published(made: Factory, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    build = made.build("python-a", "a1")
    folder = made.folder_of(build)
    (folder / "link.log").symlink_to(secret)
    (folder / "<script>.log").write_text("")
    (folder / "directory.log").mkdir()
    os.mkfifo(folder / "pipe.log")
    (folder / "root.log").write_text("")
    (folder / "root.log").chmod(stat.S_IRUSR)

    directory = made.tree.publish(build, folder, made.members).directory

    assert directory is not None
    assert {log.name for log in directory.glob("*.log")} == {"root.log", "rpmbuild.log"}
    assert (directory / "root.log").stat().st_mode & stat.S_IROTH


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with hardly any space, below which a target lives."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_said_and_the_build_is_published_later(
    full_disk: Path, tmp_path: Path, shelf: RpmShelf
) -> None:
    folder = full_disk / "data" / TARGET
    members = Members((package("python-a"),))
    with Store(f"sqlite:///{tmp_path}/rdo.sqlite") as store:
        tree = Tree(folder, store, Site(TARGET, "http://127.0.0.1"))
        made = Factory(tmp_path, shelf, store, tree, members, Clock())
        build = made.build("python-a", "a1")
        filler = full_disk / "filler"
        dd = ["dd", "if=/dev/zero", f"of={filler}", "bs=4k"]
        subprocess.run(dd, check=False, capture_output=True)  # fails: that is the point

        with pytest.raises(OutsideError, match="no space left for the tree of master-deb12"):
            tree.publish(build, made.folder_of(build), members)

        filler.unlink()
        assert tree.publish(build, made.folder_of(build), members).moved


def test_a_version_that_goes_backwards_is_reported_with_the_command_for_users(
    made: Factory,
) -> None:
    assert made.publish("python-a", "a1", "2.0").backwards == ()
    assert made.publish("python-a", "a2", "10.0").backwards == ()

    [older] = made.publish("python-a", "a3", "2.0~rc1").backwards

    assert str(older) == (
        "python3-a goes back from 10.0-1 to 2.0~rc1-1; "
        "hosts that have it installed must run: dnf distro-sync python3-a"
    )


def test_debug_packages_have_a_repository_of_their_own(made: Factory) -> None:
    build = made.build("python-a", "a1")
    rpms = made.shelf.put(made.folder_of(build), "python-a-debuginfo", "1.0")
    with made.store.write() as at:
        again = at.builds.plan(TARGET, build.commit, now=made.now())
        build = at.builds.settle(again.id, Built(rpms), now=made.now())
    made.folder_of(build).mkdir()
    for rpm in rpms:
        os.link(rpm, made.folder_of(build) / rpm.name)
    own = made.tree.publish(build, made.folder_of(build), made.members).directory
    assert own is not None
    assert (own / "debug/python3-a-debuginfo-1.0-1.noarch.rpm").is_file()
    published = made.publish("python-b", "b1")

    assert published.directory is not None
    main, debug = published.directory, published.directory / "debug"
    assert not any("python3-a-debuginfo" in href for href in hrefs(main))
    assert [Path(href).name for href in hrefs(debug)] == ["python3-a-debuginfo-1.0-1.noarch.rpm"]
    assert all((debug / href).is_file() for href in hrefs(debug))
    repo_file = (main / "delorean-debug.repo").read_text()
    assert "[delorean-debug]" in repo_file
    assert "enabled=0" in repo_file
    assert repo_file.count(f"{main.name}/debug\n") == 1
