"""The progress lines that a terminal shows below the log while builds run."""

from pathlib import Path

from rdo.cli.progress import _Display
from rdo.trunk.progress import RoundProgress
from tests.unit.trunk.samples import build

COMMIT = build(7, "python-a").commit


def shown(display: _Display) -> list[str]:
    return display.__rich__().plain.splitlines()


def test_each_build_is_shown_with_its_phase(tmp_path: Path) -> None:
    log, display = tmp_path / "build.log", _Display("beginning")
    display.watch(RoundProgress({7: COMMIT}, queued=2, ended=1, logs={7: log}))

    before = shown(display)
    log.write_text("Executing(%build): /bin/sh -e\n")
    building = shown(display)
    log.write_text("Executing(%build): /bin/sh -e\nExecuting(%check): /bin/sh -e\n")
    testing = shown(display)

    assert before[0].startswith("1 of 4 done, 1 running, 2 queued")
    assert before[1].strip() == f"{COMMIT}  0 s"
    assert building[1].endswith("%build")
    assert testing[1].endswith("%check")
