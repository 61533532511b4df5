import subprocess
import sys
from pathlib import Path

import click

import rdo

HEAVY = ("pydantic", "rich", "sqlalchemy", "yaml", "rpm", "solv", "createrepo_c")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from rdo.cli.main import run; run(['--help']);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr == "[]\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m rdo --help | head -n 1"

    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_where_only_packstack_is_installed_the_other_commands_name_the_package(
    tmp_path: Path,
) -> None:
    (tmp_path / "click").symlink_to(Path(click.__file__).parent)
    places = f"{Path(rdo.__file__).parents[1]}:{tmp_path}"

    done = {
        command: subprocess.run(
            [sys.executable, "-S", "-m", "rdo", *command.split()],
            env={"PATH": "/usr/bin", "PYTHONPATH": places},
            capture_output=True,
            text=True,
            check=False,
        )
        for command in ("deploy answers", "trunk status")
    }

    assert done["deploy answers"].returncode == 0, done["deploy answers"].stderr
    said = done["trunk status"].stderr
    assert done["trunk status"].returncode == 3, said
    assert said.startswith("rdo: error: the package rdo is not installed: No module named")
    assert "dnf install rdo; packstack and rdo deploy work without it" in said
