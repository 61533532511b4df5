import importlib
import re
from importlib import resources

from rdo.roots.platform.definition import built_in_platform
from rdo.roots.programs import PROGRAM_FOLDER, PROGRAM_PACKAGES, RootProgram

ROOTS = resources.files("rdo.roots")
CALL = re.compile(r"%\{_rpmrdodir\} (\w+)")


def _modules() -> list[str]:
    return [
        f"rdo.roots.{folder.replace('/', '.')}.{one.name.removesuffix('.py')}"
        for folder in PROGRAM_PACKAGES
        for one in (ROOTS / folder).iterdir()
        if re.fullmatch(r"[a-z]\w*\.py", one.name)
    ]


def _called_by_rpmbuild() -> set[str]:
    texts = [one.read_text() for one in (ROOTS / "macros").iterdir() if one.is_file()]
    return {name for text in texts for name in CALL.findall(text)}


def test_each_program_is_a_file_with_a_main_and_each_such_file_a_program() -> None:
    modules = [importlib.import_module(name) for name in _modules()]
    programs = [one.__name__.rpartition(".")[2] for one in modules if hasattr(one, "main")]

    assert sorted(programs) == sorted(RootProgram)


def test_macros_call_programs_that_exist() -> None:
    called = _called_by_rpmbuild()

    assert called
    assert called <= set(RootProgram)


def test_macros_use_nothing_that_rpm_4_16_does_not_have() -> None:
    texts = [one.read_text() for one in (ROOTS / "macros").iterdir() if one.is_file()]

    newer = re.compile(r"\barg\[|\(arg\)|\bopt\.|%\{shescape:|%\{quote:")
    assert [found for text in texts for found in newer.findall(text)] == []


def test_macros_find_the_programs_where_the_layer_puts_them() -> None:
    text = (ROOTS / "macros" / "system.macros").read_text()

    place = re.search(r"^%_rpmrdodir +%\{_rpmconfigdir\}/(\w+)$", text, re.MULTILINE)
    assert place
    assert f"/usr/lib/rpm/{place[1]}" == PROGRAM_FOLDER


def test_programs_are_run_by_the_python_of_the_release() -> None:
    deb12, deb11 = map(built_in_platform, ("deb12-x86_64", "deb11-x86_64"))

    assert RootProgram.REPACK.command_on(deb12) == ("python3", PROGRAM_FOLDER, "repack")
    assert RootProgram.REPACK.command_on(deb11) == ("python3.11", PROGRAM_FOLDER, "repack")
