"""A home of gpg with secret keys: make, export and use them, without any prompt."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import CommandError
from rdo.run import Runner, run
from rdo.tools.signing.public_key import PublicKey, read_public_keys

_SHOWN_TO_GPG = ("private-keys-v1.d", "pubring.kbx", "trustdb.gpg", "gpg.conf")
_ASKS_NOBODY = ("--batch", "--no-tty", "--pinentry-mode", "error")
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
# gpg starts an agent for its home, which would run forever.
_WITH_AGENT = """\
home=$1
shift
trap 'kill $pid; gpgconf --homedir "$home" --kill gpg-agent; exit 143' TERM
"$@" &
pid=$!
wait $pid
code=$?
gpgconf --homedir "$home" --kill gpg-agent
exit $code
"""
_SECONDS = 60.0
_LONGEST_PLACE = 107 - len("/rdo-gpg-01234567/home/S.gpg-agent.browser")
"""Maximum length in bytes of the path of a folder of homes: a socket's path has 107 (unix(7))."""


@dataclass(frozen=True, slots=True)
class GpgHome:
    """A home of gpg; without a `folder` it is the user's own.

    With `is_ours` its keys need no passphrase, and each program gets an agent of its own that ends
    with it; other homes keep the agent that their owner has started.
    """

    folder: Path | None = None
    is_ours: bool = False
    runner: Runner = run

    def create_key(self, user_id: str, *, expires: str) -> str:
        """Make a key that signs, without a passphrase, and return its fingerprint.

        `expires` is a time in gpg's form, such as `2y`, or `0`. The home is made if needed. Raises
        CommandError if gpg fails.
        """
        assert self.folder
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        known = {one.fingerprint for one in self.keys()}
        with _short(self.folder) as home:
            words = ("--passphrase", "", "--quick-gen-key", "--", user_id, "rsa3072", "sign")
            options = ("--batch", "--no-tty", "--yes", "--pinentry-mode", "loopback")
            self._do(*_agent(home), "gpg", *_words(home), *options, *words, expires)
        (made,) = (one.fingerprint for one in self.keys() if one.fingerprint not in known)
        return made

    def keys(self) -> tuple[PublicKey, ...]:
        """Return the public parts of the keys in the home."""
        exported = self.export()
        return read_public_keys(exported, self.runner) if exported else ()

    def export(self, *fingerprints: str) -> bytes:
        """Return public keys as text for .repo files; empty if the home does not have them."""
        done = self.runner(
            *("gpg", *self._home(), "--batch", "--no-tty", "--armor", "--export"),
            *("--export-options", "export-minimal", "--", *fingerprints),
            timeout=_SECONDS,
        )
        return done.raw

    def sign(self, files: Sequence[Path], fingerprint: str, *, timeout: float) -> None:
        """Write a detached signature, FILE.asc, beside each file. Raises CommandError."""
        with self._opened() as (home, agent):
            for file in files:
                words = ("--yes", "--local-user", fingerprint, "--armor", "--detach-sign")
                self._do(
                    *(*agent, "gpg", *_words(home), *_ASKS_NOBODY),
                    *(*words, "--output", f"{file}.asc", "--", file),
                    timeout=timeout,
                )

    def sign_rpms(self, rpms: Sequence[Path], fingerprint: str, *, timeout: float) -> None:
        """Sign RPM files in place, which must have no other hard links. Raises CommandError."""
        with self._opened() as (home, agent):
            macros = [
                *("--define", f"__gpg {shutil.which('gpg') or 'gpg'}"),
                *("--define", f"_gpg_name {fingerprint}"),
                *("--define", f"_gpg_sign_cmd_extra_args {' '.join(_ASKS_NOBODY)}"),
                *(("--define", f"_gpg_path {home}") if home else ()),
            ]
            self._do(
                *(*agent, "rpmsign", *macros, "--resign", "--", *rpms),
                timeout=timeout,
            )

    def _home(self) -> tuple[str, ...]:
        return _words(self.folder)

    def _do(self, *words: str | Path, timeout: float = _SECONDS) -> None:
        ask_briefly(self.runner, *words, timeout=timeout)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[Path | None, tuple[str, ...]]]:
        """Yield the home for a program that signs, and the words that start its agent."""
        if not self.is_ours:
            yield self.folder, _ENDS_WITH_US
            return
        assert self.folder
        with tempfile.TemporaryDirectory(prefix="rdo-sign-", dir=_place_of_homes()) as place:
            for name in _SHOWN_TO_GPG:
                if (self.folder / name).exists():
                    Path(place, name).symlink_to((self.folder / name).resolve())
            yield Path(place), _agent(Path(place))


def ask_briefly(runner: Runner, *words: str | Path, timeout: float) -> None:
    """Run a program that signs. Raises CommandError with the end of its output."""
    try:
        done = runner(*words, ok=range(256), timeout=timeout)
    except CommandError as error:  # its message is long
        raise CommandError(str(error).rpartition(": ")[2]) from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise CommandError("\n".join(said[-3:]) or f"exit status {done.returncode}")


def _words(home: Path | None) -> tuple[str, ...]:
    return ("--homedir", str(home)) if home else ()


def _agent(home: Path) -> tuple[str, ...]:
    """Return the words that start a program whose agent ends with it, or with us."""
    return ("setpriv", "--pdeathsig", "TERM", "--", "sh", "-c", _WITH_AGENT, "sh", str(home))


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[Path]:
    """Yield a short path of a folder, for the socket of the agent."""
    with tempfile.TemporaryDirectory(prefix="rdo-gpg-", dir=_place_of_homes()) as place:
        home = Path(place, "home")
        home.symlink_to(folder.resolve())
        yield home


def _place_of_homes() -> str:
    """Return the folder for temporary files; /tmp if a socket's path in it would be too long."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= _LONGEST_PLACE else "/tmp"


def missing_programs() -> tuple[str, ...]:
    """Return the programs that signing needs and this machine lacks."""
    wanted = ("gpg", "gpg-agent", "gpgv", "rpmsign", "rpmkeys", "setpriv")
    return tuple(name for name in wanted if not shutil.which(name))


def check_programs() -> None:
    """Raise CommandError if a program that signing needs is not installed."""
    if missing := missing_programs():
        raise CommandError(
            f"{', '.join(missing)} not installed", hint="packaging/install-system-packages"
        )
