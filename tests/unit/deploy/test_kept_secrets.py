"""Secrets of a cloud: made once, for their owner alone."""

import stat
from pathlib import Path

import pytest

from rdo.deploy.kept_secrets import KeptSecrets
from rdo.errors import RefusedError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_made_once_and_never_lost(tmp_path: Path) -> None:
    kept = KeptSecrets(tmp_path / "clouds/one")

    first = kept.make(["A", "B"])
    second = kept.make(["B", "C"])

    assert second["A"] == first["A"]
    assert second["B"] == first["B"]
    assert kept.read() == second
    assert len({*second.values()}) == 3
    assert {len(one) for one in second.values()} == {32}


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    kept = KeptSecrets(tmp_path / "one")
    kept.make(["A"])

    assert mode(kept.folder) == 0o700
    assert mode(kept.folder / "secrets.json") == 0o600


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    assert KeptSecrets(tmp_path / "one").read() == {}
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize("content", ["", "[1]", '{"A": 1}', '{"A": "x"'])
def test_a_damaged_file_is_reported_and_kept(tmp_path: Path, content: str) -> None:
    kept = KeptSecrets(tmp_path / "one")
    kept.make(["A"])
    (kept.folder / "secrets.json").write_text(content)

    with pytest.raises(RefusedError, match="is damaged"):
        kept.make(["B"])

    assert (kept.folder / "secrets.json").read_text() == content


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    kept = KeptSecrets(tmp_path / "one")
    kept.make(["A"])
    (kept.folder / "secrets.json").chmod(0o644)

    with pytest.raises(RefusedError, match="others can read"):
        kept.read()


def test_what_a_killed_process_left_is_no_obstacle(tmp_path: Path) -> None:
    kept = KeptSecrets(tmp_path / "one")
    before = kept.make(["A"])
    (kept.folder / ".secrets.json.new").write_text('{"A"')

    assert kept.make(["B"])["A"] == before["A"]
