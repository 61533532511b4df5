"""The user and group ids inside a root, and the corresponding ids outside.

If root runs us, a range is mapped that no user of the machine has: root inside is nobody outside.
An ordinary user is mapped to root inside, and all other ids to the subordinate ids that the
administrator has given the user in /etc/subuid and /etc/subgid (subuid(5)).
"""

import getpass
import hashlib
import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rdo.errors import RefusedError

COUNT = 65536
"""How many ids a root has: enough for all ids in a distribution's files."""

FIRST = 1_879_048_192
"""The first id outside, for root; systemd's table of ids (UIDS-GIDS) leaves its range unused."""


_LABS = (0x7FFF_FFFF - FIRST) // COUNT - 1
"""How many ranges there are besides that of build roots."""


@dataclass(frozen=True, slots=True)
class IdRow:
    """`count` ids from `inside` on are those from `outside` on."""

    inside: int
    outside: int
    count: int

    @property
    def words(self) -> tuple[int, int, int]:
        """The row in the form that /proc/PID/uid_map and newuidmap take."""
        return self.inside, self.outside, self.count


@dataclass(frozen=True, slots=True)
class IdRange:
    """How ids inside are mapped to ids outside."""

    uids: tuple[IdRow, ...]
    gids: tuple[IdRow, ...]
    is_root: bool

    @property
    def root(self) -> tuple[int, int]:
        """The user and group outside that are root inside."""
        return self.uids[0].outside, self.gids[0].outside


def id_range() -> IdRange:
    """Return the ids for our roots; RefusedError if this user has too few."""
    if os.geteuid() == 0:
        row = (IdRow(0, FIRST, COUNT),)
        return IdRange(row, row, is_root=True)
    return _of_user(os.geteuid(), os.getegid())


def lab_range(name: str) -> IdRange:
    """Return ids for root's lab that nothing else of ours has, derived from the lab's name.

    Two labs get the same ids in one of about 4000 cases; that weakens no wall to the machine.
    """
    number = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % _LABS
    row = (IdRow(0, FIRST + COUNT * (1 + number), COUNT),)
    return IdRange(row, row, is_root=True)


def one_id() -> IdRange:
    """Return the ids for a program that needs only one user, so no subordinate ids are needed."""
    if os.geteuid() == 0:
        return id_range()
    uid, gid = (IdRow(0, os.geteuid(), 1),), (IdRow(0, os.getegid(), 1),)
    return IdRange(uid, gid, is_root=False)


@cache
def _of_user(uid: int, gid: int) -> IdRange:
    name = user_name()
    for program in ("newuidmap", "newgidmap"):
        if not shutil.which(program):
            raise RefusedError(
                f"{program} is not installed: without it only root can make build roots",
                hint="install the package uidmap (Debian) or shadow-utils (EL, Fedora)",
            )
    ranges = [subordinate(Path(file), name, uid) for file in ("/etc/subuid", "/etc/subgid")]
    for first, kind in zip(ranges, ("uids", "gids"), strict=True):
        if first is None:
            raise RefusedError(
                f"user {name} has no {COUNT - 1} subordinate {kind}, which build roots need",
                hint=f"sudo usermod --add-sub{kind} 100000-{100000 + COUNT - 1} {name}",
            )
    first_uid, first_gid = ranges
    assert first_uid is not None
    assert first_gid is not None
    return IdRange(
        (IdRow(0, uid, 1), IdRow(1, first_uid, COUNT - 1)),
        (IdRow(0, gid, 1), IdRow(1, first_gid, COUNT - 1)),
        is_root=False,
    )


def subordinate(file: Path, name: str, uid: int) -> int | None:
    """Return the first id of a user's range that is long enough, by subuid(5)."""
    if not file.is_file():
        return None
    for line in file.read_text().splitlines():
        owner, _, numbers = line.partition(":")
        first, _, count = numbers.partition(":")
        is_ours = owner in {name, str(uid)} and first.isdecimal() and count.isdecimal()
        if is_ours and int(count) >= COUNT - 1:
            return int(first)
    return None


def user_name() -> str:
    """Return the name of the user who runs this, or the user's number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user that /etc/passwd does not know
        return str(os.geteuid())
