"""Where rdo finds upstream's requirements, and its message when only a build could find them."""

import json
from pathlib import Path

import pytest

from tests.distgits import Distgit


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    return Distgit(tmp_path / "foo-bar", monkeypatch, capsys)


HATCH = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
PROJECT = '[project]\nname = "demo"\n'


def upstream_of(distgit: Distgit, files: dict[str, str | bytes], version: str = "1.0.0") -> None:
    """A tag with these files, whatever their encoding."""
    distgit.upstream_version(version, {"code.py": version})
    here = distgit.git("rev-parse", "--abbrev-ref", "HEAD")
    distgit.git("checkout", "--quiet", "--detach", version)
    for name, content in files.items():
        path = distgit.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    distgit.git("add", "--all")
    distgit.git("commit", "--quiet", "--amend", "--no-edit")
    distgit.git("tag", "--force", version)
    distgit.git("checkout", "--quiet", here)


@pytest.mark.parametrize(
    "files",
    [
        {"requirements.txt": b"\xef\xbb\xbfoslo.config>=2\n"},
        {"requirements.txt": "oslo.config>=2\n".encode("utf-16")},
        {"requirements.txt": b"# coding: latin-1\n# \xe4\noslo.config>=2\n"},
        {"requirements.txt": b"oslo.config>=2 # \xe4\n"},
        {
            "pyproject.toml": f'{PROJECT}dependencies=["oslo.config>=2"]\n{HATCH}',
            "requirements.txt": "sphinx\n",
        },
        {
            "setup.cfg": b"[metadata]\nauthor = J\xe4\n[options]\n"
            b"install_requires = oslo.config>=2\n"
        },
    ],
)
def test_reqcheck_reads_what_the_build_backend_writes(
    distgit: Distgit, files: dict[str, str | bytes]
) -> None:
    distgit.spec()
    upstream_of(distgit, files)

    said = distgit.rdopkg("reqcheck", "--strict")

    assert said.out.strip().splitlines()[:2] == [
        "MET:",
        "  python-oslo-config >= 2  (>= 2 in .spec)",
    ]
    assert "EXCESS" not in said.out
    assert "Failed to parse" not in said.err


def test_what_is_not_known_is_neither_excess_nor_removed(distgit: Distgit) -> None:
    distgit.spec()
    upstream_of(distgit, {"setup.py": "from d import needs\nsetup(install_requires=needs())\n"})

    said = distgit.pkg("reqcheck")

    assert "EXCESS" not in said.out
    assert "NOT KNOWN:\n  setup.py computes install_requires" in said.out
    assert "some of upstream's requirements are unknown" in said.err
    assert json.loads(distgit.pkg("reqcheck", "--json").out)["unknown"] == [
        "setup.py computes install_requires"
    ]
    distgit.pkg("reqcheck", "--strict", code=5)
    before = distgit.text
    distgit.pkg("reqcheck", "--autosync")
    assert distgit.text == before


def test_reqdiff_calls_nothing_new_or_gone_that_it_does_not_know(distgit: Distgit) -> None:
    distgit.spec()
    upstream_of(distgit, {"pyproject.toml": f'{PROJECT}dependencies=["six"]\n{HATCH}'})
    upstream_of(distgit, {"setup.py": "setup(**load())\n"}, version="2.0.0")

    said = distgit.pkg("reqdiff", "1.0.0", "2.0.0").out

    assert "REMOVED" not in said
    assert "ADDED" not in said
    assert "NOT KNOWN:\n  2.0.0: setup.py computes the arguments of setup()" in said


def test_reqquery_refuses_to_ask_for_what_is_not_known(distgit: Distgit) -> None:
    distgit.spec()
    upstream_of(distgit, {"setup.py": "setup(**load())\n"})

    said = distgit.pkg("reqquery", "flamingo", "-R", "1.0.0", code=5)

    assert "upstream's requirements are not known: setup.py computes" in said.err
