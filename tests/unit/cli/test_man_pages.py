import shutil
import subprocess
from pathlib import Path

import pytest

from rdo.cli import main
from rdo.cli.man_pages import man_pages, write_man_pages


def test_each_command_has_a_page_with_its_options() -> None:
    pages = man_pages()

    assert {f"rdo-{name}.1" for name in main.COMMANDS} < set(pages)
    assert "\\-\\-head\\-only" in pages["rdo-trunk-run.1"]
    assert ".BR rdo\\-trunk (1)" in pages["rdo-trunk-run.1"]
    assert ".SH EXIT STATUS" in pages["rdo.1"]


def test_groff_has_no_complaint(tmp_path: Path) -> None:
    groff = shutil.which("groff")
    if not groff:
        pytest.skip("groff is not installed")
    files = write_man_pages(tmp_path / "man1")

    command = [groff, "-man", "-Tutf8", "-ww", "-z", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_help_prints_the_help_of_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["help", "trunk", "run"]) == 0
    asked = capsys.readouterr().out
    assert main.run(["trunk", "run", "--help"]) == 0
    assert capsys.readouterr().out == asked

    assert main.run(["help", "trunk", "rnu"]) == 2
    assert 'did you mean "run"?' in capsys.readouterr().err
