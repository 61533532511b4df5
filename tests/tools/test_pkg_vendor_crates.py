"""`rdo pkg vendor-crates`, with a small index of crates on loopback."""

import functools
import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rdo.cli import main

CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"
MANIFEST = '[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n{more}'


def archive(path: Path, files: dict[str, str], links: dict[str, str] | None = None) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, target in (links or {}).items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text.encode()), 0o644
            tar.addfile(info, io.BytesIO(text.encode()))


def row(name: str, version: str, source: str, checksum: str) -> str:
    text = f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = "{source}"\n'
    return text + (f'checksum = "{checksum}"\n' if checksum else "")


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class Index:
    """A sparse index below a folder that is served, and a source that needs its crates."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.rows: list[str] = []
        (folder / "config.json").write_text(json.dumps({"dl": f"{url}/dl"}))

    def add(
        self, name: str, version: str, *, top: str = "", links: dict[str, str] | None = None
    ) -> Path:
        file = self.folder / "dl" / name / version / "download"
        file.parent.mkdir(parents=True)
        top = top or f"{name}-{version}"
        files = {
            f"{top}/Cargo.toml": MANIFEST.format(name=name, version=version, more=""),
            f"{top}/src/lib.rs": "pub fn two() -> i32 { 2 }\n",
        }
        archive(file, files, links)
        checksum = hashlib.sha256(file.read_bytes()).hexdigest()
        self.rows.append(row(name, version, CRATES_IO, checksum))
        return file

    def source(self, path: Path, *, lock: str = "Cargo.lock") -> Path:
        text = 'version = 3\n[[package]]\nname = "demo"\nversion = "1.0.0"\n'
        text += 'dependencies = ["tiny"]\n' + "".join(self.rows)
        more = '[dependencies]\ntiny = "0.1"\n'
        files = {
            "demo-1.0/Cargo.toml": MANIFEST.format(name="demo", version="1.0.0", more=more),
            "demo-1.0/src/main.rs": "fn main() { assert_eq!(tiny::two(), 2); }\n",
            f"demo-1.0/{lock}": text,
        }
        archive(path, files)
        return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    (tmp_path / "index").mkdir()
    monkeypatch.chdir(tmp_path)
    handler = functools.partial(Handler, directory=str(tmp_path / "index"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Index(tmp_path / "index", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def vendored(index: Index, source: Path, *args: str, code: int = 0) -> None:
    command = ["pkg", "vendor-crates", str(source), "--index", f"sparse+{index.url}/", *args]
    assert main.run(command) == code


def unpacked(path: Path, into: Path) -> Path:
    into.mkdir(exist_ok=True)
    subprocess.run(["tar", "--extract", "--file", path, "--directory", into], check=True)
    return into


def test_the_crates_of_a_source_become_a_second_source(
    index: Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]
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


def test_cargo_builds_with_them_and_nothing_else(index: Index, tmp_path: Path) -> None:
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
    index: Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index.add("tiny", "0.1.0").write_bytes(b"something else")

    vendored(index, index.source(tmp_path / "demo-1.0.tar.gz"), code=6)

    assert "tiny/0.1.0/download is not what Cargo.lock says" in capsys.readouterr().err
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
    index: Index,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    source: str,
    checksum: str,
    said: str,
) -> None:
    index.rows.append(row("tiny", "0.1.0", source, checksum))

    vendored(index, index.source(tmp_path / "demo-1.0.tar.gz"), code=5)

    assert said in capsys.readouterr().err


@pytest.mark.parametrize("top", ["../tiny-0.1.0", "other-1.0", "/tmp/tiny-0.1.0"])
def test_a_crate_is_unpacked_in_its_own_folder_or_not_at_all(
    index: Index, tmp_path: Path, top: str
) -> None:
    index.add("tiny", "0.1.0", top=top)

    vendored(index, index.source(tmp_path / "demo-1.0.tar.gz"), code=5)

    assert not list(tmp_path.glob("*vendor*"))


def test_a_link_in_a_crate_leads_nowhere(index: Index, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    links = {"tiny-0.1.0/.cargo-checksum.json": str(tmp_path / "secret"), "tiny-0.1.0/up": ".."}
    index.add("tiny", "0.1.0", links=links)

    vendored(index, index.source(tmp_path / "demo-1.0.tar.gz"), "-o", "made.tar.xz")

    assert (tmp_path / "secret").read_text() == "x"
    with tarfile.open(tmp_path / "made.tar.xz") as tar:
        assert tar.getmember("vendor/tiny-0.1.0/.cargo-checksum.json").isreg()
        assert tar.getmember("vendor/tiny-0.1.0/up").issym()


def test_a_lock_elsewhere_is_named_and_one_that_is_missing_is_told(
    index: Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]
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
