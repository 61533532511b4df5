"""Sign for one target, and check the result before anybody gets it."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from rdo import atomic
from rdo.disk_usage import is_full
from rdo.errors import CommandError, NoSpaceError, NotFoundError, RefusedError, UserError
from rdo.model.repo_file import RepoTrust
from rdo.signing.ways import SigningWay, the_key
from rdo.tools.signing.gpg_home import check_programs
from rdo.tools.signing.public_key import PublicKey, key_ring, read_public_keys
from rdo.tools.signing.rpm_signature import badly_signed, signed_content

_KEY_FILE = re.compile(r"RPM-GPG-KEY-[A-Za-z0-9._-]+-[0-9a-f]{16}")


def key_name(target: str, fingerprint: str) -> str:
    """Return the file name of a public key in the tree of a target.

    >>> key_name("master-el10", "0123456789ABCDEF0123456789ABCDEF01234567")
    'RPM-GPG-KEY-master-el10-89abcdef01234567'
    """
    return f"RPM-GPG-KEY-{target}-{fingerprint[-16:].lower()}"


class SigningError(CommandError):
    """Something could not be signed. No package is to blame, and the next one would fail too."""

    is_of_the_machine = True


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one target with its key; `way` is how the key is reached.

    `tree` is the published tree, which contains the public keys: every key that has ever signed
    there stays, as files `RPM-GPG-KEY-<target>-<end of the fingerprint>`. `url` is where the tree
    is served.
    """

    target: str
    way: SigningWay
    tree: Path
    url: str
    timeout_seconds: float = 120
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _public: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def fingerprint(self) -> str:
        """The key that signs now. Raises SigningError if there is none."""
        with self._explaining():
            return self.way.fingerprint

    def pinned(self) -> "Signer":
        """Return a signer that keeps using the current key."""
        with self._explaining():
            return replace(self, way=self.way.pinned())

    def key(self) -> PublicKey:
        """Return the data in the key itself. Raises SigningError if it cannot be read."""
        with self._explaining():
            check_programs()
            return the_key(self.way.public(), self.way.fingerprint)

    def check(self) -> None:
        """Make sure that the key can sign now, and that clients find its public part.

        Raises SigningError if the key is missing, expired or revoked.
        """
        key = self.key()
        if fault := key.fault(self.clock()):
            raise SigningError(
                f"{self.target} cannot be signed: the key {key.fingerprint} {fault}",
                hint=f"rdo repo sign-key rotate --target {self.target}; a key that is not rdo's "
                "own is renewed with gpg, or replaced in rdo.toml",
            )
        text = self.way.public()
        self.publish_key(text, key.fingerprint)
        self._public[key.fingerprint] = text

    def publish_key(self, text: bytes, fingerprint: str) -> Path:
        """Write a public key into the tree, where .repo files point to; return its path."""
        place = self.tree / self.key_name(fingerprint)
        if not place.exists() or place.read_bytes() != text:
            place.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_file(place, text)
            place.chmod(0o644)
        return place

    def publish_new_key(self, text: bytes) -> None:
        """Write the public part of a new key into the tree."""
        for one in read_public_keys(text):
            self.publish_key(text, one.fingerprint)

    def key_name(self, fingerprint: str) -> str:
        """Return the name of a public key's file."""
        return key_name(self.target, fingerprint)

    def public_keys(self) -> Mapping[str, bytes]:
        """Return every key that has signed for the tree, by fingerprint; the current one first."""
        found: dict[str, bytes] = {}
        for place in sorted(self.tree.glob("RPM-GPG-KEY-*")):
            if _KEY_FILE.fullmatch(place.name):
                text = place.read_bytes()
                found |= {one.fingerprint: text for one in read_public_keys(text)}
        try:
            now = self.way.fingerprint
        except (NotFoundError, RefusedError):  # there is none now, or none for this user
            now = ""
        return dict(sorted(found.items(), key=lambda item: item[0] != now))

    def known_keys(self) -> tuple[PublicKey, ...]:
        """Return the data in these keys, the current one first."""
        texts = dict.fromkeys(self.public_keys().values())
        return tuple(one for text in texts for one in read_public_keys(text))

    def trust(self, signed_by: Collection[str]) -> RepoTrust:
        """Return the signatures to require in the .repo file of a repository signed by these keys.

        An empty text among them is an RPM without a signature: then signatures of RPMs are not
        required.
        """
        now = self.fingerprint
        keys = (now, *sorted({one for one in signed_by if one} - {now}))
        urls = tuple(f"{self.url}/{self.key_name(one)}" for one in keys)
        return RepoTrust(gpgcheck="" not in signed_by, repo_gpgcheck=True, gpgkey=urls)

    def sign_rpms(self, rpms: Sequence[Path], folder: Path) -> tuple[Path, ...]:
        """Write signed copies of RPMs into a new folder, in order.

        They are on disk when it returns. Raises SigningError unless each copy has the same content
        as before, and a signature by the key.
        """
        key = self._key_text()
        folder.mkdir(parents=True)
        before = {}
        for rpm in rpms:
            shutil.copyfile(rpm, folder / rpm.name, follow_symlinks=False)
            before[folder / rpm.name] = signed_content(rpm)
        with self._explaining(folder):
            self.way.sign(folder, timeout=self.timeout_seconds + 2 * len(rpms))
        self._check_rpms(before, folder, key)
        atomic.sync(*before)
        return tuple(before)

    def sign_in_place(self, rpm: Path) -> None:
        """Replace an RPM by a signed copy. Raises SigningError as `sign_rpms` does."""
        with tempfile.TemporaryDirectory(dir=rpm.parent, prefix=".signing-") as place:
            (copy,) = self.sign_rpms([rpm], Path(place, "signed"))
            copy.replace(rpm)

    def good_copies(self, copies: Mapping[Path, Path], folder: Path) -> frozenset[Path]:
        """Return which files are signed copies of the RPMs that they map to.

        All copies are in `folder`.
        """
        there = [one for one in copies if one.is_file()]
        with self._explaining():
            same = [one for one in there if signed_content(one) == signed_content(copies[one])]
            bad = badly_signed(same, [self._key_text()], folder)
        return frozenset(same) - frozenset(bad)

    def _check_rpms(self, before: Mapping[Path, str], folder: Path, key: bytes) -> None:
        left = {one for one in folder.iterdir() if one.is_file() and not one.is_symlink()}
        if lost := [one.name for one in before if one not in left]:
            raise SigningError(f"signing has removed {', '.join(lost)}")
        with self._explaining():
            after = {one: signed_content(one) for one in before}
        changed = [one.name for one, content in before.items() if after[one] != content]
        if changed:
            raise SigningError(f"signing has changed the content of {', '.join(changed)}")
        with self._explaining():
            bad = badly_signed([*before], [key], folder)
        if bad:
            names = ", ".join(one.name for one in bad)
            raise SigningError(f"{names} has no valid signature of the key {self.fingerprint}")

    def sign_files(self, files: Sequence[Path]) -> None:
        """Write a signature FILE.asc beside each file. Raises SigningError unless each is valid."""
        key = self._key_text()
        with tempfile.TemporaryDirectory(prefix="rdo-signing-") as folder:
            place = Path(folder)
            copies = [place / f"{number}-{file.name}" for number, file in enumerate(files)]
            with self._explaining(place):
                for file, copy in zip(files, copies, strict=True):
                    shutil.copyfile(file, copy)
                self.way.sign(place, timeout=self.timeout_seconds)
            with self._explaining(place), key_ring([key]) as ring:
                for file, copy in zip(files, copies, strict=True):
                    made = copy.with_name(f"{copy.name}.asc")
                    if not made.is_file() or ring.signer_of(made, file) != self.fingerprint:
                        raise SigningError(
                            f"signing has given no valid signature of {file.name} "
                            f"by the key {self.fingerprint}"
                        )
                    shutil.copyfile(made, file.with_name(f"{file.name}.asc"))

    def _key_text(self) -> bytes:
        """Return the current public key, which is checked once."""
        if self.fingerprint not in self._public:
            self.check()
        return self._public[self.fingerprint]

    @contextmanager
    def _explaining(self, place: Path | None = None) -> Iterator[None]:
        """Raise failures as a SigningError, or as a NoSpaceError if the disk of `place` is full.

        A program that meets a full disk removes its files, so its messages are needed too.
        """
        try:
            yield
        except OSError as error:
            if place is None or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise self._no_space(place) from error
        except UserError as error:
            if place and (is_full(place) or os.strerror(errno.ENOSPC) in str(error)):
                raise self._no_space(place) from error
            if error.is_of_the_machine:
                raise
            what = f"{self.target} cannot be signed: {error}"
            raise SigningError(what, hint=error.hint) from error

    def _no_space(self, place: Path) -> NoSpaceError:
        return NoSpaceError(
            f"no space left in {place.parent} to sign for {self.target}",
            hint="free some space and try again; what was built is kept, and nothing was published",
        )
