"""What a build backend would write as requirements, told from the files alone."""

import pytest

from rdo.distgit.requirements.backends import literal_argument
from rdo.distgit.requirements.declared import Declared, Python, RequirementKind, declared
from rdo.distgit.requirements.text_encoding import decoded

PBR = "from setuptools import setup\nsetup(setup_requires=['pbr'], pbr=True)\n"
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
POETRY = """
[tool.poetry]
name = "demo"
[tool.poetry.dependencies]
python = "^3.8"
requests = "^2.28"
click = {version = ">=8", optional = true}
tomli = {version = "*", python = "<3.11"}
pywin32 = {version = "*", platform = "win32"}
httpx = {version = "~0.27", extras = ["http2", "socks"]}
multi = [{version = "1.0", markers = "python_version < '3'"}, {version = "^2", python = ">=3.6"}]
fork = {git = "https://example.test/fork.git"}
[tool.poetry.extras]
cli = ["click"]
[tool.poetry.group.test.dependencies]
pytest = "^8"
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""


class Files(dict[str, str]):
    def file(self, path: str) -> str | None:
        return self.get(path)


def read(files: dict[str, str], python: str = "3.11") -> Declared:
    return declared(Files(files), Python(python))


def of(found: Declared, kind: RequirementKind = RequirementKind.RUN) -> list[str]:
    return [str(one) for one in found.wanted if one.kind is kind]


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        pytest.param(
            {
                "pyproject.toml": '[project]\nname="d"\ndependencies=["attrs>=22", "click"]\n'
                '[build-system]\nbuild-backend="hatchling.build"',
                "requirements.txt": "sphinx==7\n",
            },
            ["attrs >= 22", "click"],
            id="a developer's requirements.txt",
        ),
        pytest.param(
            {
                "pyproject.toml": '[project]\nname="d"\ndynamic=["dependencies"]\n'
                '[tool.setuptools.dynamic]\ndependencies = {file = ["reqs/base.in"]}',
                "reqs/base.in": "attrs>=22\n# why\n",
            },
            ["attrs >= 22"],
            id="setuptools dynamic file",
        ),
        pytest.param(
            {
                "pyproject.toml": '[project]\nname="d"\ndynamic=["dependencies"]\n' + SETUPTOOLS,
                "setup.cfg": "[options]\ninstall_requires =\n  six\n",
            },
            ["six"],
            id="dynamic, from setup.cfg",
        ),
        pytest.param(
            {
                "pyproject.toml": '[project]\nname="d"\ndynamic=["dependencies"]\n'
                '[build-system]\nbuild-backend="hatchling.build"\n'
                '[tool.hatch.metadata.hooks.requirements_txt]\nfiles = ["requirements.txt"]',
                "requirements.txt": "six\n",
            },
            ["six"],
            id="hatch's plugin",
        ),
        pytest.param(
            {
                "setup.cfg": "[options]\ninstall_requires = file: reqs/base.in, more.txt\n",
                "reqs/base.in": "attrs>=22\n",
                "more.txt": "six\n",
            },
            ["attrs >= 22", "six"],
            id="setup.cfg file",
        ),
        pytest.param(
            {
                "pyproject.toml": '[build-system]\nbuild-backend="flit_core.buildapi"\n'
                '[tool.flit.metadata]\nmodule="d"\nrequires=["six >=1.10"]',
            },
            ["six >= 1.10"],
            id="flit",
        ),
        pytest.param(
            {
                "setup.py": PBR,
                "requirements.txt": "six>=1 --hash=sha256:00\n-r more.txt\n-c c.txt\n"
                "-e git+https://x.test/egg#egg=fork\n",
                "more.txt": "attrs\n",
            },
            ["fork", "six >= 1", "attrs"],
            id="pbr",
        ),
        pytest.param(
            {
                "pyproject.toml": '[build-system]\nbuild-backend="pbr.build"',
                "requirements.txt": "a",
            },
            ["a"],
            id="pbr's backend",
        ),
        pytest.param({"requirements.txt": "a\n"}, ["a"], id="nothing that builds"),
        pytest.param(
            {
                "setup.py": "setup(install_requires=['a'])",
                "setup.cfg": "[options]\ninstall_requires = b\n",
                "requirements.txt": "c",
            },
            ["a"],
            id="setup.py counts before setup.cfg",
        ),
        pytest.param({"setup.py": "setup(name='d')", "requirements.txt": "c"}, [], id="none"),
        pytest.param(
            {"setup.py": "setup(extras_require={':python_version<\"3.12\"': ['a'], 'x': ['b']})"},
            ["a"],
            id="an extra without a name",
        ),
    ],
)
def test_what_the_backend_writes_is_wanted(files: dict[str, str], wanted: list[str]) -> None:
    found = read(files)

    assert sorted(of(found)) == sorted(wanted)
    assert found.unknown == ()


def test_poetry_is_translated() -> None:
    found = read({"pyproject.toml": POETRY})

    assert of(found) == ["fork", "httpx >= 0.27,< 0.28", "multi >= 2,< 3", "requests >= 2.28,< 3"]
    assert of(found, RequirementKind.EXTRA) == ["click >= 8"]
    assert of(found, RequirementKind.TEST) == ["pytest >= 8,< 9"]
    assert next(one for one in found.wanted if one.key == "httpx").extras == ("http2", "socks")
    assert "tomli" in of(read({"pyproject.toml": POETRY}, python="3.9"))


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"setup.py": "setup(install_requires=load())"}, "setup.py computes install_requires"),
        ({"setup.py": "setup(**known)"}, "setup.py computes the arguments of setup()"),
        ({"setup.py": "import d; d.main()"}, "setup.py does not call setup() itself"),
        ({"setup.py": "n = []\nn.append('x')\nsetup(install_requires=n)"}, "computes"),
        ({"setup.py": "n = []\nif X:\n  n += ['x']\nsetup(install_requires=n)"}, "computes"),
        ({"setup.py": "setup("}, "setup.py cannot be parsed"),
        ({"pyproject.toml": "no toml ["}, "cannot read pyproject.toml"),
        ({"setup.cfg": "no ini"}, "cannot read setup.cfg"),
        (
            {
                "pyproject.toml": '[project]\nname="d"\ndynamic=["dependencies"]\n'
                '[build-system]\nbuild-backend="hatchling.build"'
            },
            "calls dependencies dynamic, for hatchling.build",
        ),
        (
            {"pyproject.toml": '[build-system]\nbuild-backend="mine"\nbackend-path=["."]'},
            "mine declares them in no file that is read here",
        ),
        (
            {"setup.cfg": "[options]\ninstall_requires = file: gone.txt"},
            "gone.txt, which they are to be read from, does not exist",
        ),
        ({"setup.py": PBR, "requirements.txt": "-r ../out.txt"}, "includes ../out.txt"),
        ({"setup.py": PBR, "requirements.txt": "-r requirements.txt"}, "which cannot be read"),
    ],
)
def test_what_cannot_be_told_is_not_known(files: dict[str, str], why: str) -> None:
    assert why in "; ".join(read(files).unknown)


def test_groups_may_include_groups() -> None:
    text = '[dependency-groups]\ntest = ["a", {include-group = "More_x"}]\nmore-x = ["b"]\n'

    found = read({"pyproject.toml": text + '[project]\nname="d"'})

    assert of(found, RequirementKind.TEST) == ["a", "b"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-8"])
def test_files_are_decoded_as_pip_does(encoding: str) -> None:
    assert decoded("six>=1\n# ä\n".encode(encoding)) == "six>=1\n# ä\n"


def test_a_list_that_is_changed_later_is_no_literal() -> None:
    assert literal_argument("n = ['x']\nsetup(install_requires=n)", "install_requires") == (
        ["x"],
        "",
    )
