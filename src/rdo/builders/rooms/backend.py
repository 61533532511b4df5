"""Ask a source's own build backend, inside a room."""

import json
from typing import Any

from rdo.builders.rooms.room import Room, limit_failure
from rdo.errors import RefusedError
from rdo.logs.reader import cause_of, one_line
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.roots.programs import RootProgram

_MOST_TEXT = 500
MAX_PASSES = 6
"""How many times a build backend may request more packages."""


def ask_backend(room: Room, program: RootProgram, *args: str) -> dict[str, Any] | Failed | Waiting:
    """Run a program inside the root until it needs nothing more, and return its answer.

    The program writes JSON to /builddir/answer.json; `needs` in it are RPM dependencies, which are
    installed before the program is called again, and `unusable` says what is wrong with the source.
    """
    if stopped := room.require(["python3dist(packaging)"]):
        return stopped
    for _ in range(MAX_PASSES):
        done = room.log(*program.command_on(room.root.base.platform), *args)
        if failed := limit_failure(done):
            return failed
        if done.returncode:
            return Failed(FailureReason.SOURCE, cause_of(room.tail()))
        answer = read_answer(room)
        if isinstance(answer, dict) and "unusable" in answer:
            return Failed(FailureReason.SOURCE, one_line(str(answer["unusable"])[:_MOST_TEXT]))
        if isinstance(answer, Failed) or "needs" not in answer:
            return answer
        if stopped := room.require(map(str, answer["needs"])):
            return stopped
    return Failed(
        FailureReason.SOURCE, f"the build backend still asked for requirements in pass {MAX_PASSES}"
    )


def read_answer(room: Room) -> dict[str, Any] | Failed:
    """Return the program's answer, which is not trusted: the source's code may have changed it."""
    try:
        answer = json.loads(room.read("answer.json"))
    except (FileNotFoundError, RefusedError, ValueError, RecursionError) as error:
        return Failed(FailureReason.SOURCE, f"the build backend gave no usable answer: {error}")
    if not isinstance(answer, dict) or not isinstance(answer.get("needs", []), list):
        return Failed(FailureReason.SOURCE, "the build backend gave no usable answer")
    return answer
