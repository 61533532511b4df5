"""Products that are made once, used by all factories of a platform, and verified at each use.

Each is in a folder of its own, whose name depends on everything it was made from; beside its files
is `hashes.json` with the hash of each. A folder without this file counts as missing.
"""

import json
import logging
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rdo import atomic
from rdo.checksum import sha256_of
from rdo.errors import CommandError
from rdo.tools.walls.removal import remove_tree

log = logging.getLogger(__name__)

HASHES = "hashes.json"


def keep(place: Path, files: Iterable[Path], facts: Mapping[str, Any] | None = None) -> None:
    """Move files to the new folder `place`, by one rename, with their hashes and other facts.

    If another process has made the folder meanwhile, that one stays.
    """
    with atomic.new_directory(place) as new:
        hashes = {}
        for path in files:
            hashes[path.name] = sha256_of(path)
            shutil.move(path, new / path.name)
            atomic.sync(new / path.name)
        (new / HASHES).write_text(json.dumps({**(facts or {}), "hashes": hashes}, indent=1))


def facts_of(place: Path) -> dict[str, Any]:
    """Return the facts that `keep` stored beside the files; empty if it did not make the folder."""
    try:
        found = json.loads((place / HASHES).read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("hashes"), dict) else {}


def kept_files(place: Path) -> tuple[Path, ...]:
    """Return the files in such a folder, each with its stored hash.

    Empty if the folder does not exist. If a file has changed, the folder is removed, so that it is
    made again.
    """
    if not place.is_dir():
        return ()
    hashes = facts_of(place).get("hashes", {})
    paths = {place / name: digest for name, digest in sorted(hashes.items())}
    names = {path.name for path in place.iterdir()} - {HASHES}
    is_whole = bool(hashes) and names == hashes.keys()
    if is_whole and all(sha256_of(path) == digest for path, digest in paths.items()):
        return tuple(paths)
    log.warning("%s has changed since it was made; it is made again", place)
    remove_tree(place)
    return ()


def newly_kept(place: Path) -> tuple[Path, ...]:
    """Return the files of a folder that was just made; CommandError if it does not exist."""
    if found := kept_files(place):
        return found
    raise CommandError(f"{place} is missing, although it was just made")
