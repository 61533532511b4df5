"""A commit: one state of a package's upstream and distgit, which gets built."""

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """A package at one upstream hash and one distgit hash.

    `extended_hash` is None, unless two packages of a target have the same two hashes, or a driver
    needs more than two hashes to name its input. Times are commit times, aware UTC. `upstream` is
    the URL of the source, without user and password; it is empty for commits recorded by an older
    rdo, and is not part of the identity.
    """

    package: str
    upstream_hash: str
    distgit_hash: str
    upstream_time: datetime
    distgit_time: datetime
    upstream_branch: str
    extended_hash: str | None = None
    extended_time: datetime | None = None
    component: str | None = None
    upstream: str = ""

    @property
    def key(self) -> tuple[str, str, str, str | None]:
        """The identity within a target."""
        return self.package, self.upstream_hash, self.distgit_hash, self.extended_hash

    @property
    def short_hash(self) -> str:
        """The first seven digits of the upstream hash."""
        return self.upstream_hash[:7]

    @property
    def source_date(self) -> datetime:
        """SOURCE_DATE_EPOCH: the later of the two commit times."""
        return max(self.upstream_time, self.distgit_time)

    def __str__(self) -> str:
        return f"{self.package}@{self.short_hash}"


def package_suffix(package: str) -> str:
    """Return the extended hash of a package that shares its two hashes (DLRN's rule)."""
    return hashlib.sha1(package.encode(), usedforsecurity=False).hexdigest()
