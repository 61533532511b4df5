"""Programs that outlive the process that started them."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from rdo.errors import CommandError
from rdo.model.program import Bounds, Limit
from rdo.tools.detached import CLAIM, STATUS, Detached, DetachedEnd, identity
from tests.patience import until


def start(folder: Path, *argv: str, bounds: Bounds | None = None) -> Detached:
    made = Detached(folder / "place")
    made.start(
        argv,
        log_file=folder / "log",
        cwd=folder,
        env={"FOLDER": "results"},
        bounds=bounds or Bounds(60, 1_000_000),
    )
    return made


def end_of(program: Detached) -> DetachedEnd:
    until(program.ended)
    ended = program.ended()
    assert ended is not None
    return ended


def test_a_program_is_found_again_by_its_place(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    script = f'echo "$FOLDER"; pwd; while [ ! -e {gate} ]; do sleep 0.02; done; exit 3'

    start(tmp_path, "sh", "-c", script)
    again = Detached(tmp_path / "place")
    assert again.was_started()
    assert again.ended() is None
    gate.touch()
    ended = end_of(again)

    assert ended.done is not None
    assert (ended.done.returncode, ended.done.limit, ended.was_full) == (3, None, False)
    assert (tmp_path / "log").read_text() == f"results\n{tmp_path}\n"


def test_it_has_a_session_of_its_own_and_no_file_of_ours(tmp_path: Path) -> None:
    with (tmp_path / "held").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        script = "import os, sys; print(os.getsid(0), sorted(os.listdir('/proc/self/fd')))"
        program = start(tmp_path, sys.executable, "-S", "-c", script)
        end_of(program)

    session, _, files = (tmp_path / "log").read_text().partition(" ")
    assert int(session) != os.getsid(0)
    assert len(json.loads(files.replace("'", '"'))) <= 4


@pytest.mark.parametrize(
    ("script", "bounds", "limit"),
    [
        ("sleep 600", Bounds(0.5, 1_000_000), Limit.TIME),
        (
            "while :; do echo aaaaaaaaaaaaaa; done",
            Bounds(60, 10_000),
            Limit.OUTPUT,
        ),
    ],
)
def test_its_bounds_hold_without_us(
    tmp_path: Path, script: str, bounds: Bounds, limit: Limit
) -> None:
    ended = end_of(start(tmp_path, "sh", "-c", script, bounds=bounds))

    assert ended.done is not None
    assert ended.done.limit is limit


def test_a_stopped_program_says_so(tmp_path: Path) -> None:
    program = start(tmp_path, "sleep", "600")

    program.stop()
    ended = end_of(program)
    program.stop()  # which has ended

    assert ended.done is not None
    assert ended.done.limit is Limit.CANCELLED


def test_a_program_that_is_not_there_leaves_the_reason(tmp_path: Path) -> None:
    ended = end_of(start(tmp_path, "/no/such/program"))

    assert ended == DetachedEnd(None, "/no/such/program is not installed")


def test_a_killed_watcher_is_seen(tmp_path: Path) -> None:
    program = start(tmp_path, "setpriv", "--pdeathsig", "KILL", "--", "sleep", "600")
    claimed = json.loads((tmp_path / "place" / CLAIM).read_text())
    assert identity(claimed["pid"]) == claimed

    os.kill(claimed["pid"], signal.SIGKILL)
    ended = end_of(program)

    assert ended == DetachedEnd(None, "it was killed, or the machine was restarted")
    assert not (tmp_path / "place" / STATUS).exists()


@pytest.mark.parametrize("changed", [{"started": 1}, {"boot": "another"}, {"pid": 1}])
def test_another_process_with_its_pid_is_not_taken_for_it(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    ours = identity(os.getpid())
    (place / CLAIM).write_text(json.dumps(ours))
    assert Detached(place).ended() is None

    (place / CLAIM).write_text(json.dumps({**ours, **changed}))

    assert Detached(place).ended() == DetachedEnd(
        None, "it was killed, or the machine was restarted"
    )


def test_a_place_that_was_asked_about_first_never_runs_anything(tmp_path: Path) -> None:
    program = Detached(tmp_path / "place")
    assert not program.was_started()
    assert program.ended() == DetachedEnd(None, "it was never started")
    program.stop()

    with pytest.raises(CommandError, match="exit status 1"):
        start(tmp_path, "touch", str(tmp_path / "ran"))

    assert not program.was_started()
    assert not (tmp_path / "ran").exists()


def test_a_zombie_is_dead(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    until(lambda: identity(pid) == {})
    assert Path(f"/proc/{pid}").exists()
    os.waitpid(pid, 0)
