"""A decided change of the tree, and how to carry it out from any point."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rdo import atomic
from rdo.dlrn.formats import aggregate_hash, aggregate_repo, aggregate_versions

TRASH = ".publishing/removed"
_SHARD = re.compile(r"[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Link:
    """A name that is going to point to a place; both are relative to the tree."""

    name: str
    place: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A name with top-level files made from the repositories it points to in each component."""

    name: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TreeChange:
    """A directory to put in its place, links to move, aggregates to write, and removals.

    They are done in this order. `fresh` is where the directory was built and `inode` identifies it:
    once the directory with that inode is at `place`, the one left at `fresh` is the old one.
    `removals` are moved into the folder `TRASH`, which is emptied later, so that a big removal does
    not make others wait.
    """

    place: str = ""
    fresh: str = ""
    inode: int = 0
    links: tuple[Link, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    reponame: str = "delorean"
    removals: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> "TreeChange":
        links = tuple(Link(**link) for link in payload["links"])
        aggregates = tuple(
            Aggregate(entry["name"], tuple(entry["places"])) for entry in payload["aggregates"]
        )
        removals = tuple(payload.get("removals", ()))
        return cls(**{**payload, "links": links, "aggregates": aggregates, "removals": removals})


def carry_out(change: TreeChange, repos: Path) -> None:
    """Carry out a change of the tree. Doing it again, from any point, has the same result."""
    if change.place:
        _place(repos / change.fresh, change.inode, repos / change.place)
    for link in change.links:
        atomic.point_link(repos / link.name, repos / link.place)
    for aggregate in change.aggregates:
        _aggregate(repos, aggregate, change.reponame)
    for number, path in enumerate(change.removals):
        _put_aside(repos / path, repos / TRASH, number)
    atomic.sync(*_touched(change, repos))


def _put_aside(path: Path, trash: Path, number: int) -> None:
    if not (path.exists() or path.is_symlink()):
        return
    trash.mkdir(exist_ok=True, parents=True)
    path.rename(trash / f"{number}-{path.lstat().st_ino}")
    for parent in list(path.parents)[:2]:  # aa/bb, if nothing else is in them
        if any(parent.iterdir()) or not _SHARD.fullmatch(parent.name):
            return
        parent.rmdir()


def _place(fresh: Path, inode: int, place: Path) -> None:
    if not (place.exists() and place.stat().st_ino == inode):
        atomic.place_directory(fresh, place)
    if fresh.exists():
        shutil.rmtree(fresh)


def _aggregate(repos: Path, aggregate: Aggregate, reponame: str) -> None:
    """Write the top-level files of a name and point its three links to them.

    A damaged repository is left out, because the others can still be installed from.
    """
    places = [repos / place for place in aggregate.places]
    parts = [one for one in places if has_files(one, reponame)]
    text = aggregate_repo([(part / f"{reponame}.repo").read_text() for part in parts])
    digest = aggregate_hash(text)
    top = repos / aggregate.name
    if top.is_symlink():  # from before the target had components
        top.unlink()
    folder = top / digest[:2] / digest[2:4] / digest
    folder.mkdir(parents=True, exist_ok=True)
    versions = aggregate_versions([(part / "versions.csv").read_text() for part in parts])
    files = {f"{reponame}.repo": text, f"{reponame}.repo.md5": digest, "versions.csv": versions}
    for name, content in files.items():
        atomic.write_file(folder / name, content)
    for name in files:
        atomic.point_link(top / name, folder / name)


def has_files(repository: Path, reponame: str) -> bool:
    """Whether a repository has the files that an aggregate is made of."""
    return all((repository / name).is_file() for name in (f"{reponame}.repo", "versions.csv"))


def _touched(change: TreeChange, repos: Path) -> Iterable[Path]:
    """Return the directories whose entries the change has modified."""
    names = {(repos / link.name).parent for link in change.links}
    names |= {repos / aggregate.name for aggregate in change.aggregates}
    return names | {(repos / change.place).parent} if change.place else names
