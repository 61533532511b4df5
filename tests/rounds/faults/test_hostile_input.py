"""Hostile sources, history, RPMs or logs fail their own package, and not the round."""

import gzip
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rdo.model.build import BUILD_LOG, BuildJob, Built, Failed, FailureReason, Outcome
from rdo.trunk.settling import settle_success
from rdo.trunk.views.state import read_target
from rdo.trunk.views.status import status
from tests.conftest import GitRepository
from tests.fakes.builder import ScriptedBuilder
from tests.fakes.index import sdist, serve_index
from tests.rounds.factory import TARGET, Factory

DEEP = 200_000


def spec_bytes(factory: Factory, content: bytes) -> None:
    """Commit other bytes as the spec of python-a."""
    distgit = factory.distgits["a"]
    (distgit.path / "python-a.spec").write_bytes(content)
    distgit.commit("odd")


def spec_of_odd_bytes(factory: Factory) -> None:
    spec_bytes(factory, bytes(range(256)) * 20 + b"\nBuildRequires: \xff\xfe\x00(((\n")


def spec_without_end(factory: Factory) -> None:
    spec_bytes(factory, b"BuildRequires: " + b"(" * 5_000_000)


def spec_as_link(factory: Factory) -> None:
    spec = factory.distgits["a"].path / "python-a.spec"
    spec.unlink()
    spec.symlink_to("/dev/zero")
    factory.distgits["a"].commit("a link")


def spec_as_folder(factory: Factory) -> None:
    spec = factory.distgits["a"].path / "python-a.spec"
    spec.unlink()
    spec.mkdir()
    (spec / "python-a.spec").write_text("Name: x")
    factory.distgits["a"].commit("a folder")


def source_file(name: str, content: bytes) -> Callable[[Factory], None]:
    def act(factory: Factory) -> None:
        (factory.upstreams["a"].path / name).write_bytes(content)
        factory.upstreams["a"].commit("odd")

    return act


def tree_of_long_names(factory: Factory) -> None:
    """git's trees hold names that no file system does."""
    names = ["n" * 4096, "b\udcff\udcfe", "-rf", "\x1b[31m", "a\nb"]
    for repository in (factory.upstreams["a"], factory.distgits["a"]):
        blob = repository.git("hash-object", "-w", "--stdin")
        head = repository.git("ls-tree", "-z", "HEAD").encode()
        rows = head + b"".join(
            f"100644 blob {blob}\t".encode() + os.fsencode(name) + b"\0" for name in names
        )
        tree = piped(repository, rows, "mktree", "-z")
        commit_tree(repository, tree)


def piped(repository: GitRepository, stdin: bytes, *args: str) -> str:
    command = ["git", "-C", str(repository.path), *args]
    return (
        subprocess.run(command, input=stdin, capture_output=True, check=True)
        .stdout.decode()
        .strip()
    )


def commit_tree(repository: GitRepository, tree: str) -> None:
    parent = repository.git("rev-parse", "HEAD")
    commit = repository.git("commit-tree", "-p", parent, "-m", "odd", tree)
    repository.git("update-ref", "HEAD", commit)


def commit_of_another_age(stamp: str) -> Callable[[Factory], None]:
    """A commit object as git itself would not write it, but takes from others."""

    def act(factory: Factory) -> None:
        repository = factory.upstreams["a"]
        tree, parent = (repository.git("rev-parse", f"HEAD{end}") for end in ("^{tree}", ""))
        who = b"\xff\xfe <>\x01"
        text = f"tree {tree}\nparent {parent}\n".encode()
        text += b"author " + who + f" {stamp}\ncommitter ".encode() + who + f" {stamp}\n\n".encode()
        text += b"\xff\x1b]0;x\x07 subject\n"
        hash_ = piped(
            repository, text, "hash-object", "-t", "commit", "-w", "--literally", "--stdin"
        )
        repository.git("update-ref", "HEAD", hash_)

    return act


def hostile_refs(factory: Factory) -> None:
    """Names that a server may send: long, odd, and equal to others but for capitals."""
    for repository in (factory.upstreams["a"], factory.distgits["a"]):
        head = repository.git("rev-parse", "HEAD")
        odd = ["-x", "--upload-pack=x", "Master", "mäster", "x" * 200, "@{x", "%(refname)"]
        rows = [f"{head} refs/heads/{name}" for name in odd]
        packed = repository.path / ".git/packed-refs"
        packed.write_text(
            "# pack-refs with: peeled fully-peeled sorted \n" + "\n".join(sorted(rows))
        )


