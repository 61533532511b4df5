from dataclasses import dataclass, field

import pytest

from rdo.distgit.requirements.declared import (
    RequirementKind,
    Wanted,
    difference,
    extra_names,
    parse_lines,
    read,
    runtime,
)
from rdo.distgit.requirements.drift import plain_sed
from rdo.distgit.requirements.reqcheck import Checked, Group, Overrides, Stated, check
from rdo.model.python import Python


@dataclass
class Files:
    """A source out of texts."""

    texts: dict[str, str] = field(default_factory=dict)

    def file(self, path: str) -> str | None:
        return self.texts.get(path)


PYTHON = Python("3.11")

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.2"]
[project]
name = "x"
dependencies = ["a>=1,<3,!=1.5", "b[fast]>=2 ; sys_platform == 'linux'", "c; os_name == 'nt'"]
[project.optional-dependencies]
Fast-Mode = ["d>=4"]
test = ["pytest>=7"]
[dependency-groups]
testing = ["hypothesis", {include-group = "x"}]
"""

SETUP_CFG = """\
[options]
install_requires =
    a>=1
    b
[options.extras_require]
socks = d
"""


def texts(found: list[Wanted]) -> list[str]:
    return [str(one) for one in found]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("requirements.txt", "b\n-r other.txt\nA>=1.0 # why\n\n--pre\n", ["A >= 1.0", "b"]),
        ("pyproject.toml", PYPROJECT, ["a >= 1,< 3,!= 1.5", "b >= 2"]),
        ("setup.cfg", SETUP_CFG, ["a >= 1", "b"]),
        ("setup.py", "NEEDS = ['a>=1']\nsetup(install_requires=NEEDS)\n", ["a >= 1"]),
        ("setup.py", "import evil; setup(install_requires=evil())", []),
        ("pyproject.toml", "not toml at all [", []),
    ],
)
def test_runtime_requirements_stand_in_several_files(
    name: str, text: str, expected: list[str]
) -> None:
    assert texts(runtime(Files({name: text}), PYTHON)) == expected


def test_requirements_txt_counts_only_where_the_build_reads_it() -> None:
    ours = Files({"requirements.txt": "z", "setup.py": "setup(pbr=True)", "setup.cfg": SETUP_CFG})
    theirs = Files({"requirements.txt": "z", "pyproject.toml": PYPROJECT, "setup.cfg": SETUP_CFG})

    assert texts(runtime(ours, PYTHON)) == ["z"]
    assert texts(runtime(theirs, PYTHON)) == ["a >= 1,< 3,!= 1.5", "b >= 2"]


def test_every_kind_of_requirement_is_read() -> None:
    found = read(Files({"pyproject.toml": PYPROJECT}), PYTHON)

    assert {(one.key, one.kind) for one in found} == {
        ("a", RequirementKind.RUN),
        ("b", RequirementKind.RUN),
        ("d", RequirementKind.EXTRA),
        ("pytest", RequirementKind.TEST),
        ("hatchling", RequirementKind.BUILD),
        ("hypothesis", RequirementKind.TEST),
    }
    assert extra_names(Files({"pyproject.toml": PYPROJECT})) == {"fast-mode", "test"}


@pytest.mark.parametrize(
    ("line", "python", "is_there"),
    [
        ("x;python_version=='3.5' or python_version=='3.6'", "3.6", True),
        ("x;python_version=='3.3' or python_version=='3.4'", "3.6", False),
        ("x;python_version>'3.6'", "3.6", False),
        ("x;python_version>='3.10'", "3.9", False),
        ("x;platform_system=='Linux'", "3.9", True),
        ("x;sys_platform=='win32'", "3.9", False),
        ("x;extra=='y'", "3.9", False),
        ("monotonic:0.6", "3.9", False),
        ("x @ https://example.test/x.zip", "3.9", True),
    ],
)
def test_markers_are_for_a_python(line: str, python: str, is_there: bool) -> None:
    assert bool(parse_lines(line, Python(python))) == is_there


@pytest.mark.parametrize(
    ("versions", "lower"),
    [
        ("!= 1.2.5,>= 1.2.3", ">= 1.2.3"),
        ("<= 1.2.9,>= 1.2.3", ">= 1.2.3"),
        ("!= 1.2.5,!= 1.2.3", "!= 1.2.5,!= 1.2.3"),
        ("~= 1.4", ">= 1.4"),
        ("== 2", "== 2"),
        ("", ""),
        ("> 1", "> 1"),
        (">= 1.0rc1", ">= 1.0~rc1"),
        ("< 2.0.dev0", "< 2.0~~dev0"),
        ("!= 1.5,< 2", "< 2"),
        ("== 1.*", ">= 1"),
        ("=== 1.0", "== 1.0"),
        (">= 1!2.0", ">= 1:2.0"),
        (">= 2004d", ">= 2004d"),
    ],
)
def test_a_spec_can_say_the_least_version(versions: str, lower: str) -> None:
    assert Wanted("x", versions).lower == lower


def test_versions_that_are_excluded_are_not_accepted() -> None:
    one = Wanted("x", ">= 1,!= 1.5,< 3")

    assert [text for text in ("0.9", "1.4", "1.5", "2.0", "3.0") if one.accepts(text)] == [
        "1.4",
        "2.0",
    ]


def groups(rows: list[Checked]) -> dict[str, Group]:
    return {row.name: row.group for row in rows}


def test_a_spec_may_name_a_project_in_any_way() -> None:
    wanted = [Wanted("PyYAML", ">= 5"), Wanted("oslo.config"), Wanted("python-dateutil")]
    spec = [
        Stated("python-yaml", ">= 5.0"),
        Stated("python-oslo-config"),
        Stated("python-dateutil", ">= 2"),
    ]

    rows = check(wanted, spec, Overrides({}))

    assert groups(rows) == {
        "python-pyyaml": Group.MET,
        "python-oslo-config": Group.MET,
        "python-dateutil": Group.MISMATCH,
    }


def test_what_upstream_asked_for_before_was_removed() -> None:
    rows = check([], [Stated("python-old"), Stated("httpd")], Overrides({}), ["Old"])

    assert groups(rows) == {"python-old": Group.REMOVED, "httpd": Group.EXCESS}


def test_a_difference_knows_what_a_requirement_is_for() -> None:
    old = [Wanted("a", ">= 1"), Wanted("b"), Wanted("b", "", RequirementKind.TEST)]
    new = [
        Wanted("A", ">= 2"),
        Wanted("b", ">= 3", RequirementKind.TEST),
        Wanted("c"),
        Wanted("d", "", RequirementKind.EXTRA, extra="fast"),
    ]

    found = difference(old, new)

    assert found.text() == (
        "\nADDED:\n  c\n  d  (extra fast)\n\nCHANGED:\n  A >= 2  (was >= 1)\n"
        "  b >= 3  (was not capped)  (test)\n\nREMOVED:\n  b\n"
    )
    assert difference(old, old).text() == "\nno requirements changed\n"


def test_a_version_that_was_not_capped_is_reported() -> None:
    assert "a >= 1  (was not capped)" in difference([Wanted("a")], [Wanted("a", ">= 1")]).text()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sed -i /x/d a.txt b.txt", (["-e", "/x/d"], ["a.txt", "b.txt"])),
        ("sed -i -e 's/a/b/' -e 's/c/d/' f", (["-e", "s/a/b/", "-e", "s/c/d/"], ["f"])),
        ("sed -i.bak 's/a/b/' f", (["-e", "s/a/b/"], ["f"])),
        ("sed -ri 's/a+/b/' f", (["-r", "-e", "s/a+/b/"], ["f"])),
        ("sed -n 's/a/b/p' f", None),
        ("sed -i s/a/b/ f && rm x", None),
        ("sed -i 's/a", None),
    ],
)
def test_only_a_plain_sed_is_looked_at(
    line: str, expected: tuple[list[str], list[str]] | None
) -> None:
    assert plain_sed(line) == expected
