"""Upstream's requirements compared with those of a spec."""

from pathlib import Path

import pytest
from packaging.version import Version

from rdo.distgit.requirements.availability import AvailabilityState, judge
from rdo.distgit.requirements.declared import RequirementKind, Wanted
from rdo.distgit.requirements.reqcheck import (
    Checked,
    Group,
    Overrides,
    Stated,
    as_json,
    as_text,
    check,
    is_generated,
    keys_of,
)
from rdo.errors import ConfigError, NotFoundError
from rdo.python_names import pep440_version
from rdo.spec.text import SpecText

NONE = Overrides({})


@pytest.mark.parametrize(
    ("wanted", "spec", "group"),
    [
        pytest.param("", "", Group.MET, id="any version, and any is required"),
        pytest.param(">= 1.0", ">= 1.0", Group.MET, id="the same"),
        pytest.param(">= 1.0", ">= 1.0.0", Group.MET, id="the same, written otherwise"),
        pytest.param("== 1.0", "= 1.0", Group.MET, id="rpm writes one ="),
        pytest.param("~= 1.0", ">= 1.0", Group.MET, id="its lower part counts"),
        pytest.param(">= 1.0,< 2,!= 1.5", ">= 1.0", Group.MET, id="of several parts the least"),
        pytest.param(">= 1.0", "", Group.ANY, id="the spec takes any"),
        pytest.param(">= 1.1", ">= 1.0", Group.MISMATCH, id="another version"),
        pytest.param(">= 1.0", "> 1.0", Group.MISMATCH, id="another relation"),
        pytest.param("", ">= 1.0", Group.MISMATCH, id="the spec asks for more"),
        pytest.param(">= 1.0", ">= @x@", Group.MISMATCH, id="what is no version is another"),
    ],
)
def test_a_requirement_that_the_spec_has(wanted: str, spec: str, group: Group) -> None:
    [found] = check([Wanted("six", wanted)], [Stated("python-six", spec)], NONE)

    assert (found.group, found.name, found.versions) == (group, "python-six", spec)


@pytest.mark.parametrize(
    ("generated", "group"),
    [
        pytest.param(False, Group.MISSING, id="it is missing"),
        pytest.param(True, Group.MET, id="rpm adds it by itself"),
    ],
)
def test_a_requirement_that_the_spec_lacks(generated: bool, group: Group) -> None:
    [found] = check([Wanted("six", ">= 1.0")], [], NONE, generated=generated)

    assert (found.group, found.versions, found.is_generated) == (group, None, generated)


@pytest.mark.parametrize(
    "kind", [kind for kind in RequirementKind if kind is not RequirementKind.RUN]
)
def test_only_what_is_needed_to_run_counts(kind: RequirementKind) -> None:
    assert check([Wanted("six", kind=kind)], [], NONE) == []


@pytest.mark.parametrize(
    ("formerly", "group"),
    [
        pytest.param([], Group.EXCESS, id="upstream never asked for it"),
        pytest.param(["six"], Group.REMOVED, id="upstream asked for it earlier"),
    ],
)
def test_what_the_spec_has_and_nobody_asks_for(formerly: list[str], group: Group) -> None:
    [found] = check([], [Stated("python-six", ">= 1")], NONE, formerly)

    assert found == Checked(group, "python-six", versions=">= 1")


@pytest.mark.parametrize(
    ("override", "group", "wanted"),
    [
        pytest.param(">=2", Group.MISMATCH, ">= 2", id="another version"),
        pytest.param("1.0", Group.MISMATCH, "1.0", id="as it is written"),
        pytest.param(">= 1.0", Group.MET, ">= 1.0", id="what the spec has"),
    ],
)
def test_an_override_counts_instead(override: str, group: Group, wanted: str) -> None:
    overrides = Overrides({"python-six": override})

    [found] = check([Wanted("six", ">= 3")], [Stated("python-six", ">= 1.0")], overrides)

    assert (found.group, found.wanted, found.overridden) == (group, wanted, ">= 3")


def test_an_empty_override_leaves_out_the_requirement_on_both_sides() -> None:
    overrides = Overrides({"python3-six": ""})

    assert check([Wanted("six")], [Stated("python-six")], overrides) == []


@pytest.mark.parametrize(
    "name", ["python-six", "python3-six", "six", "python-Six", "python3.11-six"]
)
def test_an_override_is_found_by_any_spelling(name: str) -> None:
    assert Overrides({name: "1"}).of("python-six") == "1"
    assert Overrides({name: "1"}).of("python-seven") is None


@pytest.mark.parametrize(
    ("text", "package", "expected"),
    [
        pytest.param(
            "packages: {all: [{name: a, version: 1}], nova: [{name: b}]}",
            "nova",
            {"a": "1", "b": ""},
            id="those for all and those for the package",
        ),
        pytest.param(
            "packages: {all: [{name: a, version: 1}], nova: [{name: a, version: 2}]}",
            "nova",
            {"a": "2"},
            id="the package's own goes before",
        ),
        pytest.param("packages: {nova: [{name: b}]}", "glance", {}, id="another package's"),
        pytest.param("packages: {all: }", "nova", {}, id="none"),
    ],
)
def test_overrides_are_read(
    tmp_path: Path, text: str, package: str, expected: dict[str, str]
) -> None:
    file = tmp_path / "overrides.yml"
    file.write_text(text)

    assert Overrides.read(file, package).versions == expected


