"""Where metadata is read from: the place in rdo.toml, a folder, a git repository, or RDO's own."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rdo.errors import RefusedError

if TYPE_CHECKING:
    from rdo.config import MetadataSection, Settings
    from rdo.metadata import Distribution
    from rdo.metadata.editing.draft import Draft

RDOINFO = "https://github.com/redhat-openstack/rdoinfo.git"


def user_cache() -> Path:
    """Return the user's own cache folder, not a factory's; it may be deleted."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "rdo"


def configured(settings: "Settings", *, max_age: float) -> "Distribution":
    """Read the metadata named in rdo.toml; a git URL is fetched again after `max_age` seconds.

    Raises ConfigError if rdo.toml has no [metadata].
    """
    from rdo import metadata

    section = settings.needed_metadata
    cache = settings.cache / "metadata"
    if section.layout != "rdoinfo":
        return _other_layout(section, settings, cache)
    return metadata.load(section.source, section.file, cache=cache, max_age=max_age)


def _other_layout(section: "MetadataSection", settings: "Settings", cache: Path) -> "Distribution":
    from rdo.metadata import layouts

    releases = [target.release for target in settings.targets.values()]
    if section.layout == "local":
        return layouts.local(Path(section.source), releases)
    return layouts.folders(
        section.source,
        releases,
        directories=section.directories,
        skip=section.skip,
        upstreams=section.upstreams,
        cache=cache,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where to read metadata from: a folder or URL, the file in it, and a folder for its cache.

    An empty `file` means the usual name.
    """

    source: str
    file: str
    cache: Path


def place(section: "MetadataSection | None", settings: "Settings", source: str, file: str) -> Place:
    """Return where a command that only reads finds the metadata.

    It needs no rdo.toml: without one and without `source`, it is the current folder if that
    contains metadata, else RDO's own metadata.
    """
    if section:
        return Place(section.source, file or section.file, settings.cache / "metadata")
    is_here = any(Path(name).is_file() for name in ("rdo-full.yml", "rdo.yml"))
    return Place(source or ("." if is_here else RDOINFO), file, user_cache() / "metadata")


def draft(where: Place) -> "Draft":
    """Open metadata for edits; raises RefusedError unless the place is a folder."""
    from rdo.metadata.editing.draft import Draft
    from rdo.metadata.loading import usual_file

    folder = Path(where.source)
    if not folder.is_dir():
        hint = "clone it, and name the folder by --info"
        raise RefusedError(f"{where.source} is not a folder, so it cannot be edited", hint=hint)
    return Draft(folder, where.file or usual_file(folder))
