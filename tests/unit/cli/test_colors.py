import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from rdo.cli import main

TOML = 'dta = "x"\n'


def on_terminal(folder: Path, *args: str, **environ: str) -> str:
    """What `rdo` prints on a terminal; both streams."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "rdo", *args]
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    env |= {"TERM": "xterm", **environ}
    with subprocess.Popen(
        command, cwd=folder, env=env, stdin=follower, stdout=follower, stderr=follower
    ) as running:
        os.close(follower)
        found = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            found += part
        running.wait()
    os.close(leader)
    return found.decode()


@pytest.mark.parametrize(
    ("args", "environ", "is_red"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        (("--color", "never"), {}, False),
        (("--color=always",), {"NO_COLOR": "1"}, True),
    ],
)
def test_an_error_is_red_on_a_terminal_unless_colours_are_off(
    tmp_path: Path, args: tuple[str, ...], environ: dict[str, str], is_red: bool
) -> None:
    (tmp_path / "rdo.toml").write_text(TOML)

    said = on_terminal(tmp_path, *args, "config", "show", **environ)

    assert ("\x1b[31merror" in said) == is_red
    assert ("\x1b[" in said) == is_red
    assert 'unknown key "dta"' in said


@pytest.mark.parametrize(("when", "is_colored"), [("auto", False), ("always", True)])
def test_a_table_in_a_pipe_has_colours_only_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], when: str, is_colored: bool
) -> None:
    (tmp_path / "rdo.yml").write_text("packages: 1\n")
    assert main.run(["--color", when, "info", "verify", "--info", str(tmp_path)]) == 2

    out = capsys.readouterr().out
    assert out.startswith("LEVEL")
    assert ("\x1b[" in out) == is_colored


def test_a_log_in_a_file_has_times_and_on_a_terminal_none(tmp_path: Path) -> None:
    (tmp_path / "rdo.toml").write_text(TOML)
    program = (
        "import logging; from rdo.cli import main;"
        "main.run(['platform', 'list']); logging.getLogger('rdo').warning('hello')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd="/", capture_output=True, text=True, check=True
    )
    day, moment, said = done.stderr.strip().split(" ", 2)
    assert (len(day), moment[-1], said) == (10, "Z", "warning: hello")

    assert main.run(["-q", "platform", "list"]) == 0
