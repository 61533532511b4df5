"""Other targets of a factory that a target takes packages from, as named in its .repo files.

Each is named by the path of one repository, which never changes, in the `name` of its section:
`name=delorean-deps-virtualization, virt-deb12 1a/2b/1a2b…`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from rdo.model.repo_file import NEIGHBOUR

_DEPENDANTS = "dependants"
"""The folder beside a tree with an empty file for each target that depends on the tree."""

_SECTION = re.compile(
    r"^\[(?P<id>[^\]\n]+)\]\nname=[^,\n]*, (?P<target>[A-Za-z0-9][A-Za-z0-9._-]*)"
    r" (?P<path>[A-Za-z0-9][A-Za-z0-9._/-]*)\n(?P<rest>(?:(?!\[).*\n)*)",
    re.MULTILINE,
)
_PRIORITY = re.compile(r"^priority=([0-9]{1,2})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A repository of another target; `path` is relative to that target's tree."""

    repo_id: str
    target: str
    path: str
    priority: int

    @property
    def label(self) -> str:
        """The name of the section, by which the repository is recognized."""
        return f"{self.repo_id}, {self.target} {self.path}"

    def folder(self, data: Path) -> Path:
        """Return the folder of the repository; `data` has a folder for each target."""
        return data / self.target / "repos" / self.path


def neighbours_in(text: str) -> tuple[Neighbour, ...]:
    """Return the other targets' repositories in the text of a .repo file.

    >>> neighbours_in("[a-deps-virt]\\nname=a-deps-virt, virt-deb12 1a/2b\\npriority=20\\n")
    (Neighbour(repo_id='a-deps-virt', target='virt-deb12', path='1a/2b', priority=20),)
    """
    return tuple(
        Neighbour(found["id"], found["target"], found["path"], _priority(found["rest"]))
        for found in _SECTION.finditer(text)
        if ".." not in found["path"].split("/")
    )


def note_dependant(neighbour: Neighbour, data: Path, dependant: str) -> None:
    """Record that a target depends on another one, which then keeps repositories named by it."""
    file = data / neighbour.target / _DEPENDANTS / dependant
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def dependants(folder: Path) -> tuple[str, ...]:
    """Return the targets that depend, or once did, on the target of this folder."""
    return tuple(sorted(file.name for file in (folder / _DEPENDANTS).glob("*")))


def without_neighbours(text: str) -> str:
    """Return the text of a .repo file without the sections of other targets."""
    return _SECTION.sub("", text)


def only_neighbours(text: str) -> str:
    """Return only the sections of other targets from the text of a .repo file."""
    return "\n".join(found[0].strip() + "\n" for found in _SECTION.finditer(text))


def neighbours_of(folder: Path) -> tuple[Neighbour, ...]:
    """Return the other targets' repositories in the .repo files of a folder."""
    texts = (file.read_text(errors="replace") for file in sorted(folder.glob("*-deps.repo")))
    return tuple(dict.fromkeys(one for text in texts for one in neighbours_in(text)))


def _priority(text: str) -> int:
    found = _PRIORITY.search(text)
    return int(found[1]) if found else NEIGHBOUR
