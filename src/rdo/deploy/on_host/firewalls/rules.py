"""The openings of a host as rules that each kind of firewall understands."""

import ipaddress
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from rdo.deploy.on_host.acts import HostFault, run

TAG = "rdo-deploy"
"""The comment that marks our rules."""


class FirewallRule(NamedTuple):
    """Ports that are open to one address, or to everybody if it is empty."""

    protocol: str
    ports: str  # one, or FIRST-LAST
    source: str

    def __str__(self) -> str:
        return f"{self.protocol} {self.ports} to {self.source or 'everybody'}"

    def is_of(self, version: int) -> bool:
        """Whether the rule is for this version of IP."""
        return not self.source or ipaddress.ip_address(self.source).version == version


def rules_of(openings: "Iterable[dict[str, Any]]") -> "list[FirewallRule]":
    """Return a rule for each address; host names are looked up."""
    found = []
    for one in openings:
        sources = [address for name in one["sources"] for address in addresses(name)]
        found += [FirewallRule(one["protocol"], one["ports"], source) for source in sources or [""]]
    return found


def addresses(name: str) -> "list[str]":
    """Return the addresses of a host; raise HostFault for a name that this host does not know."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        raise HostFault(
            f"the address of {name}, which the firewall must let in, cannot be resolved",
            "add it to /etc/hosts or DNS there, or use its address in the answers",
        ) from None
    return sorted({str(one[4][0]) for one in found})


def is_loaded_at_boot(unit: str) -> bool:
    """Whether a service loads the rules of its file at boot."""
    if run("systemctl", "is-enabled", unit, ok=range(256)).stdout.strip() == "enabled":
        return True
    return run("systemctl", "is-active", unit, ok=range(256)).stdout.strip() == "active"


def lines_of(file: Path) -> "list[str]":
    """Return the lines of a file; none if it does not exist."""
    return file.read_text(errors="replace").splitlines() if file.is_file() else []
