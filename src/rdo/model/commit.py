"""What gets built: one state of a package's upstream and distgit."""

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """A package at one upstream hash and one distgit hash.

    `extended_hash` is None but where two packages of a target own the same two hashes, or
    where a driver needs more than two to name its input. Times are commit times, aware UTC.
    `upstream` is the URL that it was taken from, without user and password; empty if an older
    rdo took it. It says where the source is, and is no part of the identity.
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
        return self.upstream_hash[:7]

    @property
    def source_date(self) -> datetime:
        """SOURCE_DATE_EPOCH: the later of the two commit times."""
        return max(self.upstream_time, self.distgit_time)

    def __str__(self) -> str:
        return f"{self.package}@{self.short_hash}"


def package_suffix(package: str) -> str:
    """The extended hash that tells apart two packages with the same two hashes (DLRN's rule)."""
    return hashlib.sha1(package.encode(), usedforsecurity=False).hexdigest()