@pytest.mark.parametrize("text", ["", "[]", "packages: {all: [{version: 1}]}", "packages: 1", "{"])
def test_a_malformed_override_file_is_one_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "overrides.yml"
    file.write_text(text)

    with pytest.raises(ConfigError):
        Overrides.read(file, "nova")
    with pytest.raises(NotFoundError):
        Overrides.read(tmp_path / "none.yml", "nova")


@pytest.mark.parametrize(
    ("spec", "generated"),
    [
        pytest.param("%pyproject_install", True, id="the macro that does"),
        pytest.param("  %{pyproject_wheel}", True, id="in braces"),
        pytest.param("%py3_install", False, id="another macro"),
        pytest.param("# see %pyproject_install", False, id="only mentioned"),
        pytest.param(
            "%{?python_disable_dependency_generator}\n%pyproject_install", False, id="turned off"
        ),
    ],
)
def test_whether_rpm_generates_requirements(spec: str, generated: bool) -> None:
    assert is_generated(SpecText.parse(f"{spec}\n".encode())) is generated


@pytest.mark.parametrize(
    ("row", "text"),
    [
        pytest.param(Checked(Group.MET, "python-six"), "python-six", id="a name"),
        pytest.param(
            Checked(Group.MISMATCH, "python-six", ">= 2", ">= 1"),
            "python-six >= 2  (>= 1 in .spec)",
            id="both versions",
        ),
        pytest.param(
            Checked(Group.MET, "python-six", ">= 2", is_generated=True),
            "python-six >= 2  (generated)",
            id="generated",
        ),
        pytest.param(
            Checked(Group.MET, "python-six", ">= 2", ">= 2", overridden=">= 3"),
            "python-six >= 2  (>= 2 in .spec, >= 3 has been overridden in requirements file)",
            id="overridden",
        ),
        pytest.param(
            Checked(Group.MET, "python-six", ">= 2", sign="+"), "+ python-six >= 2", id="done"
        ),
        pytest.param(
            Checked(Group.MISSING, "python-six", trouble="no place"),
            "python-six no place",
            id="not done",
        ),
    ],
)
def test_a_row_as_rdopkg_writes_it(row: Checked, text: str) -> None:
    assert str(row) == text


ROWS = [
    Checked(Group.MISSING, "python-b", ">= 2"),
    Checked(Group.MET, "python-a", ">= 1", ">= 1"),
    Checked(Group.MISSING, "python-c"),
]


def test_the_groups_come_in_rdopkgs_order_and_only_those_with_something() -> None:
    assert as_text(ROWS, "* ") == (
        "MET:\n* python-a >= 1  (>= 1 in .spec)\n\nMISSING:\n* python-b >= 2\n* python-c"
    )
    assert as_text(ROWS, short=True).splitlines()[1] == "  python-a >= 1"
    assert as_text([]) == ""


def test_a_program_gets_every_group() -> None:
    assert as_json(ROWS) == (
        '{"met": [{"name": "python-a", "vers": ">= 1"}], "any": [], "excess": [], "mismatch": [],'
        ' "missing": [{"name": "python-b", "vers": null}, {"name": "python-c", "vers": null}],'
        ' "removed": []}'
    )


def test_a_project_is_known_by_all_names_that_specs_use() -> None:
    assert {"oslo-config"} <= keys_of("oslo.config")
    assert {"pyyaml"} <= keys_of("PyYAML")


def have(*versions: str) -> list[tuple[Version, str]]:
    return [(Version(pep440_version(one)), f"python3-six-{one}-1") for one in versions]


@pytest.mark.parametrize(
    ("wanted", "versions", "state", "best"),
    [
        pytest.param(">= 1", [], AvailabilityState.NOT_PACKAGED, "", id="nobody has it"),
        pytest.param(
            ">= 1", ["1.0", "2.0"], AvailabilityState.OK, "2.0", id="the highest that fits"
        ),
        pytest.param(
            ">= 1,< 2", ["1.5", "2.0"], AvailabilityState.OK, "1.5", id="a higher one does not fit"
        ),
        pytest.param("", ["0.1"], AvailabilityState.OK, "0.1", id="any"),
        pytest.param(">= 2", ["1.0"], AvailabilityState.TOO_OLD, "1.0", id="too old"),
        pytest.param("== 2", ["1.0"], AvailabilityState.TOO_OLD, "1.0", id="older than the one"),
        pytest.param("< 2", ["2.0", "3.0"], AvailabilityState.TOO_NEW, "3.0", id="too new"),
        pytest.param(
            ">= 1,< 2", ["0.5", "3.0"], AvailabilityState.TOO_OLD, "3.0", id="one of each"
        ),
        pytest.param(
            "=== x", ["1.0"], AvailabilityState.TOO_NEW, "1.0", id="what cannot be compared"
        ),
        pytest.param(
            "!= 1.0", ["1.0"], AvailabilityState.TOO_NEW, "1.0", id="just that one is excluded"
        ),
    ],
)
def test_what_repositories_have_for_a_requirement(
    wanted: str, versions: list[str], state: AvailabilityState, best: str
) -> None:
    found = judge(Wanted("six", wanted), have(*versions))

    assert (found.state, found.version) == (state, best)
    assert found.nvr == (f"python3-six-{best}-1" if best else "")
