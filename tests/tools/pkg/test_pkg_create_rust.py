"""`rdo pkg create` refuses Rust by the build backend, before it fetches or makes anything."""

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from rdo.distgit.new_package.crates import CrateIndex
from rdo.distgit.new_package.create import NewPackageRequest, TrialBench, create
from rdo.distgit.new_package.rust import cargo_source, rust_backend
from rdo.errors import RefusedError
from rdo.tools.packaging.source_archive import SourceArchive
from tests.conftest import GitRepository
from tests.fakes.crate_index import served_index

MATURIN = '[build-system]\nrequires = ["maturin>=1,<2"]\nbuild-backend = "maturin"\n'
RUST = '[build-system]\nrequires = ["setuptools", "setuptools-rust>=1.7"]\n'


def nothing_may_be_opened() -> NoReturn:
    raise AssertionError("a root or the index was opened")


def bench() -> TrialBench:
    return TrialBench(
        nothing_may_be_opened,
        nothing_may_be_opened,
        lambda: datetime(2026, 1, 5, tzinfo=UTC),
        lambda _: None,
    )


@pytest.mark.parametrize("text", [MATURIN, RUST])
def test_a_repository_with_rust_is_refused_at_once(tmp_path: Path, text: str) -> None:
    upstream = GitRepository(tmp_path / "peel")
    upstream.commit("start", {"pyproject.toml": text, "Cargo.toml": "[package]\n"})

    with pytest.raises(RefusedError, match="peel is partly written in Rust") as caught:
        create(NewPackageRequest(upstream.url, tmp_path / "into"), bench())

    assert "--crates-index" in caught.value.hint
    assert "docs/how-to/package-rust.md" in caught.value.hint
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize(
    ("text", "backend"),
    [
        (MATURIN, "maturin"),
        (RUST, "setuptools-rust"),
        ('[build-system]\nrequires = ["setuptools_rust"]', "setuptools_rust"),
        ('[build-system]\nrequires = ["setuptools", "maturin-stubs"]', ""),
        ('[project]\nname = "maturin"', ""),
        ("[build-system]\nrequires = 1", ""),
        ("no toml [", ""),
        ("", ""),
    ],
)
def test_the_build_backend_tells_rust(text: str, backend: str) -> None:
    assert rust_backend(text) == backend


WORKSPACE = MATURIN + '[tool.maturin]\nmanifest-path = "src/rust/Cargo.toml"\n'


@pytest.mark.parametrize("place", ["Cargo.lock", "src/rust/Cargo.lock", "src/Cargo.lock"])
def test_the_crates_of_a_lock_are_fetched_wherever_it_is(tmp_path: Path, place: str) -> None:
    with served_index(tmp_path / "index") as index:
        index.add("tiny", "0.1.0")
        files = {"pyproject.toml": WORKSPACE, place: "".join(index.rows)}

        found = cargo_source(
            "peel", lambda name: files.get(name, ""), CrateIndex(index.url), tmp_path
        )

    assert found
    assert found.archive
    assert found.count == 1
    with tarfile.open(found.archive) as tar:
        assert "vendor/tiny-0.1.0/Cargo.toml" in tar.getnames()


def test_a_lock_without_crates_of_others_needs_no_archive(tmp_path: Path) -> None:
    own = '[[package]]\nname = "peel"\nversion = "1.0"\n'
    files = {"pyproject.toml": MATURIN, "Cargo.lock": own}

    found = cargo_source("peel", lambda name: files.get(name, ""), CrateIndex("http://x"), tmp_path)

    assert found
    assert found.archive is None


def test_rust_without_a_lock_is_refused_by_name(tmp_path: Path) -> None:
    files = {"pyproject.toml": WORKSPACE}

    with pytest.raises(RefusedError, match=r"no Cargo\.lock or src/rust/Cargo\.lock") as caught:
        cargo_source("peel", lambda name: files.get(name, ""), CrateIndex("http://x"), tmp_path)

    assert "package-rust.md" in caught.value.hint


def archive_of(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def test_one_file_of_an_archive_is_read(tmp_path: Path) -> None:
    path = archive_of(
        tmp_path / "x.tar.gz",
        {"x-1/a": b"a", "x-1/sub/pyproject.toml": b"no", "x-1/pyproject.toml": b"\xffyes"},
    )

    assert SourceArchive(path).read("pyproject.toml") == b"\xffyes"
    assert SourceArchive(path).read("missing") is None


def test_an_archive_that_cannot_be_read_has_no_files(tmp_path: Path) -> None:
    (tmp_path / "bad.tar.gz").write_bytes(b"\x1f\x8b not gzip")
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 8 << 30  # a name of eight gigabytes
    (tmp_path / "long.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) + b"\0" * 4096)

    assert SourceArchive(tmp_path / "bad.tar.gz").read("x") is None
    assert SourceArchive(tmp_path / "long.tar").read("x") is None
    assert SourceArchive(tmp_path / "none").read("x") is None
