"""ssh to a host of a lab, with the lab's own key, from inside the lab's network."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.model.program import Completed
from rdo.run import Runner, hand_over, run

_ANY_STATUS = range(-64, 256)


@dataclass(frozen=True, slots=True)
class Ssh:
    """Root's account on a host, reached from the network namespace of the process `pid`."""

    pid: int
    address: str
    key: Path
    known_hosts: Path
    runner: Runner = run

    def ask(self, *command: str, timeout: float = 60, connect_seconds: int = 5) -> Completed:
        """Run a command there, and return how it ended with its output; 255 if ssh failed."""
        words = self._words(connect_seconds, "-o", "BatchMode=yes")
        return self.runner(*words, "--", _line(command), timeout=timeout, ok=_ANY_STATUS)

    def hand_over(self, command: Sequence[str]) -> int:
        """Run a command there, or a shell, on the terminal; return its exit status."""
        return hand_over(*self._words(10), *(["--", _line(command)] if command else []))

    def _words(self, connect_seconds: int, *options: str) -> list[str]:
        settings = {
            "IdentityFile": self.key,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": connect_seconds,
            "LogLevel": "ERROR",
        }
        chosen = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
        enter = ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--"]
        return [*enter, "ssh", "-F", "none", *chosen, *options, f"root@{self.address}"]


def _line(command: Sequence[str]) -> str:
    """Return a line for the shell there: one word unchanged, several words quoted.

    >>> _line(["ls | wc -l"]), _line(["touch", "a b"])
    ('ls | wc -l', "touch 'a b'")
    """
    return command[0] if len(command) == 1 else shlex.join(command)


def make_key(file: Path, comment: str, *, runner: Runner = run) -> str:
    """Make an ed25519 key without a passphrase in `file`, and return its public half."""
    runner(*("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"), file, timeout=60)
    return file.with_name(f"{file.name}.pub").read_text().strip()
