"""Public keys: their data, and checking whether they have made a signature."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rdo.run import Runner, run

_SECONDS = 60.0
_ENDED = {"e": "expired", "r": "revoked", "i": "invalid", "d": "disabled"}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public data of a key. `ended` is the word for why it must not sign; empty if it may.

    `expires` is None for a key that does not expire; `ids` are those of the key and of its parts.
    """

    fingerprint: str
    user_id: str
    created: datetime
    expires: datetime | None
    ended: str = ""
    can_sign: bool = True
    ids: tuple[str, ...] = ()

    def fault(self, now: datetime) -> str:
        """Return why the key cannot sign at a moment; empty if it can."""
        if self.ended and self.ended != "expired":
            return f"is {self.ended}"
        if self.expires and self.expires <= now:
            return f"expired on {self.expires:%F}"
        return "" if self.can_sign else "cannot sign"


def read_public_keys(text: bytes, runner: Runner = run) -> tuple[PublicKey, ...]:
    """Return the keys in an exported text, in order. Raises CommandError if there are none."""
    with tempfile.TemporaryDirectory(prefix="rdo-gpg-") as home:
        done = runner(
            *("gpg", "--homedir", home, "--batch", "--no-tty", "--with-colons"),
            *("--fixed-list-mode", "--show-keys"),
            stdin=text,
            timeout=_SECONDS,
        )
    return tuple(_keys(done.stdout.splitlines()))


def _keys(lines: Sequence[str]) -> list[PublicKey]:
    blocks: list[list[list[str]]] = []
    for line in lines:
        fields = line.split(":")
        if fields[0] == "pub":
            blocks.append([])
        if blocks:
            blocks[-1].append(fields)
    return [_key(block) for block in blocks]


def _key(block: Sequence[Sequence[str]]) -> PublicKey:
    """Return the key in gpg's lines about it: pub, fpr, uid, and sub for each part."""
    pub = block[0]
    fingerprint = next(line[9] for line in block if line[0] == "fpr")
    user_id = next((line[9] for line in block if line[0] == "uid"), "")
    parts = [line for line in block if line[0] in {"pub", "sub"} and "s" in line[11]]
    usable = [line for line in parts if line[1] not in {"r", "i", "d"}]
    ends = [_moment(line[6]) for line in usable]
    end = None if None in ends else max((one for one in ends if one), default=None)
    whole = _moment(pub[6])
    expires = min((one for one in (end, whole) if one), default=None)
    created = _moment(pub[5])
    assert created
    ended = _ENDED.get(pub[1], "")
    ids = tuple(line[4].lower() for line in block if line[0] in {"pub", "sub"})
    return PublicKey(fingerprint, _text(user_id), created, expires, ended, bool(usable), ids)


def _moment(text: str) -> datetime | None:
    return datetime.fromtimestamp(int(text), UTC) if text and int(text) else None


def _text(escaped: str) -> str:
    """Return a user id without gpg's escapes of colons and the like."""
    return escaped.replace("\\x3a", ":")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """A file of public keys for checking signatures; see `key_ring`."""

    file: Path
    runner: Runner = run

    def signer_of(self, signature: Path, data: Path) -> str:
        """Return the fingerprint of the key that signed a file; empty unless it is in the ring.

        An expired key is valid for what it signed before.
        """
        done = self.runner(
            *("gpgv", "--homedir", self.file.parent, "--status-fd", "1"),
            *("--keyring", self.file, "--", signature, data),
            ok=range(256),
            timeout=_SECONDS,
        )
        words = [line.split() for line in done.stdout.splitlines()]
        said = [line[2:] for line in words if line[1:2] == ["VALIDSIG"]]
        return said[0][-1] if said and done.returncode == 0 else ""


@contextlib.contextmanager
def key_ring(keys: Iterable[bytes], runner: Runner = run) -> Iterator[KeyRing]:
    """Yield a ring of exported keys, which is removed at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="rdo-gpg-") as home:
        ring = Path(home, "keys.gpg")
        with ring.open("wb") as file:
            for text in keys:
                words = ("gpg", "--homedir", home, "--batch", "--no-tty", "--dearmor")
                file.write(runner(*words, stdin=text, timeout=_SECONDS).raw)
        yield KeyRing(ring, runner)
