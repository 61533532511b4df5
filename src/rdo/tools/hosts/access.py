"""Run programs on the hosts of a cloud by ssh; host keys are checked, and silence is reported."""

from dataclasses import dataclass
from pathlib import Path

from rdo.errors import CommandError, OutsideError
from rdo.log_tail import last_line
from rdo.run import Runner, run

_CONNECT_SECONDS = 10
_ALIVE_SECONDS, _ALIVE_TRIES = 5, 3
_FAILED = 255  # ssh's own status, which no program on the host should have


@dataclass(frozen=True, slots=True)
class SshAccess:
    """How hosts are reached: as `user`, with keys that ssh finds or with `identity`.

    The key of an unknown host is refused, unless `accepts_new`; a changed key is always refused.
    """

    user: str = "root"
    identity: Path | None = None
    known_hosts: Path | None = None
    accepts_new: bool = False

    def options(self) -> list[str]:
        """Return the options of ssh, with which it never asks questions."""
        strict = "accept-new" if self.accepts_new else "yes"
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": str(_CONNECT_SECONDS),
            "ServerAliveInterval": str(_ALIVE_SECONDS),
            "ServerAliveCountMax": str(_ALIVE_TRIES),
            "StrictHostKeyChecking": strict,
        }
        if self.known_hosts:
            options["UserKnownHostsFile"] = str(self.known_hosts)
        found = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        return [*found, "-i", str(self.identity)] if self.identity else found


@dataclass(frozen=True, slots=True)
class Host:
    """A host to run programs on; without `access` it is this machine, reached without ssh."""

    address: str
    access: SshAccess | None = None
    runner: Runner = run

    def run_python(self, program: str, *, timeout: float) -> str:
        """Run a program text with the host's python3 and return its output.

        Raises OutsideError if the host cannot be reached or stops answering, CommandError if the
        program fails there or takes longer than `timeout` seconds.
        """
        command = ("python3", "-") if self.access is None else self._ssh(self.access)
        status = (0,) if self.access is None else (0, _FAILED)
        try:
            done = self.runner(*command, stdin=program.encode(), timeout=timeout, ok=status)
        except CommandError as error:
            reason = last_line(str(error))
            raise CommandError(f"{self.address}: python3 fails there: {reason}") from error
        if done.returncode:
            said = last_line(done.stderr) or "ssh failed without a message"
            raise OutsideError(f"{self.address} cannot be reached: {said}")
        return done.stdout

    def _ssh(self, access: SshAccess) -> tuple[str, ...]:
        return ("ssh", *access.options(), "--", f"{access.user}@{self.address}", "python3 -")
