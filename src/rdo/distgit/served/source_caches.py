"""The lookaside caches in which the sources of a push must be."""

from dataclasses import dataclass

from rdo.config.distgit_server import DistgitServerSection
from rdo.distgit.served.receiving import SourceCache
from rdo.lookaside.client import LookasideCache
from rdo.lookaside.layout import Layout
from rdo.lookaside.sources_file import SourceEntry
from rdo.lookaside.storage import Storage


def cache_of(section: DistgitServerSection, name: str) -> SourceCache | None:
    """Return the configured cache of a distgit; None if sources are not checked."""
    layout = Layout(section.lookaside_layout)
    if section.lookaside:
        return StoredSources(name, Storage(section.lookaside, layout))
    if section.lookaside_url:
        return RemoteSources(name, LookasideCache((section.lookaside_url,), "", layout))
    return None


@dataclass(frozen=True, slots=True)
class StoredSources:
    """A cache in a folder of this machine; files are also compared with their hashes."""

    package: str
    storage: Storage

    def fault(self, entry: SourceEntry, branch: str) -> str:
        """Return the fault of a file; empty if it exists and is intact."""
        place = self.storage.folder / self.storage.layout.path(self.package, entry, branch)
        if not place.is_file():
            return _absent(entry)
        if entry.hash_type.of(place) != entry.digest:
            return f"{entry.name} in the lookaside cache does not match its hash"
        return ""


@dataclass(frozen=True, slots=True)
class RemoteSources:
    """A cache on a server that is asked by HTTP."""

    package: str
    cache: LookasideCache

    def fault(self, entry: SourceEntry, branch: str) -> str:
        """Return the fault of a file; empty if it exists. Raises OutsideError."""
        return "" if self.cache.serves(self.package, entry, branch) else _absent(entry)


def _absent(entry: SourceEntry) -> str:
    return f"{entry.name} is not in the lookaside cache; upload it first: rdo pkg upload"
