"""The table of keys is complete and consistent."""

import ast
import re
from pathlib import Path

import pytest

import rdo.deploy
from rdo.deploy.keys import Key, KeyGroup, Kind, Support, load_keys
from rdo.deploy.machine import ThisMachine
from rdo.deploy.value_checks import fault_of

TABLE = load_keys()
HERE = ThisMachine("10.0.0.5", "host.example.test")


def test_all_keys_of_packstack_are_there() -> None:
    assert len(TABLE.keys) == 292
    assert sum(len(group.keys) for group in TABLE.groups) == 292
    assert len(TABLE.groups) == 61


def test_each_has_an_option_of_its_own_and_a_sentence() -> None:
    options = [key.option for key in TABLE]

    assert len(set(options)) == len(options)
    assert [key.name for key in TABLE if not re.fullmatch(r"\S.*\.", key.help)] == []


def test_28_have_no_option_and_what_is_made_is_masked() -> None:
    assert sum(key.hidden for key in TABLE) == 28
    assert all(key.secret for key in TABLE if key.is_made)


def test_an_old_name_means_one_key_and_is_none() -> None:
    old = [name for key in TABLE for name in key.old]

    assert len(old) == len(set(old)) == 39
    assert not set(old) & TABLE.keys.keys()


@pytest.mark.parametrize("group", TABLE.groups, ids=lambda group: group.name)
def test_a_condition_is_about_keys_and_values_that_exist(group: KeyGroup) -> None:
    for name, wanted in group.when.items():
        key = TABLE.keys[name]
        allowed = {*key.choices, "*"} | ({"y", "n"} if key.kind is Kind.YES_NO else set())
        assert set(wanted) <= allowed, name


@pytest.mark.parametrize("key", [key for key in TABLE if not key.is_made], ids=lambda key: key.name)
def test_a_default_is_what_its_key_can_have(key: Key) -> None:
    value = HERE.fill(key.default)

    assert not value or fault_of(key, value) == ""


def test_the_default_cloud_has_no_fault() -> None:
    values = {key.name: HERE.fill(key.default) for key in TABLE}
    active = [key for group in TABLE.groups if group.is_active(values) for key in group.keys]

    assert [key.name for key in active if not key.is_made and fault_of(key, values[key.name])] == []


def test_what_is_refused_has_a_reason_and_what_is_used_is_not_refused() -> None:
    assert {key.support for key in TABLE} >= {Support.LATER, Support.REFUSED}
    assert [key.name for key in TABLE if key.used and key.refused] == []


def test_a_key_is_used_exactly_if_the_installer_reads_it() -> None:
    deploy = Path(rdo.deploy.__file__).parent
    files = [deploy / "cloud.py", deploy / "hosts.py", deploy / "kept_secrets.py"]
    files += [*deploy.glob("roles/*.py"), *deploy.glob("install/*.py")]
    words = {
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    known = "CONFIG_DEFAULT_PASSWORD"  # answers.py itself gives it to others

    assert {key.name for key in TABLE if key.used} == words & TABLE.keys.keys() | {known}
