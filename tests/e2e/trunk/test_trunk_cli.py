"""`rdo trunk` from the command line, with a real configuration and metadata."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rdo.app import App
from rdo.app.workplaces import Workplace
from rdo.bridge.lock_file import LockedPackage, LockFile, PackageOrigin
from rdo.cli.main import run as rdo
from rdo.lock import hold
from rdo.model.build import Waiting
from rdo.trunk.context import open_trunk
from rdo.trunk.round import RoundOptions, run_round
from tests.conftest import GitRepository
from tests.fakes.builder import BROKEN, GoodBuild, ScriptedBridge, ScriptedBuilder

CONFIG = """\
data = "data"
[metadata]
source = "info"
[targets.one-deb12]
release = "master"
platform = "deb12-x86_64"
[targets.two-deb12]
release = "master"
platform = "deb12-x86_64"
"""
METADATA = """\
releases:
- name: master
  status: development
  branch: rpm-master
  repos:
  - name: deb12
    distrepos: []
- name: oak
  status: maintained
  branch: oak-rdo
  repos:
  - name: deb12
    distrepos: []
components:
- name: common
package-default:
  component: common
  distro-branch: rpm-master
  maintainers:
  - packager@example.test
packages:
- project: foo
  name: python-foo
  upstream: UPSTREAM
  distgit: DISTGIT
  tags:
    master:
