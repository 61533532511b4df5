"""`rdo pkg vendor-crates`, with a small index of crates on loopback."""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rdo.cli import main
from tests.fakes.crate_index import CRATES_IO, CrateIndex, lock_row, served_index


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CrateIndex]:
    monkeypatch.chdir(tmp_path)
    with served_index(tmp_path / "index") as index:
        yield index


def vendored(index: CrateIndex, source: Path, *args: str, code: int = 0) -> None:
    command = ["pkg", "vendor-crates", str(source), "--index", f"sparse+{index.url}/", *args]
    assert main.run(command) == code


def unpacked(path: Path, into: Path) -> Path:
    into.mkdir(exist_ok=True)
    subprocess.run(["tar", "--extract", "--file", path, "--directory", into], check=True)
    return into


def test_the_crates_of_a_source_become_a_second_source(
    index: CrateIndex, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index.add("tiny", "0.1.0")
    index.add("sys", "0.9.8+1.5.2")
    source = index.source(tmp_path / "demo-1.0.tar.gz")

    vendored(index, source, "--json")
    answer: Any = json.loads(capsys.readouterr().out)
    made = Path(answer["archive"])
    first = made.read_bytes()
    vendored(index, source)

    assert made.name == "demo-1.0-vendor.tar.xz"
    assert made.read_bytes() == first
    assert answer["sha256"] == hashlib.sha256(first).hexdigest()
    tree = unpacked(made, tmp_path / "tree")
    noted = json.loads((tree / "vendor/tiny-0.1.0/.cargo-checksum.json").read_text())
    assert noted == {"files": {}, "package": answer["crates"][1]["checksum"]}
    assert (tree / "vendor/sys-0.9.8+1.5.2/src/lib.rs").is_file()
    assert 'directory = "vendor"' in (tree / "vendor-config.toml").read_text()


def cargo(folder: Path, *args: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "CARGO_HOME": str(folder / ".home")}
    command = [shutil.which("cargo") or "", *args]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_cargo_builds_with_them_and_nothing_else(index: CrateIndex, tmp_path: Path) -> None:
    if not shutil.which("cargo") or cargo(tmp_path, "--version").returncode:
        pytest.skip("there is no cargo that runs without a home folder")
    index.add("tiny", "0.1.0")
    source = index.source(tmp_path / "demo-1.0.tar.gz")
    vendored(index, source, "-o", "crates.tar.xz")
    top = unpacked(source, tmp_path / "tree") / "demo-1.0"
    unpacked(tmp_path / "crates.tar.xz", top)
    (top / ".cargo").mkdir()
    (top / "vendor-config.toml").rename(top / ".cargo/config.toml")

    done = cargo(top, "metadata", "--locked", "--offline", "--format-version=1")

    assert done.returncode == 0, done.stderr
    assert f"{top}/vendor/tiny-0.1.0/Cargo.toml" in done.stdout


def test_a_crate_that_is_not_what_the_lock_says_is_refused(
    index: CrateIndex, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index.add("tiny", "0.1.0").write_bytes(b"something else")

    vendored(index, index.source(tmp_path / "demo-1.0.tar.gz"), code=6)

    assert "tiny/0.1.0/download does not have the checksum in Cargo.lock" in capsys.readouterr().err
    assert not list(tmp_path.glob("*vendor*"))


@pytest.mark.parametrize(
    ("source", "checksum", "said"),
    [
        ("git+https://git.example.org/tiny#1a2b", "", "the crate tiny comes from git+https"),
        ("registry+https://other.example.org/index", "0" * 64, "not from crates.io"),
        (CRATES_IO, "", "Cargo.lock has no checksum of the crate tiny"),
    ],
)
def test_crates_that_no_index_has_are_refused_by_name(
    index: CrateIndex,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    source: str,
    checksum: str,
    said: str,
) -> None:
    index.rows.append(lock_row("tiny", "0.1.0", source, checksum))

    vendored(index, index.source(tmp_path / "demo-1.0.tar.gz"), code=5)

    assert said in capsys.readouterr().err


@pytest.mark.parametrize("top", ["../tiny-0.1.0", "other-1.0", "/tmp/tiny-0.1.0"])
def test_a_crate_is_unpacked_in_its_own_folder_or_not_at_all(
    index: CrateIndex, tmp_path: Path, top: str
) -> None:
    index.add("tiny", "0.1.0", top=top)

    vendored(index, index.source(tmp_path / "demo-1.0.tar.gz"), code=5)

    assert not list(tmp_path.glob("*vendor*"))


def test_a_link_in_a_crate_leads_nowhere(index: CrateIndex, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    links = {"tiny-0.1.0/.cargo-checksum.json": str(tmp_path / "secret"), "tiny-0.1.0/up": ".."}
    index.add("tiny", "0.1.0", links=links)

    vendored(index, index.source(tmp_path / "demo-1.0.tar.gz"), "-o", "made.tar.xz")

    assert (tmp_path / "secret").read_text() == "x"
    with tarfile.open(tmp_path / "made.tar.xz") as tar:
        assert tar.getmember("vendor/tiny-0.1.0/.cargo-checksum.json").isreg()
        assert tar.getmember("vendor/tiny-0.1.0/up").issym()


def test_a_lock_elsewhere_is_named_and_a_missing_lock_is_reported(
    index: CrateIndex, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index.add("tiny", "0.1.0")
    source = index.source(tmp_path / "demo-1.0.tar.gz", lock="src/rust/Cargo.lock")

    vendored(index, source, code=4)
    assert "contains no Cargo.lock" in capsys.readouterr().err
    vendored(index, source, "--lock", "src/rust/Cargo.lock")

    unpacked(source, tmp_path / "tree")
    vendored(index, tmp_path / "tree/demo-1.0/src/rust/Cargo.lock", "-o", "two.tar.xz")
    same = (tmp_path / "two.tar.xz", tmp_path / "demo-1.0-vendor.tar.xz")
    assert same[0].read_bytes() == same[1].read_bytes()
