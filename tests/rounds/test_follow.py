"""A target follows another instance: it builds the same commits, with its own specs."""

from dataclasses import replace
from pathlib import Path

import pytest

from rdo.app import App
from rdo.app.workplaces import Workplace
from rdo.errors import ConfigError, OutsideError
from rdo.model.build import BuildJob
from rdo.tools.git.mirror import Mirror
from rdo.trunk.context import open_trunk
from rdo.trunk.round import RoundOptions, run_round
from tests.conftest import GitRepository
from tests.fakes.builder import BROKEN, ScriptedBridge, ScriptedBuilder
from tests.rounds.factory import Factory

CONFIG = """\
[metadata]
source = "info"
[targets.ours]
release = "master"
platform = "deb12-x86_64"
distgit-branch = "ours-1"
[targets.ours.follow]
versions = ["VERSIONS"]
distgit-key = "own-distgit"
"""
METADATA = """\
releases:
- {name: master, status: development, branch: rpm-master, repos: [{name: deb12}]}
package-default:
  name: python-%(project)s
  upstream: GIT/%(project)s
  distgit: GIT/%(project)s-distgit
  own-distgit: GIT/own-%(project)s
  maintainers: [packager@example.test]
  tags: {master: }
packages:
- project: a
- project: b
- project: never-built-there
"""


class Follower:
    """A project that follows `leader`."""

    def __init__(self, folder: Path, leader: Factory) -> None:
        self.folder, self.leader = folder, leader
        self.builder = ScriptedBuilder()
        self.versions = leader.folder / "data/master-deb12/repos/current/versions.csv"
        (folder / "info").mkdir(parents=True)
        (folder / "rdo.toml").write_text(CONFIG.replace("VERSIONS", self.versions.as_uri()))
        git = (leader.folder / "git").as_uri()
        (folder / "info/rdo.yml").write_text(METADATA.replace("GIT", git))
        self.distgits = {}
        for name in ("a", "b", "never-built-there"):
            distgit = GitRepository(leader.folder / f"git/own-{name}", "ours-1")
            distgit.commit("our spec", {f"python-{name}.spec": "Name: ours\n"})
            self.distgits[name] = distgit

    def configure(self, lines: str) -> None:
        """Add lines to the section of the followed instance."""
        with (self.folder / "rdo.toml").open("a") as file:
            file.write(lines)

    def round(self) -> list[BuildJob]:
        """One round; the jobs that it gave to the builder."""
        before = len(self.builder.jobs)
        app = App(self.folder)
        trunk = open_trunk(app, "ours")
        run_round(
            replace(trunk, open_workplace=lambda: Workplace(self.builder, ScriptedBridge())),
            RoundOptions(),
        )
        app.close()
        return self.builder.jobs[before:]


@pytest.fixture
def follower(tmp_path: Path, factory: Factory) -> Follower:
    factory.add("a", "b")
    factory.round()
    return Follower(tmp_path / "follower", factory)


def test_what_the_other_has_built_is_built_with_our_spec(follower: Follower) -> None:
    jobs = {job.commit.package: job for job in follower.round()}

    assert sorted(jobs) == ["python-a", "python-b"]
    job, there = jobs["python-a"], follower.leader.builder.jobs[0].commit
    assert job.commit.upstream_hash == there.upstream_hash
    assert job.commit.distgit_hash == there.distgit_hash
    ours = follower.distgits["a"].git("rev-parse", "HEAD")
    assert (job.commit.extended_hash, job.spec_hash) == (ours, ours)
    assert job.distgit.name.startswith("own-a-")
    current = (follower.folder / "data/ours/repos/current").resolve()
    # Both are built at once: either may be published last.
    assert current.name.rpartition("_")[2] in {job.spec_hash[:8] for job in jobs.values()}


def test_a_commit_is_built_when_the_other_has_built_it(follower: Follower) -> None:
    follower.round()
    new = follower.leader.upstreams["a"].commit("two")
    assert follower.round() == []

    follower.leader.round()

    assert [job.commit.upstream_hash for job in follower.round()] == [new]


def test_what_fails_there_is_not_tried_here(follower: Follower) -> None:
    follower.round()
    follower.leader.upstreams["a"].commit("two")
    follower.leader.builder.will("python-a", BROKEN)
    follower.leader.round()

    assert follower.round() == []


