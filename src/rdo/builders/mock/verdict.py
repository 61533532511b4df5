"""What mock's exit status and last lines mean for a build."""

import re
from pathlib import Path

from rdo.builders.command_results import said_by_logs
from rdo.builders.rooms.room import limit_failure
from rdo.log_tail import last_line, read_tail
from rdo.logs.reader import one_line
from rdo.model.build import INSTALLED, Failed, FailureReason, Waiting
from rdo.model.program import Logged

LOG = "mock.log"

_NOT_THE_PACKAGE = frozenset({2, 3, 5, 6, 25, 50, 60, 65, 70, 80, 90, 127})
"""Exit statuses of mock's own problems: options, configuration, locks, folders, namespaces."""
_TIMEOUT = 11

_TRAPS = (
    (
        re.compile(r"will not run from the root account"),
        "mock needs an ordinary user; set `user` to one of the group mock",
    ),
    (
        re.compile(r"Must be member of '(\w{1,99})' group"),
        "the user is not in the group mock; usermod --append --groups mock USER",
    ),
    (
        re.compile(r"name not found: '?mock\b"),
        "this machine has no group mock; groupadd --system mock",
    ),
    (
        re.compile(r"systemd-nspawn[^\n]{0,99}(?:not found|No such file)|No such[^\n]{0,99}nspawn"),
        'systemd-nspawn is missing; install systemd-container, or set isolation = "simple"',
    ),
    (
        re.compile(r"Could not find required config file"),
        "mock does not find its configuration; see `mock-config` and /etc/mock",
    ),
    (
        re.compile(r"Build root is locked by another process"),
        "another mock is using the chroot; the build will be retried",
    ),
    (
        re.compile(r"unshare[^\n]{0,99}(?:Operation not permitted|failed)"),
        "mock may not make namespaces; start it as root, or through its launcher of the group mock",
    ),
)
NO_DATABASE = (
    "installed_pkgs.log is empty: this machine's rpm has its database in a home folder, and mock's"
    " chroots get none; put `%_dbpath` with the platform's place into /etc/rpm/macros.dbpath"
)


def failure(folder: Path, done: Logged) -> Failed | Waiting:
    """Return why mock failed, from its status, its own log, and the logs in a folder."""
    if failed := limit_failure(done):
        return failed
    text = read_tail(folder / LOG)
    if done.returncode == _TIMEOUT:
        return Failed(FailureReason.TIME_LIMIT, one_line(last_line(text, "mock's own time limit")))
    if trap := trap_in(text):
        return Failed(FailureReason.BUILDER, trap)
    if done.returncode in _NOT_THE_PACKAGE:
        return Failed(FailureReason.BUILDER, f"mock ended with {done.returncode}: {said_in(text)}")
    if has_no_database(folder):
        return Failed(FailureReason.BUILDER, NO_DATABASE)
    found = said_by_logs(folder)
    if isinstance(found, Failed) and found.reason is FailureReason.UNKNOWN:
        return Failed(FailureReason.UNKNOWN, f"mock ended with {done.returncode}: {said_in(text)}")
    return found


def trap_in(text: str) -> str:
    """Return the remedy for a well-known problem shown in mock's output; empty if there is none.

    >>> trap_in("RuntimeError: mock will not run from the root account (needs...)").split(";")[0]
    'mock needs an ordinary user'
    """
    return next((remedy for pattern, remedy in _TRAPS if pattern.search(text)), "")


def said_in(text: str) -> str:
    """Return mock's error message in one line."""
    errors = re.findall(r"^ERROR: (.{1,400})$", text, re.MULTILINE)
    return one_line(errors[-1] if errors else last_line(text, "it printed nothing"))


def has_no_database(folder: Path) -> bool:
    """Whether mock listed the packages of its chroot and found none."""
    file = folder / INSTALLED
    return file.is_file() and not file.stat().st_size
