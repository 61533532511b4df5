"""The content store with real RPMs."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from rdo.errors import OutsideError
from rdo.roots.content import ContentStore
from tests.rpms import make_rpms

pytestmark = pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpmbuild is not installed")

ROOM = 10_000_000
"""More than all layers of a test take."""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def rpms(tmp_path: Path) -> list[Path]:
    return [make_rpms(tmp_path / "rpms", f"python-{name}")[1] for name in ("old", "new")]


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "content")


def unpack(store: ContentStore, rpms: list[Path]) -> list[Path]:
    """The layers of the RPMs, the first one used long ago."""
    layers = []
    for age, rpm in zip((1000, 10), rpms, strict=True):
        layer = store.layers({sha256(rpm): rpm})[sha256(rpm)]
        assert layer
        when = layer.stat().st_mtime - age
        os.utime(layer, (when, when))
        layers.append(layer)
    return layers


def test_what_was_used_longest_ago_leaves_first(store: ContentStore, rpms: list[Path]) -> None:
    old, new = unpack(store, rpms)
    assert store.shrink(ROOM) == 0

    removed = store.shrink(int(new.with_name(f"{new.name}.size").read_text()))

    assert removed == 1
    assert not old.exists()
    assert (new / "usr/share/python-new/file").exists()


def test_an_rpm_that_is_not_what_its_repository_says_is_refused(
    store: ContentStore, rpms: list[Path]
) -> None:
    with pytest.raises(OutsideError, match="does not match the metadata of its repository"):
        store.layers({sha256(rpms[0]): rpms[1]})

    assert not list(store.folder.glob("??/*"))


def test_what_was_removed_is_unpacked_again(store: ContentStore, rpms: list[Path]) -> None:
    unpack(store, rpms)

    assert store.shrink(0) == 2

    assert not list(store.folder.glob("??/*"))
    assert (unpack(store, rpms)[0] / "usr/share/python-old/file").exists()


def test_nothing_leaves_while_a_root_lives(store: ContentStore, rpms: list[Path]) -> None:
    layers = unpack(store, rpms)

    with store.in_use(), store.in_use():
        assert store.shrink(0) == 0

    assert all(layer.exists() for layer in layers)
    assert store.shrink(0) == 2


def test_what_a_killed_process_left_half_unpacked_leaves(store: ContentStore) -> None:
    half = store.folder / "ab/.cdef.1.2"
    (half / "usr").mkdir(parents=True)

    assert store.shrink(ROOM) == 0

    assert not half.exists()
