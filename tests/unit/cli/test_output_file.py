"""A file that a command is to write is checked before the command does anything."""

from pathlib import Path

import pytest

from rdo.cli.main import run


@pytest.mark.parametrize(
    "command",
    [
        ["repo", "evidence", "1", "--output", "FILE"],
        ["repo", "sign-key", "export", "--output", "FILE"],
        ["platform", "check", "el9s-x86_64", "--record", "FILE"],
        ["promotion", "check", "--junit", "FILE"],
        ["deploy", "verify", "--junit", "FILE"],
        ["info", "verify", "--write-baseline", "FILE"],
        ["lab", "guest-image", "FILE"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    ("file", "told"), [("nowhere/x", "there is no folder "), ("", "is a directory")]
)
def test_a_place_where_no_file_can_be_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], file: str, told: str
) -> None:
    place = str(tmp_path / file)

    code = run([word.replace("FILE", place) for word in command])

    assert (code, told in capsys.readouterr().err) == (2, True)