"""


class Site:
    """A folder with rdo.toml, metadata and one package; `rdo` runs there."""

    def __init__(self, folder: Path, upstream: GitRepository, distgit: GitRepository) -> None:
        self.folder = folder
        (folder / "info").mkdir(parents=True)
        (folder / "rdo.toml").write_text(CONFIG)
        text = METADATA.replace("UPSTREAM", upstream.url).replace("DISTGIT", distgit.url)
        (folder / "info/rdo.yml").write_text(text)
        self.builder = ScriptedBuilder()
        self.urls = (upstream.url, distgit.url)

    def add_package(self, project: str, tag: str = "master") -> None:
        upstream, distgit = self.urls
        with (self.folder / "info/rdo.yml").open("a") as file:
            file.write(
                f"- project: {project}\n  name: python-{project}\n  upstream: {upstream}\n"
                f"  distgit: {distgit}\n  tags:\n    {tag}:\n"
            )

    def rdo(self, *args: str) -> int:
        return rdo(["-C", str(self.folder), "trunk", *args])

    def round(self, target: str = "one-deb12") -> None:
        """A round with the scripted builder, which no command line can ask for."""
        app = App(self.folder)
        trunk = open_trunk(app, target)
        run_round(
            replace(trunk, open_workplace=lambda: Workplace(self.builder, ScriptedBridge())),
            RoundOptions(),
        )
        app.close()

    def name(self, name: str, target: str = "one-deb12") -> Path:
        """Where a name of the published tree leads."""
        return (self.folder / f"data/{target}/repos" / name).resolve()


@pytest.fixture
def site(tmp_path: Path, upstream: GitRepository, distgit: GitRepository) -> Site:
    upstream.commit("one")
    distgit.commit("spec")
    return Site(tmp_path / "site", upstream, distgit)


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_dry_run_tells_every_target(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.rdo("run", "--dry-run", "--json") == 0

    rows = answer(capsys)
    assert [row["target"] for row in rows] == ["one-deb12", "two-deb12"]
    assert [row["planned"][0]["package"] for row in rows] == ["python-foo", "python-foo"]


def test_a_round_with_nothing_new_says_so(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.round()
    capsys.readouterr()

    assert site.rdo("run", "--target", "one-deb12") == 0

    out = capsys.readouterr().out
    assert out.startswith("one-deb12: 1 package, nothing new, nothing to build")


def test_a_target_that_is_busy_does_not_block_another(
    site: Site, upstream: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    for target in ("one-deb12", "two-deb12"):
        site.round(target)
    lock = site.folder / "data/one-deb12/round.lock"

    with hold(lock, purpose="rdo trunk run"):
        assert site.rdo("run", "--json") == 5

    busy, idle = answer(capsys)
    assert busy["exit_code"] == 5
    assert "rdo trunk run" in busy["error"]
    assert idle["exit_code"] == 0


def test_an_unreachable_upstream_is_exit_code_6(
    site: Site, upstream: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    site.round()
    upstream.path.rename(upstream.path.with_name("away"))

    assert site.rdo("run", "--target", "one-deb12", "--json") == 6

    (row,) = answer(capsys)
    assert "cannot be reached" in row["stale"]["python-foo"][0]


def test_a_fault_in_a_packages_metadata_fails_that_package_alone(
    site: Site, upstream: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    site.add_package("bar")
    site.round()
    names = {name: site.name(name) for name in ("current", "consistent")}
    file = site.folder / "info/rdo.yml"
    good = file.read_text()
    one = ("--target", "one-deb12")
    file.write_text(good + "- project: new\n  name: python-new\n  tags: {master: }\n")
    fault = f"{file}:{len(good.splitlines()) + 1}: package new lacks"

    assert site.rdo("run", *one, "--dry-run") == 1
    assert site.rdo("run", *one) == 1

    said = capsys.readouterr()
    assert said.out.count(f"FAILED   python-new  metadata: {fault}") == 2
    assert "one-deb12: 3 packages: 0 built, 1 failed (" in said.out
    assert fault in said.err
    file.write_text(good.replace(f"python-bar\n  upstream: {upstream.url}", "python-bar"))
    new = upstream.commit("two")
    site.round()
    capsys.readouterr()
    assert site.rdo("run", *one, "--json") == 1
    (row,) = answer(capsys)
    assert list(row["faulty"]) == ["python-bar"]
    assert 'package bar lacks "upstream"' in row["faulty"]["python-bar"]
    assert row["stale"] == {}
    assert site.rdo("status", *one, "--json") == 0
    (target,) = answer(capsys)
    foo, bar = target["packages"]
    assert foo["condition"] == "built"
    assert new.startswith(foo["commit"])
    assert bar["condition"] == "faulty metadata"
    assert {name: site.name(name) for name in names} != names
    assert "python-bar," in (site.name("current") / "versions.csv").read_text()
    file.write_text(good)
    site.round()
    assert site.rdo("run", *one) == 0


def test_metadata_of_which_every_package_is_wrong_stop_the_target(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    file = site.folder / "info/rdo.yml"
    file.write_text(file.read_text().replace("  upstream: ", "  upstraem: "))

    assert site.rdo("run", "--target", "one-deb12") == 2

    assert 'unknown key "upstraem"; did you mean "upstream"?' in capsys.readouterr().err


def test_a_release_without_a_status_stops_its_targets(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    file = site.folder / "info/rdo.yml"
    file.write_text(file.read_text().replace("  status: development\n", "", 1))

    assert site.rdo("run", "--target", "one-deb12") == 2

    assert "rdo.yml:2: release master has no status; it is one of dev" in capsys.readouterr().err
    assert not (site.folder / "data/one-deb12/repos/current").exists()


def test_status_shows_where_a_package_stands(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.rdo("status", "--target", "one-deb12", "--json") == 0
    (before,) = answer(capsys)
    assert before["packages"][0]["condition"] == "never built"
    assert before["blocked"][0]["reason"] == "was never built"

    site.round()
    capsys.readouterr()
    assert site.rdo("status", "--target", "one-deb12", "--json") == 0
    (after,) = answer(capsys)
    assert after["packages"][0]["condition"] == "built"
    assert after["names"]["current"] == after["names"]["consistent"]
    assert after["blocked"] == []


def test_status_says_since_when_and_why_a_package_does_not_build(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.builder.will("python-foo", BROKEN)
    site.round()
    capsys.readouterr()

    assert site.rdo("status", "--target", "one-deb12") == 0

    out = capsys.readouterr().out
    assert "FTBFS" in out
    assert "%build fails: gcc: error" in out
    assert "consistent is blocked by python-foo: fails to build: compile, since 20" in out


@pytest.mark.parametrize("by", ["1", "python-foo", "HASH"])
def test_log_finds_a_build_by_number_package_or_hash(
    site: Site, upstream: GitRepository, capsys: pytest.CaptureFixture[str], by: str
) -> None:
    site.round()
    capsys.readouterr()
    head = upstream.git("rev-parse", "HEAD")

    assert site.rdo("log", head[:7] if by == "HASH" else by) == 0

    assert capsys.readouterr().out == f"building python-foo@{head[:7]}\n"


def test_a_build_or_package_that_is_not_there_is_exit_code_4(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.rdo("log", "python-nothing") == 4
    assert 'no package python-nothing; did you mean "python-foo"?' in capsys.readouterr().err
    assert site.rdo("run", "--dry-run", "--target", "one-deb12", "--package", "python-fo") == 4
    assert 'did you mean "python-foo"?' in capsys.readouterr().err
    assert site.rdo("status", "--target", "three") == 4


def test_control_characters_of_a_log_do_not_reach_the_terminal(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.round()
    (site.folder / "data/one-deb12/builds/1/rpmbuild.log").write_text("a\tb\x1b[31mred\n")
    capsys.readouterr()

    assert site.rdo("log", "1") == 0

    assert capsys.readouterr().out == "a       b\N{REPLACEMENT CHARACTER}[31mred\n"


def test_why_answers_for_every_target(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.builder.will("python-foo", BROKEN)
    site.round()
    capsys.readouterr()

    assert rdo(["-C", str(site.folder), "why", "foo"]) == 0

    out = capsys.readouterr().out
    assert "one-deb12: python-foo@" in out
    assert ": FTBFS since 20" in out
    assert "  %build fails: gcc: error\n" in out
    assert "two-deb12: python-foo: new\n" in out


def test_why_shows_the_chain_and_answers_programs(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.add_package("bar")
    site.builder.will("python-foo", Waiting(("python3-bar",)))
    site.builder.will("python-bar", BROKEN)
    site.round()
    capsys.readouterr()
    options = ["-C", str(site.folder), "why", "python-foo", "--target", "one-deb12"]

    assert rdo(options) == 0
    people = capsys.readouterr().out
    assert rdo([*options, "--json"]) == 0

    assert "  waits for python3-bar from python-bar\n" in people
    assert people.splitlines()[-1].startswith("python-bar  FTBFS  20")
    (found,) = answer(capsys)
    assert found["step"]["state"] == "waiting"
    assert [one["package"] for one in found["chain"]] == ["python-bar"]


def test_why_of_what_is_elsewhere_or_nowhere(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.add_package("bar", tag="oak")
    options = ["-C", str(site.folder), "why", "--target", "one-deb12"]

    assert rdo([*options, "python-bar"]) == 0
    assert "not in this release\n  the metadata has it in oak" in capsys.readouterr().out
    assert rdo([*options, "python-fo"]) == 4
    assert 'did you mean "python-foo"?' in capsys.readouterr().err


def test_why_of_what_came_from_pypi(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    entry = LockedPackage(
        PackageOrigin.PYPI, "idna", "3.4", "0" * 64, asked_by=("python3dist(idna)",)
    )
    site.builder.will("python-foo", GoodBuild(needed=("python3dist(idna)",)))
    site.round()
    LockFile((entry,), "0" * 16).write(site.folder / "data/one-deb12/bridge.json")
    capsys.readouterr()

    assert rdo(["-C", str(site.folder), "why", "idna", "--target", "one-deb12"]) == 0

    assert capsys.readouterr().out == (
        "one-deb12: idna: bridged\n"
        "  3.4 came from PyPI: a build requires python3dist(idna)\n"
        "  required by python-foo\n"
    )


def test_the_queue_is_steered_from_the_command_line(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.builder.will("python-foo", BROKEN, GoodBuild())
    site.round()
    one = ("--target", "one-deb12")

    assert site.rdo("recheck", "python-foo", *one) == 0
    assert "queued, build 2" in capsys.readouterr().out
    assert site.rdo("queue", "--json", *one) == 0
    [row] = answer(capsys)
    assert (row["build"], row["package"], row["state"]) == (2, "python-foo", "queued")
    assert site.rdo("cancel", "2", "--because", "too slow", *one) == 0
    assert site.rdo("queue", *one) == 0
    assert "the queue is empty" in capsys.readouterr().out
    assert site.rdo("recheck", "--all-failed", "--since", "1d") == 0
    assert site.rdo("pause", "--because", "a new disk") == 0
    assert site.rdo("run", *one) == 5
    assert "paused by" in capsys.readouterr().err
    assert site.rdo("status", *one) == 0
    assert "a new disk" in capsys.readouterr().out
    assert site.rdo("resume") == 0
    site.round()
    assert site.rdo("rebuild", "--dependents-of", "python-foo", *one) == 0
    assert "no build requires python-foo" in capsys.readouterr().out
    assert site.rdo("hold", "python-foo", "--because", "it hangs", *one) == 0
    assert site.rdo("status", *one) == 0
    assert "it hangs" in capsys.readouterr().out
    assert site.rdo("release", "python-foo", *one) == 0


def test_a_hold_at_an_older_build_says_which_names_lead_where(
    site: Site, upstream: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    one = ("--target", "one-deb12")
    site.round()
    site.add_package("bar")
    site.round()
    newest = upstream.commit("two")
    site.round()
    capsys.readouterr()

    assert site.rdo("hold", "python-foo", "--build", "1", "--because", "it hangs", *one) == 0

    place = site.name("current")
    assert capsys.readouterr().out == (
        "python-foo is held at build 1; rdo trunk release python-foo ends the hold\n"
        f"current and consistent now lead to composed/{place.name[:8]}\n"
        "hosts that have a newer build must run: dnf distro-sync\n"
    )
    rows = (place / "versions.csv").read_text().splitlines()
    assert [newest in row for row in rows if row.startswith("python-foo,")] == [False]
    assert site.rdo("release", "python-foo", *one) == 0
    assert "current and consistent now lead to " in capsys.readouterr().out


def test_a_cancelled_change_has_a_reason(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    one = ("--target", "one-deb12")
    site.builder.will("python-foo", BROKEN)
    site.round()
    assert site.rdo("recheck", "python-foo", *one) == 0
    capsys.readouterr()

    assert site.rdo("cancel", "2", *one) == 2

    said = capsys.readouterr().err
    assert said.startswith("rdo: error: Missing option '--because'")
    assert site.rdo("queue", "--json", *one) == 0
    assert [row["build"] for row in answer(capsys)] == [2]  # nothing was cancelled
    assert site.rdo("cancel", "2", "--because", "too slow", *one) == 0
    capsys.readouterr()
    assert site.rdo("queue", *one) == 0
    assert "the queue is empty" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("recheck",), 2),
        (("recheck", "python-foo", "--all-failed"), 2),
        (("recheck", "--all-failed", "--since", "soon"), 2),
        (("recheck", "python-foo"), 2),
        (("recheck", "../x", "--target", "one-deb12"), 4),
        (("cancel", "../x", "--because", "x", "--target", "one-deb12"), 4),
        (("cancel", "python-foo", "--target", "one-deb12"), 2),
        (("hold", "python-bar", "--because", "x", "--target", "one-deb12"), 4),
        (("hold", "python-foo", "--target", "one-deb12"), 2),
        (("pause", "--because", "x", "--target", "three"), 4),
        (("rebuild", "--dependents-of", "python-bar", "--target", "one-deb12"), 4),
    ],
)
def test_what_cannot_be_done_is_one_clear_error(
    site: Site, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], code: int
) -> None:
    assert site.rdo(*args) == code
    assert capsys.readouterr().err.count("rror:") == 1


def test_a_purge_is_rehearsed_asked_for_and_done(
    site: Site, capsys: pytest.CaptureFixture[str], upstream: GitRepository
) -> None:
    site.round()
    unused = site.folder / "data/mirrors/gone-123456789abc.git"
    unused.mkdir()
    days = ("--older-than", "0")
    capsys.readouterr()

    assert site.rdo("purge", "--dry-run", *days) == 0
    assert "gone-123456789abc.git" in capsys.readouterr().out
    assert site.rdo("purge", *days) == 5  # there is no terminal to ask on
    assert unused.is_dir()
    assert site.rdo("purge", "--yes", *days) == 0

    assert capsys.readouterr().out.splitlines()[-1].startswith("removed ")
    assert not unused.exists()
    assert site.rdo("verify", "--target", "one-deb12") == 0
    capsys.readouterr()
    assert site.rdo("purge", "--dry-run", "--json", *days) == 0
    assert {row["target"]: row["repositories"] for row in answer(capsys)["targets"]} == {
        "one-deb12": [],
        "two-deb12": [],
    }


def test_deleting_a_build_is_rehearsed_asked_for_and_done(
    site: Site, capsys: pytest.CaptureFixture[str], upstream: GitRepository
) -> None:
    one = ("--target", "one-deb12")
    site.round()
    upstream.commit("two")
    site.round()
    capsys.readouterr()

    assert site.rdo("delete-build", "python-foo", *one) == 2
    assert site.rdo("delete-build", "99", *one) == 4
    assert site.rdo("delete-build", "2", *one) == 5
    assert "build 2 is the published build of python-foo" in capsys.readouterr().err
    assert site.rdo("delete-build", "1", *one) == 5  # there is no terminal to ask on
    assert site.rdo("delete-build", "1", "--dry-run", "--json", *one) == 0
    capsys.readouterr()
    assert site.rdo("delete-build", "1", "--yes", *one) == 0

    assert capsys.readouterr().out.splitlines()[-1] == "removed build 1"
    assert not (site.folder / "data/one-deb12/builds/1").exists()
    assert site.rdo("verify", *one) == 0
