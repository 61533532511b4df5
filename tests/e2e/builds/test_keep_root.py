"""`rdo build --keep-root`: the root of a failed build, entered later."""

import fcntl
from pathlib import Path

import pytest

from tests.e2e.builds.test_build import HEAD
from tests.e2e.command import PLATFORM, Result, needs_roots, rdo

pytestmark = needs_roots

FAILING = (
    HEAD.format(name="broken", more="BuildRequires: make")
    + """
%build
mkdir -p ../here
echo "what was made" > ../here/left
exit 7
"""
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    (folder / "broken.spec").write_text(FAILING)
    (folder / "rdo.toml").write_text('data = "data"\n')
    done = rdo("build", "broken.spec", "--keep-root", cwd=folder)
    assert done.code == 1, done.stderr
    assert "rdo platform shell --kept broken" in done.stderr
    return folder


def inside(place: Path, *words: str) -> Result:
    return rdo("platform", "shell", "--user", "--kept", "broken", "--", *words, cwd=place)


def test_the_root_of_a_failed_build_is_entered_later(place: Path) -> None:
    done = inside(place, "sh", "-c", "cat ../here/left; rpm -q make; touch ../here/mine")

    assert "what was made" in done.stdout
    assert "make-" in done.stdout
    assert "mine" in inside(place, "ls", "../here").stdout  # what is changed stays
    assert inside(place, "sh", "-c", "exit 9").code == 9


def test_a_root_that_somebody_is_in_is_neither_entered_nor_removed(place: Path) -> None:
    root = place / "data/roots/kept/broken"
    with (root / "in-use").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        busy = inside(place, "true")
        rdo("cache", "clean", "roots", "--yes", cwd=place)
        rdo("build", "broken.spec", "--keep-root", cwd=place)

    assert busy.code == 5
    assert "another shell is in the root broken" in busy.stderr
    assert (root / "kept.json").is_file()
    assert (root.parent / "broken-2/kept.json").is_file()


def test_kept_roots_are_a_cache_and_one_that_is_gone_is_reported(place: Path) -> None:
    sizes = {row["kind"]: row["size"] for row in rdo("cache", "size", "--json", cwd=place).json}
    done = rdo("cache", "clean", "roots", "--yes", cwd=place)

    gone = inside(place, "true")

    assert sizes["roots"] > 0
    assert done.code == 0
    assert gone.code == 4
    assert "no root is kept as 'broken'" in gone.stderr
    assert not list((place / "data/roots/kept").iterdir())


def test_a_platform_or_a_kept_root_must_be_named(tmp_path: Path) -> None:
    assert rdo("platform", "shell", cwd=tmp_path).code == 2
    assert rdo("platform", "shell", PLATFORM, "--", "true", cwd=tmp_path).code == 0
