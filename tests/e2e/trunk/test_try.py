"""`rdo trunk try` builds a maintainer's change in a real root, and stores and publishes nothing."""

import contextlib
import hashlib
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.as_root import AS_ROOT
from tests.conftest import GitRepository
from tests.e2e.command import PLATFORM, Result, needs_roots
from tests.e2e.distribution import TARGET, Distribution

pytestmark = needs_roots

SETUID = """\
Name: {name}
Version: 1
Release: 1
Summary: x
License: MIT
BuildArch: noarch
{more}
%description
x
%install
install -D -m755 /dev/null %{{buildroot}}/usr/bin/{name}
%files
%attr(4755,root,root) /usr/bin/{name}
"""


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """Two built packages, of which one needs the other, and one that nobody can build."""
    made = Distribution(tmp_path_factory.mktemp("try"))
    made.add("lowermod")
    made.add("uppermod", "lowermod")
    made.add("brokenmod", "rdo-nobody-has-this")
    made.run()
    return made


def clone(factory: Distribution, name: str, place: Path, *, distgit: bool = False) -> GitRepository:
    """A maintainer's clone."""
    kind = "distgit" if distgit else "upstream"
    url = (factory.folder / kind / name).as_uri()
    subprocess.run(["git", "clone", "--quiet", url, str(place)], check=True)
    repository = GitRepository.__new__(GitRepository)
    repository.path = place
    return repository


def stored(factory: Distribution) -> dict[str, str]:
    """All of the target that a try must not touch, by content; caches and mirrors aside."""
    data = factory.folder / "data"
    with contextlib.closing(sqlite3.connect(data / "rdo.sqlite")) as database:
        rows = {"rdo.sqlite": "\n".join(database.iterdump())}
    files = (data / TARGET).rglob("*")
    return rows | {
        str(path): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_symlink() or (path.is_file() and path.suffix != ".lock")
    }


def attempt(factory: Distribution, *args: object, code: int) -> Any:
    before = stored(factory)
    done: Result = factory.rdo("trunk", "try", *args, "--json")
    assert done.code == code, done.stdout + done.stderr
    assert stored(factory) == before
    assert not list((factory.folder / "data/tmp").glob("*"))
    return done.json


@pytest.mark.slow
def test_an_uncommitted_change_is_built_and_can_be_installed(
    factory: Distribution, tmp_path: Path
) -> None:
    work = clone(factory, "lowermod", tmp_path / "work")
    (work.path / "lowermod/__init__.py").write_text("version = 'changed'\n")
    results = tmp_path / "results"

    row = attempt(factory, "python-lowermod", "--source", work.path, "--results", results, code=0)

    assert row["outcome"] == "built"
    assert row["source"].endswith("with uncommitted changes")
    assert work.git("status", "--porcelain") == " M lowermod/__init__.py".strip()
    assert {Path(path).parent for path in row["rpms"]} == {results}
    root = tmp_path / "root"
    options = ("--root", root, "--repo", row["repo_file"])
    assert factory.rdo("platform", "create", PLATFORM, *options).code == 0
    install = [*AS_ROOT, "dnf", f"--installroot={root}", "-q", "-y", "install", "python3-uppermod"]
    subprocess.run(install, check=True, capture_output=True)
    program = "import uppermod, lowermod; print(lowermod.version)"
    command = [*AS_ROOT, "chroot", str(root), "python3", "-c", program]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == (
        "changed\n"
    )


def test_a_breaking_change_of_the_upstream_fails_and_leaves_its_log(
    factory: Distribution, tmp_path: Path
) -> None:
    work = clone(factory, "lowermod", tmp_path / "work")
    work.commit("break it", {"lowermod/__init__.py": "raise RuntimeError('broken here')\n"})

    row = attempt(factory, "python-lowermod", "--source", work.path, "-o", tmp_path / "r", code=1)

    assert (row["outcome"], row["reason"]) == ("failed", "test")
    assert "broken here" in (tmp_path / "r/rpmbuild.log").read_text()
    assert not list((tmp_path / "r").glob("*.rpm"))
    assert not (tmp_path / "r/repodata").exists()


