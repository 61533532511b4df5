"""Requirements that a build backend would write, read from the files alone."""

import pytest

from rdo.distgit.requirements.declared import Declared, RequirementKind, declared
from rdo.distgit.requirements.setup_py import literal_argument
from rdo.distgit.requirements.text_encoding import decoded
from rdo.model.python import Python

PBR = "from setuptools import setup\nsetup(setup_requires=['pbr'], pbr=True)\n"
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
BY_POETRY = '[build-system]\nbuild-backend = "poetry.core.masonry.api"\n'
PROJECT = '[project]\nname = "demo"\n'
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
                "requirements.txt": "six>=1 # why\n-r more.txt\n-i https://x.test\n"
                "-e git+https://x.test/egg#egg=fork\nfile:./elsewhere\n-f files\n"
                "git+https://x.test/y#egg=my-thing-1.2.3&subdirectory=a\n"
                "click \\\n >=8\nyaml @ https://x.test/y.zip\nold;python_version<'3'\n",
                "more.txt": "attrs\n",
            },
            ["fork", "six >= 1", "attrs", "my-thing >= 1.2.3", "click >= 8", "yaml"],
            id="pbr",
        ),
        pytest.param(
            {
                "setup.py": PBR,
                "requirements.txt": "-r reqs/base.txt\n",
                "reqs/base.txt": "-r more.txt\n",
                "more.txt": "attrs\n",  # pbr begins in the top folder again
            },
            ["attrs"],
            id="pbr includes from the top folder",
        ),
        pytest.param(
            {
                "pyproject.toml": '[project]\nname="d"\ndynamic=["dependencies"]\n'
                '[tool.setuptools.dynamic]\ndependencies = {file = "r.txt"}',
                "r.txt": "attrs[x] >= 22 # why\nsix @ file:///six\nclick \\\n  >= 8\n",
            },
            ["attrs >= 22", "six", "click >= 8"],
            id="setuptools, more forms",
        ),
        pytest.param(
            {
                "pyproject.toml": '[project]\nname="d"\ndynamic=["dependencies"]\n'
                '[build-system]\nbuild-backend="hatchling.build"\n'
                "[tool.hatch.metadata.hooks.requirements_txt]",
                "requirements.txt": "-r more.txt\n--pre\nsix==1 \\\n  --hash=sha256:00\na # b\n",
                "more.txt": "attrs\n",
            },
            ["six == 1", "a"],
            id="hatch's plugin passes over options",
        ),
        pytest.param(
            {"setup.cfg": "[options]\ninstall_requires = six>=1; attrs\n"},
            ["six >= 1", "attrs"],
            id="setup.cfg in one line",
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
        pytest.param(
            {"setup.cfg": "[options]\ninstall-requires =\n  six\n  %(more)s\nmore = attrs\n"},
            ["six", "attrs"],
            id="setup.cfg with a dash and a reference",
        ),
        pytest.param(
            {
                "pyproject.toml": PROJECT + "[tool.poetry.dependencies]\nsix = '^1'\n" + BY_POETRY,
            },
            ["six >= 1,< 2"],
            id="poetry takes its own table for a project without dependencies",
        ),
        pytest.param(
            {
                "pyproject.toml": "[tool.poetry.dependencies]\nsix = '^1'\n",
                "setup.py": "setup(install_requires=['attrs'])",
            },
            ["attrs"],
            id="poetry's table beside a setup.py",
        ),
        pytest.param(
            {"setup.py": "R = ['a']\nsetup(install_requires=R, requires=R)\nprint(R)"},
            ["a"],
            id="a list that others only read",
        ),
        pytest.param(
            {"setup.py": "import app\napp.setup()\nsetup(install_requires=['a'])"},
            ["a"],
            id="the setup() of something else",
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
    ("files", "wanted"),
    [
        pytest.param(
            {
                "pyproject.toml": PROJECT + "dependencies = []\n[project.optional-dependencies]\n"
                'x = ["six (>=1)", "attrs ; (python_version > \'3\')"]'
            },
            ["six >= 1", "attrs"],
            id="parentheses",
        ),
        pytest.param(
            {
                "pyproject.toml": PROJECT + 'dynamic = ["optional-dependencies"]\n' + SETUPTOOLS,
                "setup.cfg": "[options.extras_require]\nx =\n  six\n",
            },
            ["six"],
            id="dynamic, from setup.cfg",
        ),
        pytest.param(
            {
                "pyproject.toml": "[tool.poetry.dependencies]\n"
                "six = [{version='^1', python='<3.10', optional=true},"
                " {version='^2', python='>=3.10', optional=true}]\n"
                "[tool.poetry.extras]\nx = ['six']\n" + BY_POETRY
            },
            ["six >= 2,< 3"],
            id="poetry, by Python",
        ),
        pytest.param(
            {
                "setup.py": PBR,
                "setup.cfg": "[extras]\nx =\n  six>=1:python_version<'3'\n"
                "  attrs:(python_version>'3') # MIT\n  click (python_version>'3')\n  yaml\n",
            },
            ["attrs", "click", "yaml"],
            id="markers of pbr",
        ),
        pytest.param(
            {
                "setup.py": "setup(extras_require={'x:python_version>\"3\"':"
                ' [\'a; os_name=="nt" or os_name=="posix"\'], \'x:python_version<"3"\':'
                ' [\'b; os_name=="nt" or os_name=="posix"\']})'
            },
            ["a"],
            id="two markers",
        ),
    ],
)
def test_the_requirements_of_an_extra_are_read(files: dict[str, str], wanted: list[str]) -> None:
    found = read(files)

    assert of(found, RequirementKind.EXTRA) == wanted
    assert found.unknown == ()


def test_extras_of_the_project_itself_are_the_requirements_they_name() -> None:
    text = PROJECT + (
        "dependencies = []\n[project.optional-dependencies]\nx = ['six']\n"
        "all = ['Demo[x,y]']\ny = ['attrs', 'demo[all]']\ntest = ['demo[all]', 'pytest']\n"
    )

    found = read({"pyproject.toml": text})

    assert of(found, RequirementKind.TEST) == ["six", "attrs", "pytest"]
    assert "demo" not in {one.key for one in found.wanted}


def test_poetrys_ranges_of_python_keep_their_gaps() -> None:
    text = "[tool.poetry.dependencies]\nsix = {version='*', python='~3.8 || ^3.10'}\n" + BY_POETRY

    found = {
        python: of(read({"pyproject.toml": text}, python)) for python in ("3.8", "3.9", "3.11")
    }

    assert found == {"3.8": ["six"], "3.9": [], "3.11": ["six"]}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"setup.py": "setup(install_requires=load())"}, "setup.py computes install_requires"),
        ({"setup.py": "setup(**known)"}, "setup.py computes the arguments of setup()"),
        ({"setup.py": "import d; d.main()"}, "setup.py does not call setup() itself"),
        ({"setup.py": "n = []\nn.append('x')\nsetup(install_requires=n)"}, "computes"),
        ({"setup.py": "n = []\nif X:\n  n += ['x']\nsetup(install_requires=n)"}, "computes"),
        ({"setup.py": "n = ['a']\nadd(n)\nsetup(install_requires=n)"}, "computes"),
        ({"setup.py": "n = ['a']\nm = n\nm.append('b')\nsetup(install_requires=n)"}, "computes"),
        ({"setup.py": "n = ['a', 'b']\ndel n[0]\nsetup(install_requires=n)"}, "computes"),
        (
            {"setup.py": "if X:\n  setup(install_requires=['a'])\nelse:\n  setup()"},
            "calls setup() several times",
        ),
        (
            {
                "pyproject.toml": '[project]\nname="d"\ndynamic=["dependencies"]\n'
                '[tool.setuptools.dynamic]\ndependencies = {attr = "demo.needs"}'
            },
            "names no file with dependencies",
        ),
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
            "mine does not declare them in a file that rdo reads",
        ),
        (
            {"setup.cfg": "[options]\ninstall_requires = file: gone.txt"},
            "gone.txt, from which they are read, does not exist",
        ),
        (
            {"setup.cfg": "[options]\ninstall_requires = six; python_version<'3'"},
            "setuptools divides it at `;`",
        ),
        (
            {"setup.cfg": "[options]\ninstall_requires =\n  file: gone.txt"},
            "`file: gone.txt` is not a requirement",
        ),
        (
            {"pyproject.toml": '[project]\nname="d"\ndependencies=["./local"]'},
            "`./local` is not a requirement",
        ),
        (
            {"pyproject.toml": '[project]\nname="d"\n[project.optional-dependencies]\nx=["-e ."]'},
            "`-e .` is not a requirement",
        ),
        ({"setup.py": PBR, "requirements.txt": "-r ../out.txt"}, "includes ../out.txt"),
        ({"setup.py": PBR, "requirements.txt": "-r requirements.txt"}, "which cannot be read"),
    ],
)
def test_what_cannot_be_told_is_not_known(files: dict[str, str], why: str) -> None:
    assert why in "; ".join(read(files).unknown)


