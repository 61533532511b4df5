"""gpg and gpgv: check that a file was signed with a known key."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import RefusedError
from rdo.run import Runner, run


class BadSignatureError(RefusedError):
    """A file differs from what its signer has signed."""


@dataclass(frozen=True, slots=True)
class Gpg:
    """GnuPG of this machine with a home of its own, so that the user's keys are not used."""

    runner: Runner = run

    def verify(self, keys: Path, signature: Path, data: Path) -> str:
        """Return the signer.

        Raises BadSignatureError unless one of these keys made the signature.
        """
        with tempfile.TemporaryDirectory(prefix="rdo-gpg-") as home:
            keyring = self._keyring(keys, Path(home))
            done = self.runner(
                "gpgv",
                "--homedir",
                home,
                "--status-fd",
                "1",
                "--keyring",
                keyring,
                signature,
                data,
                ok=range(256),
                timeout=120,
            )
        good = [line for line in done.stdout.splitlines() if "[GNUPG:] GOODSIG " in line]
        if done.returncode or not good:
            said = [line for line in done.stderr.splitlines() if line.startswith("gpgv:")]
            detail = "; ".join(line.removeprefix("gpgv: ").strip() for line in said[-2:])
            raise BadSignatureError(
                f"the keys in {keys.name} do not verify the signature of {data.name}: {detail}",
                hint="do not use this file; ask upstream, or fix the key in the .spec",
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
            raise BadSignatureError(f"{keys.name} contains no OpenPGP keys")
        return keyring
