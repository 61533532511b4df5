"""`rdo cache`: what it may remove, and what something still uses."""

import errno
import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rdo.cli import main
from rdo.roots.content import ContentStore
from rdo.roots.platform.platforms import Platforms

PLATFORM = "deb12-x86_64"
OLD = time.time() - 15 * 86400


@pytest.fixture
def platforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platforms:
    """A folder of platforms with one base layer in use, old ones, and one file of each kind."""
    found = Platforms(tmp_path / "platforms")
    monkeypatch.setenv("RDO_PLATFORMS", str(found.folder))
    (tmp_path / "rdo.toml").write_text("")
    folder = found.folder / PLATFORM
    base = found._base_folder(found.find(PLATFORM))
    for name in ("tree", "rpms"):
        (base / name).mkdir(parents=True)
    names = ("base-0ld", "macros-0ld", "host-0ld/layer", "wheels/1-a", "built-wheels/b", "debian/c")
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text("x" * 5000)
    for name in ("base-0ld", "macros-0ld"):
        os.utime(folder / name, (OLD, OLD))
    (folder / "host-0ld/in-use").touch()
    os.utime(folder / "host-0ld/in-use", (OLD, OLD))
    for name in ("cache/a_1_all.deb", "content/ab/cdef/etc/file", "content/ab/cdef.size"):
        (found.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (found.folder / name).write_text("5000")
    found.base(PLATFORM)  # writes the macros layer
    return found


@pytest.fixture
def ask(
    platforms: Platforms, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    def asked(*args: str) -> Any:
        assert main.run(["-C", str(tmp_path), "cache", *args, "--json"]) == 0
        return {one["kind"]: one for one in json.loads(capsys.readouterr().out)}

    return asked


def left(platforms: Platforms) -> set[str]:
    folder = platforms.folder / PLATFORM
    return {path.name.partition("-")[0] for path in folder.iterdir() if path.is_dir()}


def test_clean_removes_only_what_no_build_misses(
    platforms: Platforms, ask: Callable[..., Any]
) -> None:
    layers = platforms.base(PLATFORM).layers

    before = ask("size")
    planned = ask("clean", "--dry-run")
    was_kept = (platforms.folder / "cache/a_1_all.deb").exists()
    done = ask("clean", "--yes")

    assert was_kept
    assert planned == done
    assert set(done) == {"downloads", "layers", "images"}
    assert done["layers"]["frees"] == before["layers"]["frees"] >= 10_000
    assert all(layer.is_dir() for layer in layers)
    assert left(platforms) == {"base", "macros", "wheels", "built", "debian"}
    assert not list(platforms.folder.glob(f"{PLATFORM}/*-0ld"))
    assert not (platforms.folder / "cache/a_1_all.deb").exists()
    assert (platforms.folder / "content/ab/cdef").is_dir()


def test_clean_all_leaves_the_current_layers(platforms: Platforms, ask: Callable[..., Any]) -> None:
    ask("clean", "--all", "--yes")

    after = ask("size")

    assert {kind: one["frees"] for kind, one in after.items() if one["frees"]} == {}
    assert platforms.base(PLATFORM).tree.is_dir()
    assert not (platforms.folder / "content/ab").exists()
    assert not list(platforms.folder.glob(f"{PLATFORM}/*wheels/*"))


def test_nothing_that_a_build_uses_is_removed(
    platforms: Platforms, ask: Callable[..., Any]
) -> None:
    with ContentStore(platforms.content).in_use():
        done = ask("clean", "--all", "--yes")

    busy = {kind for kind, one in done.items() if one["is_busy"]}
    assert busy == {"layers", "content", "wheels", "debian"}
    assert (platforms.folder / PLATFORM / "base-0ld").is_dir()
    assert (platforms.folder / "content/ab/cdef").is_dir()


def test_neither_image_nor_layers_of_a_running_lab_are_removed(
    platforms: Platforms, ask: Callable[..., Any]
) -> None:
    with (platforms.folder / PLATFORM / "host-0ld/in-use").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        ask("clean", "--yes")

    assert {"base-0ld", "host-0ld"} <= {
        path.name for path in (platforms.folder / PLATFORM).iterdir()
    }


def test_a_layer_that_another_version_used_lately_stays(
    platforms: Platforms, ask: Callable[..., Any]
) -> None:
    (platforms.folder / PLATFORM / "macros-0ld").touch()

    ask("clean", "layers", "--yes")

    assert (platforms.folder / PLATFORM / "macros-0ld").is_dir()


def test_clean_asks_first(
    platforms: Platforms, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["-C", str(tmp_path), "cache", "clean", "downloads"]) == 5

    assert "--yes" in capsys.readouterr().err
    assert (platforms.folder / "cache/a_1_all.deb").exists()


def test_a_platform_that_nobody_may_write_is_used_all_the_same(
    platforms: Platforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(os, "utime", refuse)

    assert platforms.base(PLATFORM).tree.is_dir()
