"""The files laid over a host's image: its name, its keys, its repositories."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.lab.addresses import HostAddress
from rdo.tools.hosts.lab_ssh import make_key

_DNF = "[main]\ngpgcheck=0\ninstall_weak_deps=0\nbest=1\nskip_if_unavailable=0\n"
_HOST_KEY = "etc/ssh/ssh_host_ed25519_key"


@dataclass(frozen=True, slots=True)
class HostSettings:
    """The settings of one host in its lab; `repo_files` maps names to content."""

    lab: str
    host: HostAddress
    others: Sequence[HostAddress]
    login_key: str
    releasever: str
    repo_files: Mapping[str, str]

    def write(self, folder: Path) -> str:
        """Write the files into the new folder `folder`; return the host's public ssh key."""
        key = folder / _HOST_KEY
        key.parent.mkdir(parents=True)
        public = make_key(key, self.host.name)
        for name, text in self._files():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (folder / "root").chmod(0o700)
        (folder / "root/.ssh").chmod(0o700)
        return public

    def _files(self) -> Iterator[tuple[str, str]]:
        name = self.host.name
        yield "etc/hostname", f"{name}\n"
        yield (
            "etc/machine-id",
            hashlib.sha256(f"{self.lab}/{name}".encode()).hexdigest()[:32] + "\n",
        )
        rows = [f"{one.address} {one.name}\n" for one in self.others]
        yield "etc/hosts", "".join(["127.0.0.1 localhost\n::1 localhost\n", *rows])
        yield "etc/default/locale", "LANG=C.UTF-8\n"
        yield "etc/resolv.conf", "# a lab has no route out\n"
        yield "root/.ssh/authorized_keys", f"{self.login_key}\n"
        yield "etc/dnf/dnf.conf", _DNF
        yield "etc/dnf/vars/releasever", f"{self.releasever}\n"
        for file, text in self.repo_files.items():
            yield f"etc/yum.repos.d/{file}", text


def known_host(host: HostAddress, public_key: str) -> str:
    """Return the line of a known_hosts file for a host."""
    kind, key = public_key.split()[:2]
    return f"{host.address},{host.name} {kind} {key}\n"
