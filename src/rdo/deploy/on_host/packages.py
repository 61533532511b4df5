"""Packages of the host, installed by dnf."""

import os
import re
import subprocess
from pathlib import Path

from rdo.deploy.on_host.acts import HostFault, Wanted, full_disk, run

_SECONDS = 1800
# The words of the system, rpm, dnf and curl for a full disk.
_FULL = (
    *("No space left on device", "more space on the", "more space needed on", "more inodes on the"),
    *("Not enough free space in", "Failed writing received data to disk"),
)
# As root, even reading would write to the shared memory of rpm's database.
_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def look_packages(wanted: Wanted) -> "list[str]":
    """Return one line with the packages that are missing."""
    missing = _missing(wanted["names"])
    return [f"install {', '.join(missing)}"] if missing else []


def make_packages(wanted: Wanted) -> None:
    """Install what is missing, in one transaction."""
    missing = _missing(wanted["names"])
    if not missing:
        return
    command = ("dnf", "--assumeyes", "--setopt=skip_if_unavailable=False", "install")
    done = run(*command, *missing, ok=range(256), seconds=_SECONDS)
    if done.returncode:
        raise dnf_fault(done.stdout + done.stderr)


def _missing(names: "list[str]") -> "list[str]":
    """Return the names that no installed package provides."""
    done = _rpm("--query", "--whatprovides", "--queryformat", "\\n", *names)
    absent = set(re.findall(r"no package provides (\S+)", done.stdout + done.stderr))
    # a path that no package owns is missing if it is not on the disk
    absent |= {name for name in names if name.startswith("/") and not Path(name).exists()}
    return [name for name in names if name in absent]


def _rpm(*words: str) -> "subprocess.CompletedProcess[str]":
    """Query rpm as a user without any write access."""
    return run(*(_NOBODY if os.geteuid() == 0 else ()), "rpm", *words, ok=range(256))


def dnf_fault(said: str) -> HostFault:
    """Return the cause of dnf's error in one line, with what to do."""
    if any(words in said for words in _FULL):
        return full_disk()
    if unknown := re.findall(r"Unable to find a match: (.+)|No match for argument: (.+)", said):
        names = " ".join(sorted({word for pair in unknown for one in pair for word in one.split()}))
        return HostFault(
            f"no repository of the host has {names}",
            "is the target's rdo-release installed there, and does it package them? dnf repolist",
        )
    if away := re.search(r"Failed to download metadata for repo '([^']+)'[^\n]*", said):
        return HostFault(
            f"the repository {away.group(1)} cannot be reached",
            f"try there: dnf --repo {away.group(1)} makecache",
        )
    if lost := re.search(r"Error downloading packages:\n\s*(\S+): (.+)", said):
        return HostFault(
            f"dnf cannot download {lost.group(1)}: {lost.group(2)}"[:600],
            "does the server of the repository answer? try there: dnf makecache",
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("Error", " - ", "- nothing"))]
    return HostFault(f"dnf install: {'; '.join((errors or lines)[-3:])[-600:]}")


def version_of(package: str) -> str:
    """Return the version and release of an installed package; empty if it is not."""
    done = _rpm("--query", "--queryformat", "%{VERSION}-%{RELEASE}\\n", package)
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 else ""


def is_installed(path: str) -> bool:
    """Whether a program exists at this path."""
    return os.access(path, os.X_OK)
