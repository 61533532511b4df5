"""Things that are made once for all factories are used only if nobody changed them."""

from pathlib import Path

import pytest

from rdo.roots.kept_products import keep, kept_files


def kept(folder: Path) -> Path:
    (folder / "new").mkdir(parents=True)
    (folder / "new/x.rpm").write_text("as it was made")
    keep(folder / "place", [folder / "new/x.rpm"])
    return folder / "place"


def test_what_is_kept_is_used_as_it_was_made(tmp_path: Path) -> None:
    place = kept(tmp_path)

    assert kept_files(place) == (place / "x.rpm",)
    assert kept_files(tmp_path / "none") == ()


@pytest.mark.parametrize("name", ["x.rpm", "y.rpm"])
def test_what_has_changed_since_is_not_used(tmp_path: Path, name: str) -> None:
    place = kept(tmp_path)
    (place / name).write_text("poisoned")

    assert kept_files(place) == ()
    assert not place.exists()  # so that it is made again


def test_what_is_incomplete_or_of_an_earlier_layout_is_made_again(tmp_path: Path) -> None:
    old, place = tmp_path / "old", kept(tmp_path)
    old.mkdir()
    (old / "x.rpm").write_text("of before hashes were kept")
    (place / "x.rpm").unlink()

    assert (kept_files(old), kept_files(place)) == ((), ())
    assert not old.exists()
    assert not place.exists()
    assert kept_files(kept(tmp_path / "again"))
