"""`tests.e2e.command.rdo`: in a fork of a loaded process, a command is as in one of its own."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import Result, rdo
from tests.e2e.forked import FORKS


def alone(folder: Path, *args: str) -> Result:
    command = [sys.executable, "-m", "rdo", *args]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "args", [("--version",), ("trunk", "status"), ("no-such",), ("init", "made"), ("init", ".")]
)
def test_a_fork_says_and_does_the_same(tmp_path: Path, args: tuple[str, ...]) -> None:
    for name in ("fork", "alone"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rdo.toml").write_text("retries = 'many'\n")

    forked = rdo(*args, cwd=tmp_path / "fork", constraints=None)

    assert FORKS.is_running
    assert forked == alone(tmp_path / "alone", *args)
    assert [one.name for one in sorted(tmp_path.glob("fork/*"))] == [
        one.name for one in sorted(tmp_path.glob("alone/*"))
    ]


def test_a_command_has_the_folder_the_variables_and_the_umask_of_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RDO_DATA", "elsewhere")
    before = os.umask(0o002)
    try:
        rdo("init", "made", cwd=tmp_path, constraints=None)
    finally:
        os.umask(before)

    shown = rdo("config", "show", cwd=tmp_path / "made", constraints=None)

    assert re.search(r"\bdata\b.*elsewhere.*RDO_DATA", shown.stdout), shown
    assert stat.S_IMODE((tmp_path / "made/rdo.toml").stat().st_mode) == 0o664


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        rdo("serve", "--port", "0", cwd=tmp_path, constraints=None, timeout=1)

    assert not FORKS.is_running
    assert rdo("--version", cwd=tmp_path, constraints=None).code == 0