REFUSED = ("./local", "-e ./local", "-c c.txt", "--requirement r.txt", "--pre", "-rmore.txt")
REFUSED_BY_SETUPTOOLS = (
    "file:./x",
    "-r more.txt",
    "https://x.test/z#egg=z",
    "-e .",
    "-i https://x",
)


@pytest.mark.parametrize("line", REFUSED)
def test_a_line_that_ends_pbrs_build_is_not_known(line: str) -> None:
    found = read({"setup.py": PBR, "requirements.txt": f"six\n{line}\nattrs\n"})

    assert of(found) == ["attrs", "six"]
    assert found.unknown == (f"requirements.txt has the line `{line}`, which pbr refuses",)


@pytest.mark.parametrize("line", [*REFUSED, *REFUSED_BY_SETUPTOOLS])
@pytest.mark.parametrize("where", ["pyproject.toml", "setup.cfg"])
def test_a_line_that_ends_setuptools_build_is_not_known(line: str, where: str) -> None:
    texts = {
        "pyproject.toml": '[project]\nname="d"\ndynamic=["dependencies"]\n'
        '[tool.setuptools.dynamic]\ndependencies = {file = "r.txt"}',
        "setup.cfg": "[options]\ninstall_requires = file: r.txt\n",
    }

    found = read({where: texts[where], "r.txt": f"six\n{line}\nattrs\n", "more.txt": "click"})

    assert of(found) == ["attrs", "six"]
    assert found.unknown == (f"r.txt has the line `{line}`, which setuptools refuses",)


@pytest.mark.parametrize("line", ["six==1 --hash=sha256:00", "six==1 \\\n    --hash=sha256:00"])
def test_what_a_refused_line_begins_with_is_wanted(line: str) -> None:
    found = read({"setup.py": PBR, "requirements.txt": f"{line}\n"})

    assert of(found) == ["six == 1"]
    assert "which pbr refuses" in found.unknown[0]


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
