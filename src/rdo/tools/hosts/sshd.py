"""Our own OpenSSH server, which only serves git."""

import os
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo import atomic
from rdo.errors import CommandError, RefusedError
from rdo.run import Runner, run

_FIXED = """\
PidFile none
AuthenticationMethods publickey
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin forced-commands-only
DisableForwarding yes
PermitTTY no
PermitUserRC no
PermitUserEnvironment no
AcceptEnv GIT_PROTOCOL
LoginGraceTime 20
MaxAuthTries 6
MaxStartups 20:50:100
ClientAliveInterval 60
ClientAliveCountMax 3
LogLevel ERROR
# who may write the folder with this file may change what is served anyway
StrictModes no
"""
_ROOTS_FOLDER = Path("/run/sshd")


@dataclass(frozen=True, slots=True)
class GitSshd:
    """A server whose keys and configuration are in `folder`; everybody logs in as our own user."""

    folder: Path
    host: str
    port: int
    runner: Runner = run

    @property
    def authorized_keys(self) -> Path:
        """The file with the keys that may log in."""
        return self.folder / "authorized_keys"

    def prepare(self, authorized_keys: str) -> Sequence[str]:
        """Write keys and configuration, and return the command line of the server.

        Raises CommandError if sshd is not installed, or does not accept the configuration.
        """
        program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        if program is None:
            raise CommandError("sshd is not installed", hint="apt-get install openssh-server")
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            _ROOTS_FOLDER.mkdir(mode=0o755, exist_ok=True)  # sshd requires it
        key = self.folder / "host_key"
        if not key.exists():
            new = self.folder / "host_key.new"
            new.unlink(missing_ok=True)
            self.runner("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "distgit", "-f", new)
            Path(f"{new}.pub").replace(f"{key}.pub")
            new.replace(key)
        self.authorize(authorized_keys)
        address = f"[{self.host}]" if ":" in self.host else self.host
        lines = (
            f"ListenAddress {address}:{self.port}",
            f"HostKey {key}",
            f"AuthorizedKeysFile {self.authorized_keys}",
        )
        configuration = self.folder / "sshd_config"
        atomic.write_file(configuration, "".join(f"{one}\n" for one in lines) + _FIXED)
        command = (program, "-D", "-e", "-f", str(configuration))
        self.runner(program, "-t", "-f", configuration)
        return command

    def authorize(self, authorized_keys: str) -> None:
        """Replace the keys that may log in; users who are logged in stay."""
        atomic.write_file(self.authorized_keys, authorized_keys, is_private=True)


def free_port(host: str, port: int) -> int:
    """Return the port, or a free one for 0; raises RefusedError if it is taken."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise RefusedError(
                f"cannot listen for ssh on {host}:{port}: {error.strerror}",
                hint="choose another with --ssh-port",
            ) from error
        return int(probe.getsockname()[1])
