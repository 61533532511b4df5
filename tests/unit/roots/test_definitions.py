import dataclasses
from importlib import resources

import pytest

from rdo.errors import ConfigError, NotFoundError
from rdo.roots.debian.debian_rpms import known_names
from rdo.roots.platform.definition import (
    built_in_platform,
    built_in_platforms,
    parse_platform,
    with_sets,
)

DEB12 = built_in_platform("deb12-x86_64")


@pytest.mark.parametrize("name", built_in_platforms())
def test_a_platform_that_comes_with_rdo_can_be_read(name: str) -> None:
    assert built_in_platform(name).dist.startswith(".")


def test_each_name_of_the_rpm_world_stands_for_one_debian_package() -> None:
    tables = (DEB12.provides, DEB12.bridged)
    names = [name for table in tables for names in table.values() for name in names]

    assert not {name for name in names if names.count(name) > 1}
    assert not DEB12.provides.keys() & DEB12.bridged.keys()


def test_a_package_is_known_by_its_table_but_not_by_paths_or_by_itself() -> None:
    platform = dataclasses.replace(
        DEB12, provides={"x": ("x", "y")}, bridged={"x": ("y", "z", "/usr/bin/x")}
    )

    assert known_names(platform, "x") == ["y", "z"]
    assert known_names(platform, "other") == []


def test_the_users_are_those_of_packages_that_are_bridged() -> None:
    assert DEB12.users.keys() <= DEB12.bridged.keys()


def test_a_name_of_the_table_may_have_parentheses() -> None:
    text = (resources.files("rdo.roots") / "definitions/deb12-x86_64.toml").read_text()
    names = '["rubygem(rexml)", "libfoo.so.1()(64bit)", "pkgconfig(x)"]'
    changed = text.replace("[bridged]\n", f"[bridged]\nruby-rexml = {names}\n")

    platform = parse_platform("x", changed, "x.toml")

    assert known_names(platform, "ruby-rexml") == [
        "rubygem(rexml)",
        "libfoo.so.1()(64bit)",
        "pkgconfig(x)",
    ]


@pytest.mark.parametrize("name", ["%(reboot)", "a b", "x(%{y})", "x((y))", "x(y"])
def test_a_name_of_the_table_is_no_macro_and_no_broken_name(name: str) -> None:
    text = (resources.files("rdo.roots") / "definitions/deb12-x86_64.toml").read_text()
    changed = text.replace("[bridged]\n", f'[bridged]\nruby-rexml = ["{name}"]\n')

    with pytest.raises(ConfigError, match=r"bridged\.ruby-rexml"):
        parse_platform("x", changed, "x.toml")


def test_a_set_stands_for_its_packages() -> None:
    names = with_sets(DEB12, ["gdisk", "@host", "dnf"])

    assert names[0] == "gdisk"
    assert {"systemd", "openssh-server", "dnf"} < set(names)
    assert len(names) == len(set(names))


def test_an_unknown_set_is_named_with_its_neighbour() -> None:
    with pytest.raises(NotFoundError, match=r'no set @hots; did you mean "host"\?'):
        with_sets(DEB12, ["@hots"])


def test_what_a_set_names_can_be_bridged_or_is_in_the_base() -> None:
    tables = (DEB12.provides, DEB12.bridged)
    known = {name for table in tables for names in table.values() for name in names}

    lacking = [name for names in DEB12.sets.values() for name in names if name not in known]

    assert [name for name in lacking if not name.startswith(("python3-", "deb("))] == []


EXTENDS = """\
extends = "deb12-x86_64"
dist = ".mine"
[bridged]
acl = []
mine = ["mine-devel"]
"""


def test_a_definition_that_extends_another_says_only_what_differs() -> None:
    platform = parse_platform("mine", EXTENDS, "mine.toml")

    assert (platform.dist, platform.suite, platform.packages) == (
        ".mine",
        "bookworm",
        DEB12.packages,
    )
    assert platform.bridged == {
        **{package: names for package, names in DEB12.bridged.items() if package != "acl"},
        "mine": ("mine-devel",),
    }


