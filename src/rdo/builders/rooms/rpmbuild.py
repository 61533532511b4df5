"""Run rpmbuild in a room: install BuildRequires, static and dynamic, then build."""

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from rdo.builders.rooms.room import Room, limit_failure
from rdo.builders.rooms.srpm import write_srpm
from rdo.builders.sources.spec_rpms import strangers
from rdo.builders.verdict import rpmbuild_failure
from rdo.errors import CommandError
from rdo.logs.reader import cause_of
from rdo.model.build import Built, Failed, FailureReason, Outcome, Waiting
from rdo.model.platform import Platform
from rdo.tools.rpm.unpacking import REQUIRES, parse_requires

MAX_PASSES = 10
"""How many times dynamic BuildRequires may request more packages."""

WITHOUT_TESTS = ("_without_tests 1", "_without_check 1")
"""Macros of `rpmbuild --without tests --without check`; %bcond only tests if they exist."""


class Stage(StrEnum):
    """How far a spec is built; only the whole build makes RPMs."""

    COMPILE = "compile"
    INSTALL = "install"
    FILES = "files"
    ALL = "all"


_STAGES = {
    Stage.COMPILE: ("-bc",),
    Stage.INSTALL: ("-bi",),
    Stage.FILES: ("-bi", "-bl"),
    Stage.ALL: ("-ba",),
}
"""The runs of rpmbuild that each stage takes."""

_MISSING_REQUIREMENTS = 11  # rpmbuild's exit status
_ASKED = """cd /builddir/SRPMS
rpm -qp --nosignature --qf "$0" *.buildreqs.nosrc.rpm
rm -f *.buildreqs.nosrc.rpm
"""


def build_spec(
    room: Room,
    spec: str,
    defines: Sequence[str],
    results: Path,
    *,
    skip_tests: bool = False,
    stage: Stage = Stage.ALL,
) -> Outcome:
    """Build the spec /builddir/SPECS/`spec`, whose sources are in place; RPMs go to `results`.

    A failed build, or one that stops at an earlier stage, leaves only its SRPM.

    With `skip_tests` rpmbuild skips %check. A spec that requires the packages for its tests only
    under `%if %{with tests}` or `%{with check}` then does not require them.
    """
    if skip_tests:
        defines = [*defines, *WITHOUT_TESTS]
    options = [part for define in defines for part in ("-D", define)]
    path = f"/builddir/SPECS/{spec}"
    static = static_requires(room, path, options)
    if isinstance(static, Failed):
        return static
    text = room.read(f"SPECS/{spec}").decode(errors="replace")
    if stopped := room.require([*static, *unsaid(text, room.root.base.platform)]):
        return stopped
    expected = write_srpm(room, path, options)  # first: a failed build must leave it
    if isinstance(expected, Failed):
        return expected
    stopped = _build(room, spec, options, stage, skip_tests=skip_tests)
    if isinstance(stopped, Failed):
        room.take_rpms("SRPMS", results)
    if stopped:
        return stopped
    if stage is not Stage.ALL:
        return Built(tuple(room.take_rpms("SRPMS", results)))
    made = (*room.take_rpms("RPMS", results), *room.take_rpms("SRPMS", results))
    return strangers(made, expected) or Built(made)


def _build(
    room: Room, spec: str, options: Sequence[str], stage: Stage, *, skip_tests: bool
) -> Failed | Waiting | None:
    """Build once the spec's own BuildRequires are met; None when the stage is reached."""
    path = f"/builddir/SPECS/{spec}"
    prepared: list[str] = []
    if _is_dynamic(room, spec):
        if stopped := _install_dynamic_requires(room, path, options):
            return stopped
        prepared = ["--noprep"]
    unchecked = ["--nocheck"] if skip_tests else []
    for run in _STAGES[stage]:
        noprep = prepared if run != "-bl" else []
        done = room.log("rpmbuild", run, *noprep, *unchecked, "--noclean", *options, path)
        if failed := limit_failure(done):
            return failed
        if done.returncode:
            return rpmbuild_failure(room.tail())
    return None


def _is_dynamic(room: Room, spec: str) -> bool:
    text = room.read(f"SPECS/{spec}")
    return re.search(rb"^%generate_buildrequires\b", text, re.MULTILINE) is not None


def _install_dynamic_requires(
    room: Room, path: str, options: Sequence[str]
) -> Failed | Waiting | None:
    """Run %prep, then %generate_buildrequires until it requests nothing new."""
    for number in range(MAX_PASSES):
        prepared = ["--noprep"] if number else []
        done = room.log("rpmbuild", "-br", *prepared, *options, path)
        if failed := limit_failure(done):
            return failed
        asked = _asked(room)
        if done.returncode not in {0, _MISSING_REQUIREMENTS}:
            return rpmbuild_failure(room.tail())
        if set(map(room.root.base.platform.own_python, asked)) <= room.wanted:
            return None
        if stopped := room.require(asked):
            return stopped
    detail = f"%generate_buildrequires asked for more in each of {MAX_PASSES} passes"
    return Failed(FailureReason.SPEC, detail)


def static_requires(room: Room, path: str, options: Sequence[str]) -> list[str] | Failed:
    """Return the BuildRequires of the spec; a spec that rpm cannot parse is a failure."""
    try:
        done = room.root.ask("rpmspec", "-q", "--buildrequires", *options, path, timeout=120)
    except CommandError as error:
        return _unreadable(error)
    return [line for line in done.stdout.splitlines() if line]


def _unreadable(error: CommandError) -> Failed:
    """Return the failure of a spec that rpm cannot read, from rpm's output."""
    return Failed(FailureReason.SPEC, cause_of(str(error).partition("\n")[2], str(error)))


def unsaid(text: str, platform: Platform) -> list[str]:
    """Return the undeclared requirements of a spec, by the platform's table."""
    table = platform.spec_requires
    return [need for words, needs in table.items() if words in text for need in needs]


def _asked(room: Room) -> set[str]:
    """Return the BuildRequires of the last pass, static ones included."""
    done = room.root.ask("sh", "-c", _ASKED, REQUIRES)
    return set(parse_requires(done.stdout))
