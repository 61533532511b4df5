"""The ways to reach a key: a home of gpg, or a command of the operator. Builds reach neither."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from rdo import atomic
from rdo.errors import NotFoundError, RefusedError
from rdo.tools.signing.gpg_home import GpgHome
from rdo.tools.signing.public_key import PublicKey, read_public_keys
from rdo.tools.signing.signing_command import SigningCommand

CURRENT = "current-key"
"""The file in a target's own home of gpg with the fingerprint of the key that signs now."""


class SigningWay(Protocol):
    """A way to sign files; `fingerprint` is that of the current key."""

    @property
    def fingerprint(self) -> str: ...

    def pinned(self) -> "SigningWay":
        """Return a way that keeps using the current key, whatever is rotated meanwhile."""

    def public(self) -> bytes:
        """Return the public key as text; NotFoundError if it is missing."""

    def sign(self, folder: Path, *, timeout: float) -> None:
        """Sign each RPM in a folder in place; write FILE.asc beside each other file."""


@dataclass(frozen=True)
class ByGpg:
    """A key in a home of gpg that its owner manages; without `home` it is the user's own."""

    key: str
    home: Path | None = None

    @property
    def fingerprint(self) -> str:
        return self.key

    def pinned(self) -> "ByGpg":
        return self

    @cached_property
    def _gpg(self) -> GpgHome:
        return GpgHome(self.home)

    def public(self) -> bytes:
        """Return the public key as text; NotFoundError if the home does not have it."""
        if found := self._gpg.export(self.key):
            return found
        where = self.home or "gpg's home"
        raise NotFoundError(f"{where} has no key {self.key}", hint="gpg --list-secret-keys")

    def sign(self, folder: Path, *, timeout: float) -> None:
        sign_by_gpg(self._gpg, folder, self.key, timeout=timeout)


@dataclass(frozen=True)
class ByOwnKey:
    """The newest key that `rdo repo sign-key` has made for a target, or `key`, if given."""

    target: str
    home: Path
    key: str = ""

    @property
    def fingerprint(self) -> str:
        """The key that signs now.

        Raises NotFoundError if none was made yet, RefusedError for a user who may not sign.
        """
        if self.key:
            return self.key
        try:
            return (self.home / CURRENT).read_text().strip()
        except PermissionError:
            raise RefusedError(
                f"only its owner may use {self.home}", hint="run rdo as it"
            ) from None
        except FileNotFoundError:
            raise NotFoundError(
                f"{self.target} is to be signed and has no key yet",
                hint=f"rdo repo sign-key create --target {self.target}",
            ) from None

    def pinned(self) -> "ByOwnKey":
        return replace(self, key=self.fingerprint)

    @cached_property
    def _gpg(self) -> GpgHome:
        return GpgHome(self.home, is_ours=True)

    def has_key(self) -> bool:
        return (self.home / CURRENT).exists()

    def make_key(self, user_id: str, *, expires: str, before_use: Callable[[bytes], None]) -> str:
        """Make a key and let it sign from now on; `before_use` publishes it first.

        Raises CommandError if gpg fails.
        """
        made = self._gpg.create_key(user_id, expires=expires)
        before_use(self._gpg.export(made))
        atomic.write_file(self.home / CURRENT, f"{made}\n")
        return made

    def public(self) -> bytes:
        """Return the public key as text; NotFoundError if the home does not have it."""
        if found := self._gpg.export(self.fingerprint):
            return found
        raise NotFoundError(f"{self.home} has no key {self.fingerprint}", hint="restore it")

    def sign(self, folder: Path, *, timeout: float) -> None:
        sign_by_gpg(self._gpg, folder, self.fingerprint, timeout=timeout)


def sign_by_gpg(gpg: GpgHome, folder: Path, key: str, *, timeout: float) -> None:
    """Sign the RPMs of a folder in place, and other files beside them."""
    files = sorted(folder.iterdir())
    if rpms := [file for file in files if file.suffix == ".rpm"]:
        gpg.sign_rpms(rpms, key, timeout=timeout)
    if others := [file for file in files if file.suffix != ".rpm"]:
        gpg.sign(others, key, timeout=timeout)


@dataclass(frozen=True)
class ByCommand:
    """A key that only the operator's command reaches; the file `public_key` has its public part."""

    command: tuple[str, ...]
    key: str
    public_key: Path

    @property
    def fingerprint(self) -> str:
        return self.key

    def pinned(self) -> "ByCommand":
        return self

    def public(self) -> bytes:
        """Return the public key as text.

        Raises NotFoundError if the file is missing, RefusedError if it contains another key.
        """
        try:
            text = self.public_key.read_bytes()
        except OSError as error:
            raise NotFoundError(f"public-key {self.public_key}: {error.strerror}") from error
        if self.key not in {one.fingerprint for one in read_public_keys(text)}:
            raise RefusedError(
                f"{self.public_key} is not the key {self.key}", hint="export that key into it"
            )
        return text

    def sign(self, folder: Path, *, timeout: float) -> None:
        SigningCommand(self.command).sign(folder, self.key, timeout=timeout)


def the_key(text: bytes, fingerprint: str) -> PublicKey:
    """Return the data in an exported key; NotFoundError if it is not in the text."""
    for one in read_public_keys(text):
        if one.fingerprint == fingerprint:
            return one
    raise NotFoundError(f"there is no key {fingerprint}")
