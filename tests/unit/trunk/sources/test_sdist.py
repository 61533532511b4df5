import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from rdo.errors import RefusedError
from rdo.trunk.sources.sdist import unpack
from tests.fakes.index import sdist


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for member, content in members:
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def test_the_top_folder_is_left_out_and_executable_files_stay_so(tmp_path: Path) -> None:
    script = tarfile.TarInfo("a-1/run")
    script.mode, script.mtime = 0o755, 5
    archive = tar(tmp_path / "a-1.tar.gz", (script, b"#!"), (tarfile.TarInfo("a-1/x/y"), b""))

    newest = unpack(archive, tmp_path / "out")

    assert newest == 5
    assert (tmp_path / "out/run").stat().st_mode & 0o100
    assert (tmp_path / "out/x/y").is_file()
    assert not (tmp_path / "out.unpacked").exists()


def test_a_repository_inside_is_left_out(tmp_path: Path) -> None:
    archive = tmp_path / "a-1.tar.gz"
    archive.write_bytes(sdist("a-1", {"x": "", "sub/.git/config": "", ".gitignore": ""}))

    unpack(archive, tmp_path / "out")

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".gitignore", "x"]


@pytest.mark.parametrize(
    "member",
    [
        link("a-1/out", "/etc/passwd"),
        link("a-1/out", "../../../etc/passwd"),
        link("a-1/out", "../../etc/passwd", tarfile.LNKTYPE),
        (tarfile.TarInfo("../evil"), b""),
        (tarfile.TarInfo("a-1/../../evil"), b""),
        link("a-1/fifo", "", tarfile.FIFOTYPE),
    ],
)
def test_a_member_that_leads_out_is_refused(
    tmp_path: Path, member: tuple[tarfile.TarInfo, bytes]
) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    archive = tar(tmp_path / "a-1.tar.gz", (tarfile.TarInfo("a-1/x"), b""), member)

    with pytest.raises(RefusedError, match=r"a-1\.tar\.gz cannot be unpacked safely"):
        unpack(archive, folder / "out")
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("names", [("a-1/x", "b-1/x"), ("x",), ()])
def test_an_archive_without_exactly_one_top_folder_is_refused(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    archive = tar(tmp_path / "a-1.tar.gz", *((tarfile.TarInfo(name), b"") for name in names))

    with pytest.raises(RefusedError, match="has not one folder at its top"):
        unpack(archive, tmp_path / "out")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a-1.tar.gz"
    archive.write_bytes(b"\x1f\x8b\x08garbage")

    with pytest.raises(RefusedError):
        unpack(archive, tmp_path / "out")


def test_an_archive_with_too_many_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rdo.trunk.sources.sdist.MAX_FILES", 2)
    archive = tmp_path / "a-1.tar.gz"
    archive.write_bytes(sdist("a-1", {"x": "", "y": "", "z": ""}))

    with pytest.raises(RefusedError, match="more than 2 files"):
        unpack(archive, tmp_path / "out")


def test_a_zip_file_is_unpacked_with_its_executable_files(tmp_path: Path) -> None:
    archive = tmp_path / "a-1.zip"
    with zipfile.ZipFile(archive, "w") as file:
        script = zipfile.ZipInfo("a-1/run", (2026, 1, 2, 3, 4, 6))
        script.external_attr = 0o100755 << 16
        file.writestr(script, "#!")

    assert unpack(archive, tmp_path / "out") == 1_767_323_046
    assert (tmp_path / "out/run").stat().st_mode & 0o100


def test_a_zip_file_that_leads_out_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a-1.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a-1/../../evil", "x")

    with pytest.raises(RefusedError):
        unpack(archive, tmp_path / "out")
