"""`rdo repo contains` finds commits, fixes and bugs that rounds recorded, without git."""

import shutil

import pytest
from sqlalchemy import delete, update

from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError
from rdo.promotion.containing import find_builds
from rdo.store.schema import CommitRow, TracedSourceRow, TraceRow
from tests.conftest import GitRepository
from tests.rounds.factory import TARGET, Factory


def found(factory: Factory, what: str) -> list[tuple[str, str]]:
    """The packages and versions of upstream that have something, in their order."""
    trunk: OpenTarget = factory.trunk
    try:
        builds = find_builds(trunk, factory.trunk.remotes.mirrors, what)
    except NotFoundError:
        return []
    return [(one.package, one.commit.upstream_hash) for one in builds]


def without_mirrors(factory: Factory) -> None:
    """Let no later question be answered by git."""
    mirrors = factory.trunk.remotes.mirrors.folder
    mirrors.rename(mirrors.with_name("away"))


def merged(upstream: GitRepository, subject: str, branch: str = "topic") -> tuple[str, str]:
    """A commit on a branch of its own and the merge of it: only the merge is built."""
    upstream.git("checkout", "--quiet", "-b", branch)
    change = upstream.commit(subject)
    upstream.git("checkout", "--quiet", "master")
    upstream.git("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", branch)
    return change, upstream.git("rev-parse", "HEAD")


def test_what_a_build_has_is_known_when_it_is_planned(factory: Factory) -> None:
    factory.add("a", "b")
    upstream = factory.upstreams["a"]
    first = upstream.git("rev-parse", "HEAD")
    factory.round()
    change, second = merged(upstream, "Check it\n\nFixes cve-2026-1234.\n\nCloses-Bug: #1234567")
    factory.round()
    third = upstream.commit("three")
    factory.round()
    patch = factory.distgits["b"].commit("Backport the fix of OSSA-2026-005")
    factory.round()
    other = factory.upstreams["b"].git("rev-parse", "HEAD")
    without_mirrors(factory)

    later = [("python-a", second), ("python-a", third)]
    assert found(factory, first) == [("python-a", first), *later]
    assert found(factory, change[:9]) == found(factory, second) == later
    assert found(factory, "CVE-2026-1234") == found(factory, "lp#1234567") == later
    assert found(factory, "OSSA-2026-005") == found(factory, patch) == [("python-b", other)]
    assert found(factory, "CVE-2026-123") == found(factory, "rhbz#1234567") == []


def test_fixes_of_before_the_first_build_are_known(factory: Factory) -> None:
    factory.add("a")
    upstream = factory.upstreams["a"]
    old = upstream.commit("Fix CVE-2019-0001")
    head = upstream.commit("two")
    factory.round()

    assert found(factory, old) == [("python-a", head)]  # by git: these are not kept
    without_mirrors(factory)
    assert found(factory, "CVE-2019-0001") == [("python-a", head)]
    assert found(factory, old) == []


def test_a_branch_that_was_rewritten_has_lost_a_fix(factory: Factory) -> None:
    factory.add("a")
    upstream = factory.upstreams["a"]
    kept = upstream.commit("Fix CVE-2026-0001")
    factory.round()
    fixed = upstream.commit("Fix CVE-2026-0002, after CVE-2026-0001")
    factory.round()
    upstream.git("reset", "--quiet", "--hard", kept)
    factory.round()  # the build of before is the newest again
    without = upstream.commit("two, without it")
    factory.round()
    again = upstream.commit("Fix CVE-2026-0002 once more")
    factory.round()
    without_mirrors(factory)

    assert set(found(factory, "CVE-2026-0002")) == {("python-a", fixed), ("python-a", again)}
    assert found(factory, fixed) == [("python-a", fixed)]
    everything = {("python-a", one) for one in (kept, fixed, without, again)}
    assert set(found(factory, "CVE-2026-0001")) == everything


def test_a_folder_of_a_shared_distgit_is_read_alone(factory: Factory) -> None:
    factory.add("a", "b")
    shared = GitRepository(factory.folder / "git/specs", "rpm-master")
    shared.commit("specs", {f"{name}/python-{name}.spec": "Name: x\n" for name in "ab"})
    for name in "ab":
        factory.change(name, distgit=shared.url, distgit_path=name)
    factory.round()
    shared.commit("Patch CVE-2026-0003", {"a/fix.patch": "x"})
    shared.commit("another", {"b/python-b.spec": "Name: y\n"})
    factory.round()
    without_mirrors(factory)

    head = factory.upstreams["a"].git("rev-parse", "HEAD")
    assert found(factory, "CVE-2026-0003") == [("python-a", head)]


def test_builds_of_before_are_read_once_and_one_that_cannot_be_read_later(factory: Factory) -> None:
    factory.add("a", "b")
    for name in "ab":
        factory.upstreams[name].commit("Fix CVE-2026-0004")
    factory.round()
    expected = found(factory, "CVE-2026-0004")
    with factory.store.write() as at:  # as an older rdo has left it
        for row in (TraceRow, TracedSourceRow):
            at.traces.session.execute(delete(row))
        at.traces.session.execute(update(CommitRow).values(traced=False))
    mirrors = factory.trunk.remotes.mirrors
    shutil.move(mirrors.path(factory.distgits["b"].url), factory.folder / "lost")
    factory.change("b", fault="its metadata is wrong")

    assert found(factory, "CVE-2026-0004") == expected  # by git
    factory.round()
    with factory.store.read() as at:
        assert at.traces.untraced_packages(TARGET) == {"python-b"}
    factory.change("b", fault="")
    factory.round()

    with factory.store.read() as at:
        assert at.traces.untraced_packages(TARGET) == frozenset()
    without_mirrors(factory)
    assert len(expected) == 2
    assert found(factory, "CVE-2026-0004") == expected


@pytest.mark.parametrize("what", ["python-3", "#1", "RHSA-2026:1234", "GHSA-abcd-12ef-9xyz"])
def test_an_id_of_any_kind_may_be_asked_for(factory: Factory, what: str) -> None:
    factory.add("a")

    with pytest.raises(NotFoundError, match=r"no commit in a published build .* names"):
        find_builds(factory.trunk, factory.trunk.remotes.mirrors, what)
