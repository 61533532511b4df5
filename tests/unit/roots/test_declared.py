"""What a source declares in its files, without its backend and tox."""

from pathlib import Path

import pytest

from rdo.roots.inside.building import buildrequires
from rdo.roots.inside.building.declared import DeclaredFiles
from rdo.roots.inside.building.foretell import READ_ONLY

PBR = {
    "setup.py": "import setuptools\nsetuptools.setup(setup_requires=['pbr>=2.0.0'], pbr=True)\n",
    "setup.cfg": "[metadata]\nname = example\n",
    "requirements.txt": "pbr!=2.1.0,>=2.0.0 # Apache-2.0\noslo.i18n>=3.15.3 # Apache-2.0\n",
    "test-requirements.txt": "hacking>=3\nstestr>=1.0.0\n-c other.txt\n",
    "doc/requirements.txt": "sphinx>=2.0.0,!=2.1.0 # BSD\n",
    "tox.ini": (
        "[testenv]\nbasepython = python3\ndeps =\n  -r{toxinidir}/requirements.txt\n"
        "  -r{toxinidir}/test-requirements.txt\n"
        "[testenv:docs]\ndeps =\n  {[testenv]deps}\n  -r{toxinidir}/doc/requirements.txt\n"
    ),
}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_source_with_pbr_declares_in_its_requirement_files(source: Path) -> None:
    write(source, PBR)

    declared = DeclaredFiles()

    assert sorted(map(str, declared.build())) == ["pbr>=2.0.0", "setuptools>=40.8", "wheel"]
    assert sorted(map(str, declared.runtime())) == ["oslo.i18n>=3.15.3", "pbr!=2.1.0,>=2.0.0"]
    docs = {one.name for one in declared.tox(["docs"])}
    assert docs == {"pbr", "oslo.i18n", "hacking", "stestr", "sphinx"}


@pytest.mark.parametrize(
    ("files", "build", "runtime"),
    [
        (
            {
                "pyproject.toml": '[build-system]\nrequires = ["hatchling"]\n'
                '[project]\nname = "x"\ndependencies = ["a>1", "b; extra == \'y\'"]\n'
            },
            {"hatchling"},
            {"a", "b"},
        ),
        (
            {"setup.cfg": "[options]\ninstall_requires =\n  a\n  b>=2\nsetup_requires = c\n"},
            {"setuptools", "wheel", "c"},
            {"a", "b"},
        ),
        ({"requirements.txt": "a\n"}, {"setuptools", "wheel"}, set()),
        ({"pyproject.toml": "[project\n", "setup.cfg": "x"}, {"setuptools", "wheel"}, set()),
        (
            {"pyproject.toml": 'build-system = 3\nproject = ["x"]\n'},
            {"setuptools", "wheel"},
            set(),
        ),
    ],
    ids=["pyproject", "setup.cfg", "no-pbr", "broken", "no-tables"],
)
def test_other_sources(
    source: Path, files: dict[str, str], build: set[str], runtime: set[str]
) -> None:
    write(source, files)

    declared = DeclaredFiles()

    assert {one.name for one in declared.build()} == build
    assert {one.name for one in declared.runtime()} == runtime


@pytest.mark.parametrize(
    ("tox", "names"),
    [
        ("[testenv]\ndeps =\n  -rmissing.txt\n  a\n", {"a"}),
        ("[testenv]\ndeps = {[testenv]deps}\n", set()),
        ("[testenv]\ndeps =\n  -rself.txt\n  b\n", {"b"}),
        ("[testenv:py]\ndeps =\n  py: a\n  docs: b\n  .[test]\n", {"a"}),
        ("", set()),
    ],
    ids=["missing", "itself", "included-by-itself", "factors", "none"],
)
def test_a_tox_file_that_leads_nowhere_ends(source: Path, tox: str, names: set[str]) -> None:
    write(source, {"tox.ini": tox, "self.txt": "a\n-r self.txt\n"})

    assert {one.name for one in DeclaredFiles().tox(["py"])} == names


def test_the_macro_only_reads_when_it_looks_ahead(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(source, PBR | {"setup.py": f"{PBR['setup.py']}\nraise SystemExit('it was run')\n"})
    monkeypatch.setenv(READ_ONLY, "1")
    monkeypatch.setenv("RPM_TOXENV", "py311")
    output = source / "output"

    places = [f"--{name}={output}" for name in ("output", "wheels", "scratch")]
    assert buildrequires.main([*places, "-t", "-e", "docs"]) == 0

    lines = output.read_text().splitlines()
    assert "python3dist(oslo-i18n) >= 3.15.3" in lines
    assert "python3dist(tox)" in lines
    assert (
        "(python3dist(sphinx) >= 2 with (python3dist(sphinx) < 2.1 or python3dist(sphinx) > 2.1))"
        in lines
    )