def test_a_good_and_a_breaking_change_of_a_distgit(factory: Distribution, tmp_path: Path) -> None:
    work = clone(factory, "lowermod", tmp_path / "work", distgit=True)
    spec = work.path / "python-lowermod.spec"
    text = spec.read_text()
    spec.write_text(text.replace("License: MIT", "License: MIT\nURL: https://try.example.test"))
    options = ("python-lowermod", "--distgit", work.path, "-o", tmp_path / "r")

    row = attempt(factory, *options, code=0)

    (rpm,) = [path for path in row["rpms"] if path.endswith("noarch.rpm")]
    query = ["rpm", "-qp", "--queryformat", "%{URL}", rpm]
    printed = subprocess.run(query, check=True, capture_output=True, text=True).stdout
    assert printed == "https://try.example.test"

    spec.write_text(text.replace("%files", "%files -n nothing\n%files"))
    broken = attempt(factory, *options, code=1)
    assert broken["reason"] in {"spec", "install"}
    assert not list((tmp_path / "r").glob("*.rpm"))


TAKES = "Provides: git-core = 99\nObsoletes: python3-uppermod"


def test_what_a_round_would_refuse_is_refused_in_its_words(
    factory: Distribution, tmp_path: Path
) -> None:
    work = clone(factory, "lowermod", tmp_path / "work", distgit=True)
    spec = work.path / "python-lowermod.spec"
    text = spec.read_text().replace(
        "%package -n python3-lowermod", f"%package -n python3-lowermod\n{TAKES}"
    )
    spec.write_text(text)
    line = 'python-lowermod = ["obsoletes python3-uppermod", "provides git-core"]'
    words = [
        "obsoletes python3-uppermod, which belongs to package python-uppermod, and 1 more such",
        f"[targets.{TARGET}.allow] of rdo.toml: {line}",
    ]

    row = attempt(factory, "python-lowermod", "--distgit", work.path, "-o", tmp_path / "r", code=1)

    assert row["reason"] == "refused"
    assert all(word in row["detail"] for word in words), row["detail"]
    assert not list((tmp_path / "r").glob("*.rpm"))


def test_a_local_build_for_a_target_is_looked_at_as_in_a_round(
    factory: Distribution, tmp_path: Path
) -> None:
    spec = tmp_path / "python-lowermod.spec"
    spec.write_text(SETUID.format(name="python-lowermod", more=TAKES))
    options = ("--target", TARGET, "-o", tmp_path / "r", "--json")

    done = factory.rdo("build", spec, *options)

    assert done.code == 1, done.stderr
    assert done.json["reason"] == "refused"
    permissions = ("setuid /usr/bin/python-lowermod", "obsoletes python3-uppermod")
    assert all(f'"{one}"' in done.json["detail"] for one in permissions), done.json["detail"]
    assert [path.name for path in (tmp_path / "r").glob("*.rpm")] == ["python-lowermod-1-1.src.rpm"]

    spec.write_text(
        SETUID.format(name="python-lowermod", more="").replace("%attr(4755,root,root) ", "")
    )
    assert factory.rdo("build", spec, *options).code == 0


