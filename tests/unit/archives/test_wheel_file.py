"""A wheel is what was asked for, as a whole, or it is refused for one reason."""

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rdo.archives.wheel_file import check_wheel
from tests.wheels import TAGS, archive, metadata, record, wheel

NAME = "sour_lemon-1.0-py3-none-any.whl"
INFO = "sour_lemon-1.0.dist-info"
MODULE = "sour_lemon/__init__.py"
PROGRAM = "sour_lemon-1.0.data/scripts/lemon"
GOOD = wheel("sour-lemon", "1.0", {MODULE: "x = 1\n", PROGRAM: "#!python"})


def check(folder: Path, content: bytes, name: str = NAME, version: str = "1.0") -> None:
    path = folder / name
    path.write_bytes(content)
    check_wheel(path, "Sour.Lemon", version)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_whole_wheel_is_accepted(tmp_path: Path, compression: int) -> None:
    large = {MODULE: "x = 1\n" * 700_000, "sour_lemon/empty.py": ""}

    check(tmp_path, GOOD)
    check(tmp_path, wheel("sour-lemon", "1.0", large, compression=compression))


@pytest.mark.parametrize(
    ("name", "version", "reason"),
    [
        ("no-wheel-at-all-.whl", "1.0", "is not the name of a wheel"),
        ("requests-1.0-py3-none-any.whl", "1.0", "is not the name of Sour.Lemon 1.0"),
        (NAME, "1.1", "is not the name of Sour.Lemon 1.1"),
    ],
)
def test_a_file_name_must_be_what_was_asked_for(
    tmp_path: Path, name: str, version: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        check(tmp_path, GOOD, name, version)


def with_record(files: dict[str, str], rows: str) -> bytes:
    return wheel("sour-lemon", "1.0", {**files, f"{INFO}/RECORD": rows})


WHOLE = {
    f"{INFO}/METADATA": metadata("sour-lemon", "1.0").encode(),
    f"{INFO}/WHEEL": TAGS.encode(),
}
ROWS = record(WHOLE, f"{INFO}/RECORD")
OTHER = "requests-99.0.dist-info"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a zip archive"),
        (b"PK\x05\x06" + bytes(18), "has no .dist-info folder"),
        (GOOD[:-30], "not a zip archive|end of the zip archive"),
        (GOOD + b"x", "end of the zip archive"),
        (b"#!/bin/sh\n" + GOOD, "directory of the zip archive"),
        (wheel("requests", "99.0"), "its folder '" + OTHER),
        (wheel("sour-lemon", "1.0", {f"{OTHER}/METADATA": "x"}), "it has \\['requests"),
        (archive({f"{INFO}/RECORD": ROWS.encode()}), "it has no .*METADATA"),
        (
            wheel("sour-lemon", "1.0", {f"{INFO}/METADATA": metadata("requests", "99.0")}),
            "its METADATA is of 'requests' '99.0', not of Sour.Lemon 1.0",
        ),
        (
            wheel("sour-lemon", "1.0", {f"{INFO}/METADATA": metadata("sour-lemon", "1.1")}),
            "its METADATA is of 'sour-lemon' '1.1'",
        ),
        (
            wheel("sour-lemon", "1.0", {f"{INFO}/METADATA": "Name: sour-lemon\nName: requests\n"}),
            "must have one Name",
        ),
        (wheel("sour-lemon", "1.0", {f"{INFO}/WHEEL": "Wheel-Version: 2.0\n"}), "version 1 of"),
        (with_record({MODULE: "x"}, ROWS), f"does not name '{MODULE}'"),
        (with_record({}, f"{ROWS}{MODULE},,\n"), f"names '{MODULE}', which it does not have"),
        (with_record({}, ROWS + ROWS), "names .* twice"),
        (with_record({}, f"{ROWS}x,sha256=AA\n"), "2 fields instead of 3"),
        (with_record({MODULE: "x"}, f"{ROWS}{MODULE},,\n"), "has no hash of"),
        (with_record({MODULE: "x"}, f"{ROWS}{MODULE},md5=AAAA,1\n"), "has no hash of"),
        (with_record({MODULE: "x"}, f"{ROWS}{MODULE},sha256=AAAA,1\n"), "another hash of"),
        (with_record({MODULE: "x"}, f"{ROWS}{MODULE},sha256=AAAA,2\n"), "another size of"),
        (with_record({}, '"' + "x" * 200_000), "cannot be read"),
        (wheel("sour-lemon", "1.0", {"/etc/passwd": ""}), "leaves the folder"),
        (wheel("sour-lemon", "1.0", {"a/../../etc/passwd": ""}), "leaves the folder"),
        (wheel("sour-lemon", "1.0", {"a//b": ""}), "not a plain file name"),
        (wheel("sour-lemon", "1.0", {"./a": ""}), "not a plain file name"),
        (wheel("sour-lemon", "1.0", {"a\nb": ""}), "not a plain file name"),
        (wheel("sour-lemon", "1.0", {"C:\\x": ""}), "not a plain file name"),
        (wheel("sour-lemon", "1.0", {"a/" * 70 + "b": ""}), "folders deep"),
        (wheel("sour-lemon", "1.0", {"a" * 1100: ""}), "damaged|more than 1024 bytes"),
        (wheel("sour-lemon", "1.0", {"a": "", "a/b": ""}), "is a file and a folder"),
        (wheel("sour-lemon", "1.0", compression=zipfile.ZIP_BZIP2), "unusual method 12"),
        (wheel("sour-lemon", "1.0", {"sour_lemon-1.0.data/x/y": ""}), "no folder that wheels have"),
        (wheel("sour-lemon", "1.0", {"requests-99.0.data/scripts/y": ""}), "not that of"),
        (
            wheel("sour-lemon", "1.0", {"sour_lemon-1.0.data/scripts/a/b": ""}),
            "a program in a folder",
        ),
        (
            wheel("sour-lemon", "1.0", {"sour_lemon-1.0.data/data/lib/python3.11/os.py": ""}),
            "among the files of other packages",
        ),
    ],
)
def test_what_disagrees_is_refused_for_one_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        check(tmp_path, content)