def tag_of_a_tree(factory: Factory) -> None:
    repository = factory.upstreams["a"]
    repository.git("tag", "1.0", "HEAD^{tree}")
    repository.git("tag", "-a", "-m", "of a tag", "2.0", "1.0")
    factory.change("a", tags=frozenset({"build-tags-only"}))


def head_without_objects(factory: Factory) -> None:
    """The remote has the ref and has lost the commit."""
    (factory.upstreams["a"].path / ".git/refs/heads/master").write_text("1" * 40 + "\n")


HOSTILE = {
    "spec of odd bytes": spec_of_odd_bytes,
    "spec of 5 MB without an end": spec_without_end,
    "spec is a link": spec_as_link,
    "spec is a folder": spec_as_folder,
    "deep pyproject": source_file("pyproject.toml", b"a = " + b"[" * DEEP),
    "deep table": source_file("pyproject.toml", b"a" + b".a" * DEEP + b" = 1"),
    "odd pyproject": source_file("pyproject.toml", b"project = 1\nbuild-system = [1]\n"),
    "odd dependencies": source_file("pyproject.toml", b"[project]\ndependencies = {a = 1}\n"),
    "deep marker": source_file("requirements.txt", b"a; " + b"(" * DEEP + b"\n"),
    "odd requirements": source_file("requirements.txt", b"\xff\xfe\x00a\n-r /dev/zero\n" * 1000),
    "odd PKG-INFO": source_file("PKG-INFO", b"Requires-Dist: " + b"[" * DEEP + b"\xff\n\n"),
    "names of 4 kB": tree_of_long_names,
    "a commit of the year 292 billion": commit_of_another_age("9223372036854775807 +0000"),
    "a commit without a time": commit_of_another_age("x"),
    "hostile refs": hostile_refs,
    "a tag of a tree": tag_of_a_tree,
    "a head that is not there": head_without_objects,
}


@pytest.mark.slow
@pytest.mark.parametrize("harm", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("when", ["new", "known"])
def test_sources_of_one_package_stop_no_other(
    factory: Factory, harm: Callable[[Factory], None], when: str
) -> None:
    factory.add("a", "b")
    if when == "known":
        factory.round()
        factory.upstreams["b"].commit("two")
    harm(factory)

    report = factory.round()

    assert "python-b" in {one.build.package for one in report.built}
    told = {*(one.build.package for one in report.ended), *report.plan.problems}
    assert (
        "python-a" in told
        or any("python-a" in note for note in report.plan.notes)
        or (
            when == "known"  # a ref of no use is nothing new
        )
    )
    assert factory.round().exit_code == report.exit_code
    assert set(read_target(factory.trunk).packages) == {"python-a", "python-b"}
    assert status(factory.trunk).view.packages["python-b"].sentence
    assert (factory.trunk.tree.repos / "packages/python-a.html").is_file()


def endless_header() -> bytes:
    """An archive that says that three gigabytes describe its first file."""
    info = tarfile.TarInfo("evil-2.0/x")
    info.type, info.size = tarfile.XHDTYPE, 3_000_000_000
    return gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + bytes(2048))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(sdist("evil-2.0", {"d/" * 3000 + "x": ""}), id="deep"),
        pytest.param(endless_header(), id="an endless header"),
        pytest.param(b"\x1f\x8b" + b"x" * 100, id="noise"),
    ],
)
def test_an_sdist_of_one_package_stops_no_other(factory: Factory, content: bytes) -> None:
    with serve_index() as index:
        factory.index = lambda: index.index
        index.add_file("evil", "evil-2.0.tar.gz", content, uploaded="2026-01-03T03:04:05Z")
        factory.add("a", "b")
        factory.change("a", upstreams=("pypi:evil",), upstream_branch=">=1")

        report = factory.round()

    assert report.plan.problems.keys() == {"python-a"}
    assert [one.build.package for one in report.built] == ["python-b"]
    assert report.exit_code == 6


def log_of(factory: Factory, package: str) -> str:
    with factory.store.read() as at:
        build = at.builds.newest(TARGET, package)
    assert build is not None
    return (factory.trunk.build_folder(build) / BUILD_LOG).read_text()


