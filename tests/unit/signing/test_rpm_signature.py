"""Which bytes of an RPM a signature does not change."""

import struct
from pathlib import Path

import pytest

from rdo.errors import RefusedError
from rdo.tools.signing.rpm_signature import signed_content

MAGIC = b"\x8e\xad\xe8\x01\0\0\0\0"


def rpm(signature: bytes, content: bytes = b"payload") -> bytes:
    """A file that looks like an RPM, with a signature header of one entry."""
    padding = b"\0" * (-len(signature) % 8)
    head = MAGIC + struct.pack(">II", 1, len(signature)) + bytes(16) + signature + padding
    return bytes(96) + head + MAGIC + content


def content_of(folder: Path, data: bytes) -> str:
    (folder / "x.rpm").write_bytes(data)
    return signed_content(folder / "x.rpm")


def test_only_what_is_after_the_signatures_counts(tmp_path: Path) -> None:
    found = {content_of(tmp_path, rpm(bytes(size))) for size in (0, 1, 7, 8, 4096)}

    assert len(found) == 1
    assert content_of(tmp_path, rpm(b"", b"Payload")) not in found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RPM",
        bytes(200),
        rpm(b"")[:120],
        bytes(96) + MAGIC + struct.pack(">II", 1 << 31, 0) + bytes(100),
        bytes(96) + MAGIC + struct.pack(">II", 0, 1 << 31) + bytes(100),
    ],
)
def test_what_is_not_an_rpm_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(RefusedError, match=r"x\.rpm is not an RPM"):
        content_of(tmp_path, data)