def test_what_extends_deb12_without_a_change_is_the_same_platform() -> None:
    assert parse_platform("deb12-x86_64", 'extends = "deb12-x86_64"', "x") == DEB12


@pytest.mark.parametrize("other", ['"deb7"', "1", "[]", '["deb12-x86_64"]'])
def test_only_a_platform_that_comes_with_rdo_can_be_extended(other: str) -> None:
    with pytest.raises(ConfigError, match=r"^x\.toml:1: extends must name a platform"):
        parse_platform("x", f"extends = {other}\n", "x.toml")


def test_a_fault_in_what_is_added_is_reported_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"^x\.toml:4: bridged\.foo"):
        parse_platform("x", EXTENDS.replace("acl = []", 'foo = "bar"'), "x.toml")


@pytest.mark.parametrize("name", [one for one in built_in_platforms() if "x86_64" in one])
def test_each_platform_has_one_for_arm(name: str) -> None:
    there, here = built_in_platform(name.replace("x86_64", "aarch64")), built_in_platform(name)

    assert (there.arch, there.dist, there.packages) == ("aarch64", here.dist, here.packages)


def test_a_platform_may_have_a_python_that_its_base_has_not() -> None:
    platform = built_in_platform("deb11-x86_64")

    assert (platform.python, platform.base_python) == ("3.11", "3.9")
    assert platform.interpreter
    assert platform.interpreter.suite == DEB12.suite
    assert platform.python_program == "python3.11"
    assert not [name for name in platform.bridged if name.startswith("python3-")]


def test_the_python_of_a_platform_is_that_of_its_base_unless_it_names_another() -> None:
    assert DEB12.interpreter is None
    assert (DEB12.python, DEB12.base_python, DEB12.python_program) == ("3.11", "3.11", "python3")


@pytest.mark.parametrize("python", ["3.8", "3.9", "3.12", "3.99"])
def test_an_interpreter_that_cannot_be_had_is_one_error_with_those_that_can(python: str) -> None:
    text = f'extends = "deb11-x86_64"\n[interpreter]\npython = "{python}"\n'

    with pytest.raises(ConfigError) as raised:
        parse_platform("x", text, "x.toml")

    known = "3.11 (bookworm), 3.13 (trixie)"
    said = f"must name a Python that is newer than 3.9 and that a Debian suite has: {known}"
    assert str(raised.value) == f"x.toml:2: interpreter {said}"


def test_a_dnf_platform_takes_the_package_of_an_interpreter() -> None:
    text = 'extends = "el9s-x86_64"\n[interpreter]\npython = "3.12"\n'

    found = parse_platform("x", text, "x.toml")

    assert (found.python, found.base_python, found.python_program) == ("3.12", "3.9", "python3.12")
    assert {"python3", "python3.12"} <= set(found.packages)
    assert found.spec_requires["python3-devel"] == ("python3.12-devel",)
    assert found.own_python("python3dist(pbr) >= 2") == "python3.12dist(pbr) >= 2"
    assert found.own_python("(python3dist(a) or python3-b)") == "(python3.12dist(a) or python3-b)"


def test_python_requirements_stay_as_they_are_without_a_second_python() -> None:
    for name in ("el9s-x86_64", "deb11-x86_64"):
        assert built_in_platform(name).own_python("python3dist(a)") == "python3dist(a)"


@pytest.mark.parametrize("python", ["3.9", "3.6"])
def test_the_interpreter_of_a_dnf_platform_is_newer_than_the_base(python: str) -> None:
    text = f'extends = "el9s-x86_64"\n[interpreter]\npython = "{python}"\n'

    with pytest.raises(ConfigError) as raised:
        parse_platform("x", text, "x.toml")

    said = "interpreter must name a Python that is newer than the base's 3.9"
    assert str(raised.value) == f"x.toml:2: {said}"
