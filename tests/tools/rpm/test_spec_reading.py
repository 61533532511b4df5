"""One process of rpm reads many specs, each isolated from the others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rdo.errors import CommandError, RefusedError
from rdo.model.program import Completed
from rdo.run import run
from rdo.tools.children.reading.read_specs import NO_MODULE
from rdo.tools.rpm.rpmspec import Rpmspec, SpecQuestion, SpecReading
from rdo.tools.walls.sandbox import Sandbox

SPEC = """\
{top}
Name: demo
Version: 1
Release: 1%{{?dist}}%{{?leaked}}
Summary: A demo
License: MIT
%description
A demo.
"""


def spec(top: str = "") -> bytes:
    return SPEC.format(top=top).encode()


def counted(calls: list[int]) -> Callable[..., Completed]:
    def runner(*argv: Any, **options: Any) -> Completed:
        calls.append(len(argv))
        return run(*argv, **options)

    return runner


def test_all_readings_are_made_in_one_process(tmp_path: Path) -> None:
    calls: list[int] = []
    rpmspec = Rpmspec(Sandbox(counted(calls)))
    questions = [SpecQuestion(spec(), {"dist": f".el{number}"}) for number in range(64)]

    found = rpmspec.read_all(questions, tmp_path)
    again = rpmspec.read_all(questions, tmp_path)

    assert [one.release for one in found if isinstance(one, SpecReading)] == [
        f"1.el{number}" for number in range(64)
    ]
    assert again == found
    assert len(calls) == 1


def test_what_one_spec_does_is_not_seen_by_the_next(tmp_path: Path) -> None:
    leaking = spec("%global leaked .leak\n%{lua: rpm.define('dist .lua')}\n%undefine _bindir")
    ended = spec("%{lua: os.exit(0)}")
    killed = spec("%{lua: posix.kill(posix.getpid('pid'), 9)}")
    questions = [SpecQuestion(one, {"dist": ".x"}) for one in (leaking, ended, killed, spec())]

    first, second, third, last = Rpmspec().read_all(questions, tmp_path)

    assert isinstance(first, SpecReading)
    assert first.release == "1.lua.leak"
    assert isinstance(second, RefusedError)
    assert isinstance(third, RefusedError)
    assert isinstance(last, SpecReading)
    assert last.release == "1.x"


def test_what_a_spec_prints_is_no_answer(tmp_path: Path) -> None:
    text = spec("%(echo '{\"status\": 0}' >&2)\n%{lua: print('') io.stdout:write('[]')}")

    assert Rpmspec().read(text, tmp_path).release == "1"


def test_a_machine_without_rpms_module_is_reported(tmp_path: Path) -> None:
    def runner(*_: Any, **__: Any) -> Completed:
        return Completed(NO_MODULE, "", "No module named 'rpm'", 0.0)

    with pytest.raises(CommandError, match="has no module rpm") as raised:
        Rpmspec(Sandbox(runner)).read(spec(), tmp_path)

    assert "python3-rpm" in raised.value.hint
