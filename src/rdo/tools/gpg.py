"""gpg and gpgv: whether a file was signed by a key that somebody names."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import RefusedError
from rdo.run import Runner, run


class BadSignatureError(RefusedError):
    """A file that is not what its signer has signed."""


@dataclass(frozen=True, slots=True)
class Gpg:
    """GnuPG of this machine, with a home of its own: the maintainer's keys do not count."""

    runner: Runner = run

    def verify(self, keys: Path, signature: Path, data: Path) -> str:
        """Who has signed; a BadSignatureError if the signature is not one by these keys."""
        with tempfile.TemporaryDirectory(prefix="rdo-gpg-") as home:
            keyring = self._keyring(keys, Path(home))
            done = self.runner(
                "gpgv", "--homedir", home, "--status-fd", "1", "--keyring", keyring,
                signature, data, ok=range(256), timeout=120,
            )  # fmt: skip
        good = [line for line in done.stdout.splitlines() if "[GNUPG:] GOODSIG " in line]
        if done.returncode or not good:
            said = [line for line in done.stderr.splitlines() if line.startswith("gpgv:")]
            detail = "; ".join(line.removeprefix("gpgv: ").strip() for line in said[-2:])
            raise BadSignatureError(
                f"the signature of {data.name} is not good by the keys in {keys.name}: {detail}",
                hint="do not use this file; ask upstream, or mend the key in the .spec",
            )
        return good[0].split(" ", 3)[3]

    def _keyring(self, keys: Path, home: Path) -> Path:
        content = keys.read_bytes()
        if b"-----BEGIN PGP" not in content:
            return keys.resolve()
        keyring = home / "keys.gpg"
        command = ("gpg", "--homedir", home, "--batch", "--yes", "--output", keyring, "--dearmor")
        done = self.runner(*command, keys, ok=range(256), timeout=120)
        if done.returncode:
            raise BadSignatureError(f"{keys.name} holds no OpenPGP keys")
        return keyring
