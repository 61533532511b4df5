import contextlib
import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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

    with pytest.raises(RefusedError, match="does not have exactly one folder at its top"):
        unpack(archive, tmp_path / "out")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a-1.tar.gz"
    archive.write_bytes(b"\x1f\x8b\x08garbage")

    with pytest.raises(RefusedError):
        unpack(archive, tmp_path / "out")


def test_an_archive_with_too_many_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rdo.archives.bounds.MAX_FILES", 2)
    archive = tmp_path / "a-1.tar.gz"
    archive.write_bytes(sdist("a-1", {"x": "", "y": "", "z": ""}))

    with pytest.raises(RefusedError, match="more than 2 files"):
        unpack(archive, tmp_path / "out")


def test_a_zip_file_that_says_two_things_is_refused(tmp_path: Path) -> None:
    """Python's zipfile would take the last one, whoever looked at the first."""
    archive = tmp_path / "a-1.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a-1/setup.py", "good")
        file.NameToInfo.clear()  # so that it does not warn
        file.writestr("a-1/setup.py", "evil")

    with pytest.raises(RefusedError, match=r"'a-1/setup\.py' is there twice"):
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


def pax(kind: bytes, size: int) -> bytes:
    """An archive that begins with a header which says that so many bytes describe the next."""
    info = tarfile.TarInfo("a-1/x")
    info.type, info.size = kind, size
    return gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + bytes(2048))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_of_any_size_is_not_read(tmp_path: Path, kind: bytes) -> None:
    archive = tmp_path / "a-1.tar.gz"
    archive.write_bytes(pax(kind, 3_000_000_000))

    with pytest.raises(RefusedError, match="one of its headers has more than"):
        unpack(archive, tmp_path / "out")


def test_a_path_of_any_depth_is_refused(tmp_path: Path) -> None:
    deep = tarfile.TarInfo("a-1/" + "d/" * 3000 + "x")
    archive = tar(tmp_path / "a-1.tar.gz", (deep, b""))

    with pytest.raises(RefusedError, match="folders deep"):
        unpack(archive, tmp_path / "out")


def test_links_inside_the_folder_stay(tmp_path: Path) -> None:
    archive = tar(
        tmp_path / "a-1.tar.gz",
        (tarfile.TarInfo("a-1/sub/x"), b"text"),
        link("a-1/soft", "sub/x"),
        link("a-1/sub/up", "../sub/x"),
        link("a-1/hard", "a-1/sub/x", tarfile.LNKTYPE),
    )

    unpack(archive, tmp_path / "out")

    assert {name: (tmp_path / "out" / name).read_text() for name in ("soft", "sub/up", "hard")} == {
        "soft": "text",
        "sub/up": "text",
        "hard": "text",
    }


def test_a_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    archive = tar(
        tmp_path / "a-1.tar.gz",
        link("a-1/out", "../victim"),
        (tarfile.TarInfo("a-1/out/file"), b"evil"),
    )
    (tmp_path / "victim").mkdir()

    with pytest.raises(RefusedError):
        unpack(archive, tmp_path / "out")
    assert list((tmp_path / "victim").iterdir()) == []


@settings(max_examples=150)
@given(st.data())
def test_a_changed_archive_is_unpacked_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    whole = bytearray(gzip.decompress(sdist("a-1", {"x": "text", "y/z": "more"})))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    archive = folder / "a-1.tar"
    archive.write_bytes(whole)

    with contextlib.suppress(RefusedError):
        unpack(archive, folder / "out")
