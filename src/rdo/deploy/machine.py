"""The defaults of answers that come from the machine that rdo runs on."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_ELSEWHERE = ("192.0.2.1", 9)  # an address for documentation; nothing is sent to it
_NO_ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class ThisMachine:
    """The address at which others reach this machine, its name, and its user's public ssh key."""

    address: str = _NO_ADDRESS
    name: str = "localhost"
    ssh_key: str = ""

    def is_called(self, host: str) -> bool:
        """Whether a host in the answers is this machine."""
        return host in {self.address, self.name, "localhost", _NO_ADDRESS, "::1"}

    def fill(self, default: str) -> str:
        """Return a default of `keys.toml` with the placeholders filled in from this machine.

        >>> ThisMachine("10.0.0.5", "one").fill("ldap://@address")
        'ldap://10.0.0.5'
        """
        found = {"@address": self.address, "@hostname": self.name, "@ssh-key": self.ssh_key}
        for word, value in found.items():
            default = default.replace(word, value)
        return default


def this_machine() -> ThisMachine:
    """Examine this machine; if it has no route, its address is the loopback address."""
    keys = sorted((Path.home() / ".ssh").glob("*.pub"))
    usual = [key for key in keys if key.name == "id_rsa.pub"]
    key = next(iter((*usual, *keys)), None)
    return ThisMachine(_address(), os.uname().nodename, str(key or ""))


def _address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return _NO_ADDRESS
        address: str = probe.getsockname()[0]
        return address
