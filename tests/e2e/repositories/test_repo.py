"""`rdo repo` lists, compares, composes and exports repositories on the command line."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from rdo.cli.main import run
from tests.conftest import GitRepository
from tests.e2e.command import needs_roots
from tests.e2e.trunk.test_trunk_loop import site
from tests.rpms import make_rpms

__all__ = ["site"]  # the fixture


@pytest.fixture
def rdo(site: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `rdo ARGS --json` in the site; return its exit code and its answer."""

    def call(*args: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = run(["-C", str(site), "-q", *args, "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else said.err

    return call


def test_a_release_engineer_looks_compares_composes_and_exports(
    site: Path, rdo: Any, upstream: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rdo("trunk", "run")[0] == 0
    upstream.commit("Mend the second\n\nCloses-Bug: #77")
    for old in (site / "shelf").glob("*.rpm"):
        old.unlink()
    make_rpms(site / "shelf", "python-foo", version="2.0")
    assert rdo("trunk", "run")[0] == 0

    _, [newest, oldest] = rdo("repo", "list")
    _, shown = rdo("repo", "show", "current")
    code, difference = rdo("repo", "diff", oldest["path"], "current")
    _, files = rdo("repo", "files", "current", "python3-foo")
    _, provided = rdo("repo", "whatprovides", "current", "python3-foo")
    nothing, _ = rdo("repo", "whatprovides", "current", "libnothing.so")
    _, composed = rdo("repo", "compose", "current", "--but", "python-foo=1")
    _, exported = rdo("repo", "export", "current", str(site / "frozen"))

    assert newest["names"] == ["consistent", "current"]
    assert shown["builds"][0]["nvr"] == "python-foo-2.0-1"
    [row] = difference["packages"]
    assert (code, row["kind"], row["upstream"]["count"]) == (0, "up", 1)
    assert row["upstream"]["newest"][0]["bugs"] == ["#77"]
    assert "/usr/share/python-foo/file" in files
    assert provided[0]["provides"] == "python3-foo = 2.0-1"
    assert nothing == 4
    assert [one["path"] for one in composed["repositories"]] == [oldest["path"]]
    assert exported["rpms"] == 2
    assert rdo("trunk", "verify")[0] == 0

    assert run(["-C", str(site), "repo", "diff", oldest["path"], "current"]) == 0
    said = capsys.readouterr().out
    assert "python-foo up: python-foo-1.0-1 -> python-foo-2.0-1" in said
    assert "Mend the second" in said
    assert "[#77]" in said


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        ("show nowhere", 4, "one-deb12 has no repository nowhere"),
        ("show ../../../etc/passwd", 4, "has no repository ../../../etc/passwd"),
        ("show current@noon", 2, "'noon' is not a time"),
        ("files current nothing", 4, "has no RPM nothing"),
        ("compose current --but python-foo", 2, "does not name a build"),
        ("compose current --scratch .", 2, "--scratch needs --output DIR"),
        ("export current /proc", 5, "/proc exists"),
    ],
)
def test_bad_input_is_one_clear_error(
    rdo: Any, site: Path, command: str, code: int, told: str
) -> None:
    assert rdo("trunk", "run")[0] == 0

    got, error = rdo("repo", *command.split())

    assert (got, told in error) == (code, True), error
    assert "Traceback" not in error


@needs_roots
def test_a_check_names_who_needs_what_for_people_programs_and_ci(
    site: Path, rdo: Any, upstream: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rdo("trunk", "run")[0] == 0
    passed, good = rdo("promotion", "check", "current")
    upstream.commit("needs more")
    for old in (site / "shelf").glob("*.rpm"):
        old.unlink()
    make_rpms(site / "shelf", "python-foo", version="2.0", requires=("libnothing.so",))
    assert rdo("trunk", "run")[0] == 0
    report = site / "check.xml"

    failed, bad = rdo("promotion", "check", "current", "--junit", str(report))

    assert passed == 0, good
    assert good["passed"]
    assert (failed, bad["passed"]) == (1, False)
    [finding] = [found for one in bad["checks"] for found in one["findings"]]
    assert (finding["check"], finding["package"]) == ("installable", "python-foo")
    assert finding["chain"] == [
        "nothing provides libnothing.so, which python3-foo-2.0-1.noarch requires"
    ]
    assert ElementTree.parse(report).getroot().get("failures") == "1"

    assert run(["-C", str(site), "promotion", "check", "current"]) == 1
    said = capsys.readouterr().out
    assert "failed: every package can be installed" in said
    assert "next: rdo why python-foo --target one-deb12" in said
    assert "7 checks: 5 passed, 1 skipped, 1 failed (installable)" in said

    refused, why = rdo("promotion", "promote", "tested", "current", "--because", "x")
    anyway, _ = rdo("promotion", "promote", "tested", "current", "--because", "x", "--unchecked")
    _, [move] = rdo("promotion", "history", "tested")
    assert (refused, anyway) == (5, 0)
    assert "tested is not moved: the checks of current failed" in why
    assert (move["after"], move["why"]) == (bad["repository"][0], "x")


@needs_roots
def test_consistent_waits_for_packages_that_can_be_installed_if_the_target_asks(
    site: Path, rdo: Any, upstream: GitRepository
) -> None:
    ask = ("--set", "targets.one-deb12.consistent-installable=true")
    assert rdo(*ask, "trunk", "run")[0] == 0
    _, [before] = rdo("trunk", "status")
    for version, requires in (("2.0", ("libnothing.so",)), ("3.0", ())):
        upstream.commit(f"version {version}")
        for old in (site / "shelf").glob("*.rpm"):
            old.unlink()
        make_rpms(site / "shelf", "python-foo", version=version, requires=requires)
        assert rdo(*ask, "trunk", "run")[0] == 0
        if requires:
            _, [blocked] = rdo(*ask, "trunk", "status")
            assert rdo(*ask, "trunk", "run")[0] == 0, "a further round does not move it"
            _, [still] = rdo(*ask, "trunk", "status")
    _, [after] = rdo(*ask, "trunk", "status")

    assert before["names"]["consistent"] == before["names"]["current"]
    assert blocked["names"]["consistent"] == before["names"]["consistent"]
    assert blocked["names"]["current"] != before["names"]["current"]
    [why] = blocked["blocked"]
    assert why["package"] == "python-foo"
    assert "nothing provides libnothing.so" in why["reason"]
    assert still["names"] == blocked["names"]
    assert after["names"]["consistent"] == after["names"]["current"]
    assert after["blocked"] == []
