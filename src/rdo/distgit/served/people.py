"""People who may log in by ssh: a file of addresses and keys, and OpenSSH's form of it."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import ConfigError

_ADDRESS = re.compile(r"[A-Za-z0-9._%+'=/-]+@[A-Za-z0-9.-]+")
_KEY = re.compile(r"((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})(?: .*)?")


@dataclass(frozen=True, slots=True)
class PersonKey:
    """An ssh key of a person, who is identified by an address in the metadata."""

    address: str
    key: str

    def authorized(self, command: Sequence[str]) -> str:
        """Return the line for OpenSSH's authorized_keys, which allows only that command."""
        text = shlex.join(command).replace("\\", "\\\\").replace('"', '\\"')
        return f'restrict,command="{text}" {self.key} {self.address}'


def read_people(file: Path) -> list[PersonKey]:
    """Read a file of lines `ADDRESS KEY`, with keys as in a `.pub` file; `#` begins a comment.

    Raises ConfigError for a malformed line, a key that two people have, or a file that cannot be
    read.
    """
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the file of keys cannot be read: {error}") from error
    found: list[PersonKey] = []
    owners: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        plain = " ".join(line.split())
        if not plain or plain.startswith("#"):
            continue
        address, _, rest = plain.partition(" ")
        key = _KEY.fullmatch(rest)
        if not key or not _ADDRESS.fullmatch(address):
            raise ConfigError(
                f"{file}, line {number}: not ADDRESS KEY",
                hint="write the address, a blank, and the line of the person's .pub file",
            )
        if owners.setdefault(key[2], address.lower()) != address.lower():
            raise ConfigError(f"{file}, line {number}: the key is also that of {owners[key[2]]}")
        found.append(PersonKey(address.lower(), f"{key[1]} {key[2]}"))
    return found
