"""`rdo pkg create` and `review`: a new package from git and from PyPI, built immediately."""

from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.e2e.command import needs_roots, rdo

pytestmark = [needs_roots, pytest.mark.slow]

PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "lemon.tree"
version = "1.2.0"
description = "grows lemons"
classifiers = ["License :: OSI Approved :: MIT License"]
scripts = { squeeze = "lemon:main" }

[tool.setuptools]
packages = ["lemon"]
package-dir = { "" = "src" }
ext-modules = [{ name = "lemon._peel", sources = ["peel.c"] }]
"""

PEEL = """\
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_peel", NULL, -1, NULL};
PyMODINIT_FUNC PyInit__peel(void) { return PyModule_Create(&module); }
"""

TESTS = """\
import wcwidth
import lemon._peel

def test_peel():
    assert lemon._peel.__name__ == "lemon._peel"

def test_web():
    import urllib.request
    urllib.request.urlopen("http://192.0.2.1", timeout=1)
"""


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("factory") / "f"
    assert rdo("init", folder, cwd=folder.parent).code == 0
    return folder


@pytest.fixture(scope="module")
def made(factory: Path) -> Path:
    """A compiled project of a git repository, packaged."""
    source = GitRepository(factory.parent / "lemon")
    source.git("config", "user.name", "A")
    source.git("config", "user.email", "a@example.test")
    files = {
        "pyproject.toml": PYPROJECT,
        "src/lemon/__init__.py": "def main():\n    pass\n",
        "peel.c": PEEL,
        "tests/test_lemon.py": TESTS,
        "MANIFEST.in": "graft tests\n",
        "LICENSE": "Permission is hereby granted, free of charge, to any person obtaining a copy",
    }
    source.commit("one", files)
    source.git("tag", "v1.2.0")
    source.commit("two", {"src/lemon/later.py": ""})
    who = "A Packager <a@example.test>"
    done = rdo(
        "-C",
        factory,
        "pkg",
        "create",
        source.url,
        "--into",
        factory.parent,
        "--maintainer",
        who,
        cwd=factory.parent,
    )
    assert done.code == 0, done.stdout + done.stderr
    return factory.parent / "python-lemon-tree"


def test_the_package_builds_with_the_tests_that_can_run(made: Path) -> None:
    spec = (made / "python-lemon-tree.spec").read_text()

    assert "Version:        1.2.0" in spec
    assert "BuildRequires:  python3dist(wcwidth)" in spec
    assert "--deselect=tests/test_lemon.py::test_web" in spec
    assert "A Packager <a@example.test> 1.2.0-1" in spec
    built = {path.name for path in (made / "results").glob("*.rpm")}
    assert "python3-lemon-tree-1.2.0-1.deb12.x86_64.rpm" in built
    assert GitRepository(made).git("status", "--porcelain") == ""


def test_the_metadata_has_it_under_review(made: Path, factory: Path) -> None:
    found = rdo("-C", factory, "info", "package", "python-lemon-tree", "--json", cwd=factory).json

    assert found["project"] == "lemon.tree"
    assert found["distgit"] == made.as_uri()
    assert found["maintainers"] == ["a@example.test"]
    assert set(found["tags"]) == {"master", "under-review"}


def test_a_reviewer_finds_it_good_but_for_the_metadata(made: Path, factory: Path) -> None:
    done = rdo("-C", factory, "pkg", "review", made, "--offline", "--json", cwd=factory)

    steps = {step["name"]: step["is_done"] for step in done.json}
    assert done.code == 1
    for name in ("spec", "naming", "licence", "sources", "requirements", "builds"):
        assert steps[name], done.stdout
    for name in ("licence text", "files", "installs", "entry", "rpmlint"):
        assert steps[name], done.stdout
    assert not steps["review"]


def test_a_project_of_pypi_is_built_at_once(factory: Path, tmp_path: Path) -> None:
    left = tmp_path / f".python-colorama.{2**30}.new"  # by a process that was killed
    left.mkdir()

    done = rdo(
        "-C",
        factory,
        "pkg",
        "create",
        "colorama",
        "--into",
        tmp_path,
        "--no-info",
        "--json",
        cwd=tmp_path,
    )

    assert done.code == 0, done.stdout + done.stderr
    assert done.json["licence"] == "BSD-3-Clause"
    assert done.json["upstream"] == "pypi:colorama"
    assert [x for x in done.json["outcome"]["rpms"] if "python3-colorama-" in x]
    assert {path.name for path in tmp_path.iterdir()} == {"home", "python-colorama"}


def test_what_cannot_be_packaged_is_reported_and_leaves_nothing(
    factory: Path, tmp_path: Path
) -> None:
    for project, code, said in (
        ("no-such-project-of-anybody-here", 4, "no package index has a project"),
        ("bad name!", 5, "is neither a project on PyPI nor a git URL"),
        ("colorama", 4, "has no source archive on PyPI in ==0.0.99"),
        ("debtcollector", 5, "the metadata already has debtcollector"),
    ):
        version = ("--version", "0.0.99") if code == 4 and project == "colorama" else ()
        done = rdo(
            "-C", factory, "pkg", "create", project, *version, "--into", tmp_path, cwd=factory
        )
        assert (done.code, said in done.stderr) == (code, True), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
