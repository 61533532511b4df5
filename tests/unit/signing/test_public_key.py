"""What gpg says about a key, and what follows from it."""

from datetime import UTC, datetime

import pytest

from rdo.model.program import Completed
from rdo.tools.signing.public_key import PublicKey, read_public_keys

NOW = datetime(2026, 11, 28, tzinfo=UTC)
FPR = "E6A3B52D947033A7290D6D7021A1A48E8FEEA7B7"
SUB = "A" * 40


def colons(pub: str, *more: str, start: str = "1795905354", end: str = "") -> str:
    lines = [f"pub:{pub}:3072:1:{FPR[-16:]}:{start}:{end}::u:::{'scSC' if not more else 'cSC'}::"]
    lines += [f"fpr:::::::::{FPR}:", "uid:u::::1795905354::X::RDO\\x3a tests::::::::::0:"]
    return "\n".join([*lines, *more, ""])


def key_of(text: str) -> PublicKey:
    (found,) = read_public_keys(b"", lambda *_, **__: Completed(0, text, "", 0.0))
    return found


def test_a_key_that_does_not_expire() -> None:
    key = key_of(colons("-"))

    assert (key.fingerprint, key.user_id, key.expires) == (FPR, "RDO: tests", None)
    assert key.ids == (FPR[-16:].lower(),)
    assert key.fault(NOW) == ""


@pytest.mark.parametrize(
    ("pub", "end", "fault"),
    [
        ("-", "1858977354", ""),
        ("e", "1700000000", "expired on 2023-11-14"),
        ("-", "1700000000", "expired on 2023-11-14"),
        ("r", "", "is revoked"),
        ("d", "", "is disabled"),
    ],
)
def test_why_a_key_cannot_sign(pub: str, end: str, fault: str) -> None:
    assert key_of(colons(pub, end=end)).fault(NOW) == fault


@pytest.mark.parametrize(
    ("subs", "fault"),
    [
        ((("-", ""),), ""),
        ((("-", "1700000000"),), "expired on 2023-11-14"),
        ((("-", "1700000000"), ("-", "1858977354")), ""),
        ((("r", ""),), "cannot sign"),
    ],
)
def test_a_key_that_signs_by_its_parts(subs: tuple[tuple[str, str], ...], fault: str) -> None:
    """The one part that lasts longest counts, and only if it is not revoked."""
    lines = [f"sub:{state}:3072:1:{SUB[-16:]}:1795905354:{end}:::::s::" for state, end in subs]

    assert key_of(colons("-", *lines)).fault(NOW) == fault
