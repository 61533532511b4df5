"""`rdo pkg create` refuses Rust by the build backend, before anything is fetched or made for it."""

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from rdo.distgit.new_package.create import NewPackageRequest, TrialBench, create
from rdo.distgit.new_package.source import rust_backend
from rdo.errors import RefusedError
from rdo.tools.packaging.source_archive import SourceArchive
from tests.conftest import GitRepository

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