def test_a_traceback_is_in_the_log_of_its_package(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", RecursionError("maximum recursion depth exceeded"))

    report = factory.round()

    [failed] = report.failed
    assert failed.build.package == "python-a"
    assert "Traceback (most recent call last)" in log_of(factory, "python-a")
    assert "RecursionError: maximum" in log_of(factory, "python-a")


def test_rpms_that_have_vanished_fail_their_build(factory: Factory) -> None:
    factory.add("a", "b")
    factory.builder.will("python-a", Built((factory.folder / "nothing.rpm",)))

    report = factory.round()

    assert [one.build.package for one in report.built] == ["python-b"]
    assert [one.build.package for one in (*report.failed, *report.to_retry)] == ["python-a"]


class SameAgain(ScriptedBuilder):
    """Gives the RPMs of an earlier build once more, so that their place in the pool is known."""

    def _act(self, job: BuildJob) -> Outcome:
        if job.commit.package != "python-a" or len(self.jobs) < 3:
            return ScriptedBuilder._act(self, job)
        job.folder.mkdir(parents=True)
        return Built(give_again(job.folder.parent / "1", job.folder))


def give_again(old: Path, new: Path) -> tuple[Path, ...]:
    for rpm in old.glob("*.rpm"):
        shutil.copy(rpm, new)
    return tuple(new.glob("*.rpm"))


def block_the_pool(factory: Factory) -> None:
    """Put files where the RPMs of python-a belong, so that its publication fails, and no other."""
    with factory.store.read() as at:
        stored = [one.artifact for one in at.artifacts.good(TARGET) if one.package == "python-a"]
    for one in stored:
        place = factory.trunk.tree.repos / "pool" / one.sha256
        shutil.rmtree(place)
        place.write_text("no folder")


def test_a_publication_that_fails_is_the_failure_of_its_package(factory: Factory) -> None:
    factory.builder = SameAgain()
    factory.add("a", "b")
    factory.round(["python-a"])
    factory.round(["python-b"])
    block_the_pool(factory)
    for name in ("a", "b"):
        factory.upstreams[name].commit("two")

    report = factory.round()

    assert [one.build.package for one in report.built] == ["python-b"]
    [failed] = report.failed
    assert isinstance(failed.outcome, Failed)
    assert failed.outcome.reason is FailureReason.UNKNOWN
    assert "cannot be published" in failed.outcome.detail
    assert report.ftbfs == ("python-a",)
    with factory.store.read() as at:
        assert at.builds.unpublished(TARGET) == ()
        event = at.events.newest_of(TARGET, "python-a")
    assert event is not None
    assert event.kind == "broken"
    assert "FileExistsError" in log_of(factory, "python-a")
    assert factory.round().is_idle


def test_what_a_killed_round_left_unpublishable_stops_no_round(factory: Factory) -> None:
    factory.add("a", "b")
    factory.round(["python-a"])
    factory.round(["python-b"])
    trunk = factory.trunk
    factory.upstreams["a"].commit("two")
    factory.builder.will("python-a", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        factory.round()
    [queued] = factory.queue()
    folder = trunk.build_folder(queued)
    folder.mkdir(exist_ok=True)
    rpms = give_again(folder.parent / "1", folder)
    with factory.store.write() as at:
        at.builds.start(queued.id, now=trunk.now())
    settle_success(trunk, queued, Built(rpms), "")
    block_the_pool(factory)
    factory.upstreams["b"].commit("two")

    report = factory.round()

    assert [one.build.package for one in report.built] == ["python-b"]
    assert report.ftbfs == ("python-a",)
    with factory.store.read() as at:
        assert at.builds.unpublished(TARGET) == ()


def test_a_page_that_cannot_be_written_stops_no_other(factory: Factory) -> None:
    """A package's name may be too long for a file, as pages, logs and RPMs need it."""
    factory.add("a")
    long = replace(factory.packages[0], name="python-" + "a" * 4000)
    factory.packages = [long]
    factory.add("b")

    report = factory.round()

    assert "python-b" in {one.build.package for one in report.built}
    assert (factory.trunk.tree.repos / "packages/python-b.html").is_file()
    assert (factory.trunk.tree.repos / "status_report.html").is_file()