def test_a_change_of_our_own_spec_is_built(follower: Follower) -> None:
    first = next(job for job in follower.round() if job.commit.package == "python-b")
    follower.distgits["b"].commit("better")

    (again,) = follower.round()

    assert again.commit.key[:3] == first.commit.key[:3]
    assert again.commit.extended_hash == follower.distgits["b"].git("rev-parse", "HEAD")
    assert follower.round() == []


def test_only_packages_with_our_tag_are_built(follower: Follower) -> None:
    metadata = follower.folder / "info/rdo.yml"
    tagged = "- project: b\n  tags: {master: , build-tags-only: }"
    metadata.write_text(metadata.read_text().replace("- project: b", tagged))
    follower.configure('tag = "^build-tags"\n')

    packages = App(follower.folder).packages("ours").packages

    assert [package.name for package in packages] == ["python-b"]


def test_releases_are_numbered_as_the_target_says(follower: Follower) -> None:
    rules = 'numbering = "minor.date.hash"\nrelease-minor = 3\nkeep-changelog = true\n'
    file = follower.folder / "rdo.toml"
    file.write_text(file.read_text().replace('platform = "deb12', f'{rules}platform = "deb12'))

    job = follower.round()[0]

    assert str(job.release) == f"3.{job.release.date:%Y%m%d%H%M%S}.{job.commit.short_hash}"
    assert job.keep_changelog


def test_a_change_of_our_own_sources_is_built(follower: Follower) -> None:
    git = follower.leader.folder / "git"
    sources = {name: GitRepository(git / f"patches-{name}", "ours-1-patches") for name in "ab"}
    heads = {name: repository.commit("patched") for name, repository in sources.items()}
    follower.configure('source-git-key = "own-patches"\nsource-git-branch = "ours-1-patches"\n')
    metadata = follower.folder / "info/rdo.yml"
    patches = f"  own-patches: {git.as_uri()}/patches-%(project)s\n  maintainers:"
    metadata.write_text(metadata.read_text().replace("  maintainers:", patches))

    jobs = {job.commit.package: job for job in follower.round()}
    changed = sources["b"].commit("patched again")
    (again,) = follower.round()

    distgit = follower.distgits["a"].git("rev-parse", "HEAD")
    assert jobs["python-a"].commit.extended_hash == f"{distgit}_{heads['a']}"
    assert jobs["python-a"].spec_hash == distgit
    assert str(again.commit.extended_hash).endswith(f"_{changed}")
    current = (follower.folder / "data/ours/repos/current").resolve()
    assert current.name.endswith(f"_{again.spec_hash[:8]}_{changed[:8]}")


def test_the_spec_from_there_may_be_laid_over_ours(follower: Follower) -> None:
    follower.configure('use-upstream-spec = true\nspec-replace = ["^Name: +/Name: our-"]\n')

    job = {job.commit.package: job for job in follower.round()}["python-a"]

    assert job.overlay is not None
    there = follower.leader.distgits["a"].git("rev-parse", "HEAD")
    assert (job.overlay.commit, job.commit.distgit_hash) == (there, there)
    assert [str(rule) for rule in job.overlay.rules] == ["^Name: +/Name: our-"]
    assert Mirror(job.overlay.mirror).has_commit(there)


def test_an_instance_that_is_away_is_followed_as_it_was(
    follower: Follower, caplog: pytest.LogCaptureFixture
) -> None:
    link = follower.leader.folder / "data/master-deb12/repos/current"
    away = link.with_name("away")
    link.rename(away)
    with pytest.raises(OutsideError, match="cannot read"):
        follower.round()
    away.rename(link)
    follower.round()
    link.rename(away)

    assert follower.round() == []
    assert "using its last state" in caplog.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html>", "is not a versions.csv: it has no column Project"),
        (
            "Project,Source Sha,Dist Sha,Last Success Timestamp\na,--upload-pack=x,b,1\n",
            "a has no commit hashes",
        ),
        (f"Project,Source Sha,Dist Sha,Last Success Timestamp\na,{'a' * 40},{'b' * 40},x\n", "'x'"),
    ],
)
def test_what_is_no_versions_csv_is_one_error(follower: Follower, text: str, said: str) -> None:
    follower.versions.unlink()
    follower.versions.write_text(text)

    with pytest.raises(ConfigError, match=said):
        follower.round()