@pytest.mark.slow
def test_a_review_and_what_it_depends_on_are_tried_together(
    factory: Distribution, tmp_path: Path
) -> None:
    """As a review that depends on another one: `uppermod` needs what only the other has."""
    lower = factory.upstreams["lowermod"]
    head = lower.git("rev-parse", "HEAD")
    files = {"lowermod/new.py": "", "pyproject.toml": _pyproject("lowermod", "2.0")}
    lower.commit("a review", files)
    lower.git("update-ref", "refs/changes/42/4242/1", "HEAD")
    lower.git("reset", "--quiet", "--hard", head)
    review = clone(factory, "uppermod", tmp_path / "work")
    review.commit(
        "needs it",
        {
            "uppermod/__init__.py": "import lowermod.new\n",
            "pyproject.toml": _pyproject("uppermod", "2.0", "lowermod>=2"),
        },
    )
    options = ("python-uppermod", "--source", review.path)

    alone = attempt(factory, *options, "-o", tmp_path / "alone", code=1)
    first = attempt(
        factory,
        "python-lowermod",
        "--source",
        "refs/changes/42/4242/1",
        "-o",
        tmp_path / "first",
        code=0,
    )
    both = attempt(factory, *options, "--with", tmp_path / "first", "-o", tmp_path / "both", code=0)

    assert (alone["reason"], alone["detail"]) == (
        "missing-dependency",
        "python3dist(lowermod) >= 2",
    )
    assert first["source"].startswith("refs/changes/42/4242/1@")
    assert both["outcome"] == "built"
    names = sorted(path.name for path in (tmp_path / "both").glob("*.noarch.rpm"))
    assert [name.split("-2.0-")[0] for name in names] == ["python3-lowermod", "python3-uppermod"]


def _pyproject(name: str, version: str, *requires: str) -> str:
    return (
        '[build-system]\nrequires = ["setuptools>=61"]\nbuild-backend = "setuptools.build_meta"\n'
        f'[project]\nname = "{name}"\nversion = "{version}"\ndependencies = {list(requires)}\n'
        f'[tool.setuptools]\npackages = ["{name}"]\n'
    )


def test_what_is_not_there_or_not_ours_is_said_before_anything_is_built(
    factory: Distribution, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/precious").write_text("")
    names = {
        "nosuchmod": ("nosuchmod",),
        "has no no-such-branch": ("python-lowermod", "--source", "no-such-branch"),
        "there is no folder ./absent": ("python-lowermod", "--distgit", "./absent"),
        "no build matches 9999": ("python-lowermod", "--with", "9999"),
    }

    said = {text: factory.rdo("trunk", "try", *args) for text, args in names.items()}
    refused = factory.rdo("trunk", "try", "python-lowermod", "-o", tmp_path / "mine")

    assert {text: done.code for text, done in said.items()} == dict.fromkeys(names, 4)
    assert all(text in done.stderr for text, done in said.items())
    assert refused.code == 5
    assert (tmp_path / "mine/precious").exists()


def test_what_needs_a_package_that_is_not_built_cannot_be_judged(
    factory: Distribution, tmp_path: Path
) -> None:
    work = clone(factory, "uppermod", tmp_path / "work")
    work.commit("needs it", {"pyproject.toml": _pyproject("uppermod", "2", "brokenmod")})

    row = attempt(factory, "python-uppermod", "--source", work.path, "-o", tmp_path / "r", code=6)

    assert (row["outcome"], row["needs"]) == ("waiting", ["python3dist(brokenmod)"])


def test_an_upstream_that_cannot_be_reached_is_exit_code_6(
    factory: Distribution, tmp_path: Path
) -> None:
    path = factory.upstreams["lowermod"].path
    path.rename(path.with_name("away"))
    try:
        done = factory.rdo(
            "trunk", "try", "python-lowermod", "--source", "a-branch", "-o", tmp_path / "r"
        )
    finally:
        path.with_name("away").rename(path)

    assert done.code == 6
    assert "cannot be reached" in done.stderr


def test_what_a_change_wants_from_pypi_is_brought_in_for_it_alone(
    factory: Distribution, tmp_path: Path
) -> None:
    work = clone(factory, "lowermod", tmp_path / "work")
    work.commit("ask", {"pyproject.toml": _pyproject("lowermod", "2.0", "iniconfig")})

    attempt(factory, "python-lowermod", "--source", work.path, "-o", tmp_path / "r", code=0)

    assert [path.name for path in (tmp_path / "r").glob("python3-iniconfig-*.rpm")]