def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO(GOOD)
    with zipfile.ZipFile(file, "a") as made:
        made.NameToInfo.clear()  # so that it does not warn
        made.writestr(MODULE, "evil = True\n")

    with pytest.raises(ValueError, match="is there twice"):
        check(tmp_path, file.getvalue())


@pytest.mark.parametrize(
    ("mode", "flags", "reason"),
    [
        (0o120777, 0, "neither a file nor a folder"),
        (0o010644, 0, "neither a file nor a folder"),
        (0o100644, 0x01, "is encrypted"),
        (0o100644, 0x40, "is encrypted"),
        (0o100644, 0x20, "is encrypted"),
    ],
)
def test_links_devices_and_secrets_are_refused(
    tmp_path: Path, mode: int, flags: int, reason: str
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        one = zipfile.ZipInfo("x")
        one.create_system, one.external_attr = 3, mode << 16
        made.writestr(one, "/etc/passwd")
        made.getinfo("x").flag_bits = flags

    with pytest.raises(ValueError, match=reason):
        check(tmp_path, file.getvalue())


def entry(content: bytes, name: bytes) -> int:
    """Where the directory's row of a file begins."""
    return content.rindex(name) - 46


def put(content: bytes, place: int, number: int) -> bytes:
    """The content with four bytes replaced by a number."""
    return content[:place] + struct.pack("<L", number) + content[place + 4 :]


@pytest.mark.parametrize(
    ("place", "number", "reason"),
    [
        (24, 7, "is not what the directory"),
        (24, 2**31, "more than 100000 files or 2 GiB"),
        (42, 2**30, "is missing"),
        (42, 0, "is not what the directory"),
    ],
)
def test_numbers_that_lie_are_refused(tmp_path: Path, place: int, number: int, reason: str) -> None:
    content = put(GOOD, entry(GOOD, MODULE.encode()) + place, number)

    with pytest.raises(ValueError, match=reason):
        check(tmp_path, content)


def test_a_bomb_is_noticed_before_it_is_unpacked_as_a_whole(tmp_path: Path) -> None:
    """The archive says 10 bytes, and its stream unpacks to 16 MiB."""
    digest = f"{MODULE},sha256=AAAA,10\n"
    content = with_record({MODULE: "\0" * (16 << 20)}, digest + ROWS)
    content = put(content, content.index(MODULE.encode()) - 30 + 22, 10)
    content = put(content, entry(content, MODULE.encode()) + 24, 10)

    with pytest.raises(ValueError, match="another size or sum than the archive says"):
        check(tmp_path, content)


def test_two_entries_cannot_share_their_bytes(tmp_path: Path) -> None:
    """The second one lies inside the content of the first."""
    inner = archive({"ab": b"x"})
    content = archive({"aa": inner, "ab": b"x"}, compression=zipfile.ZIP_STORED)
    content = put(content, entry(content, b"ab") + 42, content.index(inner))

    with pytest.raises(ValueError, match=r"shares bytes|is not what the directory"):
        check(tmp_path, content)


def test_a_second_directory_is_refused(tmp_path: Path) -> None:
    """zipfile would believe the locator of a zip64 directory that hides in a comment."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("x", "")
        made.getinfo("x").comment = b"PK\x06\x07" + bytes(16)

    with pytest.raises(ValueError, match="zip64"):
        check(tmp_path, file.getvalue())


def test_a_second_name_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        one = zipfile.ZipInfo("x")
        one.extra = struct.pack("<2HBL", 0x7075, 9, 1, 0) + b"evil"
        made.writestr(one, "")

    with pytest.raises(ValueError, match="second name"):
        check(tmp_path, file.getvalue())


BOUNDED = settings(
    derandomize=True,
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
CHANGE = st.tuples(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=4))


@BOUNDED
@given(st.lists(CHANGE, min_size=1, max_size=4), st.integers(0, 8))
def test_bytes_of_any_kind_are_refused_or_mean_what_zipfile_reads(
    tmp_path: Path, changes: list[tuple[int, bytes]], cut: int
) -> None:
    content = GOOD
    for place, new in changes:
        content = content[:place] + new + content[place + len(new) :]
    content = content[: len(content) - cut * (len(content) // 64)]

    try:
        check(tmp_path, content)
    except ValueError:
        return
    with zipfile.ZipFile(tmp_path / NAME) as theirs, zipfile.ZipFile(io.BytesIO(GOOD)) as ours:
        read = {name: theirs.read(name) for name in theirs.namelist()}
        assert read == {name: ours.read(name) for name in ours.namelist()}


@BOUNDED
@given(
    st.dictionaries(
        st.text(st.sampled_from("ab./\\-\n é"), min_size=1, max_size=8),
        st.text(max_size=8),
        max_size=5,
    )
)
def test_names_of_any_kind_are_refused_or_stay_inside(
    tmp_path: Path, files: dict[str, str]
) -> None:
    try:
        check(tmp_path, wheel("sour-lemon", "1.0", files))
    except ValueError:
        return
    top = tmp_path / "top"
    for name in files:
        plain = name.removesuffix("/")
        assert (top / plain).resolve().relative_to(top) == Path(plain)
        assert str(Path(plain)) == plain
