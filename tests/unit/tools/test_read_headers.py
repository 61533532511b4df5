"""The parser of RPM headers: whatever a file says, it ends with an answer or a ValueError."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdo.tools.children.reading.read_headers import Header, key_of, read, read_header, subpackets

START = b"\x8e\xad\xe8\x01\0\0\0\0"


def header(*rows: tuple[int, int, int, int], store: bytes = b"") -> bytes:
    index = b"".join(struct.pack(">IIII", *row) for row in rows)
    return START + struct.pack(">II", len(rows), len(store)) + index + store


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_read(tail: bytes) -> None:
    lead = b"\xed\xab\xee\xdb" + b"\0" * 92
    for content in (tail, lead + tail, lead + header() + tail, lead + header() + header() + tail):
        try:
            found = read(io.BytesIO(content), {"/etc/passwd"})
        except (ValueError, struct.error):
            continue
        assert found["files"] == {}


@given(st.binary(max_size=300))
def test_any_signature_has_a_key_or_none(signature: bytes) -> None:
    assert isinstance(key_of(signature), str)
    assert all(kind < 128 for kind, _ in subpackets(signature))


@pytest.mark.parametrize(
    "row",
    [
        (1000, 6, 5, 1),  # behind the store
        (1000, 6, 0, 9),  # more texts than there are
        (1003, 4, 0, 4),  # more numbers than there are
        (1000, 4, 0, 1),  # a number where a text should be
        (1003, 6, 0, 1),  # a text where a number should be
    ],
)
def test_a_value_that_leads_out_of_the_header_is_refused(row: tuple[int, int, int, int]) -> None:
    def values(found: Header) -> None:
        found.texts(1000)
        found.numbers(1003)

    with pytest.raises(ValueError, match=r"header|tag"):
        values(read_header(io.BytesIO(header(row, store=b"a\0\0\0"))))


def test_the_key_of_a_signature_is_found_in_all_its_forms() -> None:
    old = b"\x88\x13" + b"\x03" + b"\0" * 6 + bytes.fromhex("0123456789abcdef") + b"\0\0"
    issuer = b"\x09\x10" + bytes.fromhex("0123456789abcdef")
    body = b"\x04\0\0\0" + b"\0\0" + struct.pack(">H", len(issuer)) + issuer
    fingerprint = b"\x16\x21\x04" + b"\xff" * 12 + bytes.fromhex("0123456789abcdef")
    hashed = b"\x04\0\0\0" + struct.pack(">H", len(fingerprint)) + fingerprint + b"\0\0"

    assert key_of(old) == "0123456789abcdef"
    assert key_of(b"\x88" + bytes([len(body)]) + body) == "0123456789abcdef"
    assert key_of(b"\x89" + struct.pack(">H", len(body)) + body) == "0123456789abcdef"
    assert key_of(b"\x8a" + struct.pack(">I", len(body)) + body) == "0123456789abcdef"
    assert key_of(b"\xc2" + bytes([len(hashed)]) + hashed) == "0123456789abcdef"
    assert key_of(b"\xc2\xff" + struct.pack(">I", len(body)) + body) == "0123456789abcdef"
    assert key_of(b"") == ""
    assert key_of(b"\x88\x02\x05\0") == "?"
