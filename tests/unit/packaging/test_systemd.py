"""The units that `rdo systemd install` writes."""

import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from tests.unit.docs.test_commands import parse

FOLDER = Path(__file__).parents[3] / "src/rdo/starter/systemd"
UNITS = sorted(FOLDER.iterdir())


def read(unit: Path) -> RawConfigParser:
    found = RawConfigParser(strict=True)
    found.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep case
    found.read(unit)
    return found


@pytest.mark.parametrize("unit", [u for u in UNITS if u.suffix == ".service"], ids=lambda u: u.name)
def test_what_a_service_runs_is_a_command(unit: Path) -> None:
    program, *args = shlex.split(read(unit)["Service"]["ExecStart"])

    assert program == "/usr/bin/rdo"
    parse(args)


@pytest.mark.parametrize("unit", [u for u in UNITS if u.suffix == ".timer"], ids=lambda u: u.name)
def test_a_timer_has_its_service(unit: Path) -> None:
    assert unit.with_suffix(".service").is_file()
    assert read(unit)["Install"]["WantedBy"] == "timers.target"


def test_systemd_reads_them(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for unit in UNITS:
        text = unit.read_text().replace("/usr/bin/rdo", "/bin/true")
        (tmp_path / unit.name.replace("@", "@demo")).write_text(text)

    units = [str(path) for path in tmp_path.iterdir() if path.is_file()]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )

    assert [line for line in done.stderr.splitlines() if "rdo-" in line] == []
