"""DLRN's numbering: what Version and Release an upstream version string gives."""

import re
from dataclasses import dataclass

from rdo.model.build import ReleaseNumber

FALLBACK_VERSION = "0.0.1"

# The first pattern that matches decides. The order is DLRN's and matters: `2015.1.9-13-g53b605d`
# has both a dash and a `g`.
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"([^-]*)-.+",  # 1.0.0-d7f1b849, and what `git describe` says
        r"(.*)\.0rc.+",  # pbr's 7.0.0.0rc2.dev1
        r"(.*)\.0b.+",
        r"(.*)\.0a.+",
        r"(.*)\.dev.+",
        r"(.*)\.g.+",  # 0.10.1.11.ga5f0e3c
        r"(.*)\.pre.*",
        r"([.0-9]+)$",
        # Ours: DLRN answers 0.0.1 to the forms of PEP 440 that have no dot before the letters,
        # which today's backends write.
        r"([0-9]+(?:\.[0-9]+)*)(?:a|b|rc|\.post|\+).*",
    )
)
_SAFE = re.compile(r"[A-Za-z0-9.!+_~^-]+")


@dataclass(frozen=True, slots=True)
class Numbers:
    """The three strings that go into a spec.

    `upstream_version` is what the source itself says and what its archive is named after;
    `version` is the part of it that rpm may compare; `release` is without the dist tag.
    """

    upstream_version: str
    version: str
    release: str

    def archive(self, name: str) -> str:
        """The file name of the source archive, as DLRN renames it."""
        return f"{name}-{self.upstream_version}-{self.release}.tar.gz"


def version_and_release(
    upstream_version: str, release: ReleaseNumber, archive: str = ""
) -> Numbers:
    """Number a source by the version that it gives itself, as DLRN does.

    A plain version whose archive says `.devN` is numbered by the archive (python-alembic).
    What has no number at all is 0.0.1. An upstream version is written into a spec, so one with
    blanks, `%` or `/` in it is a ValueError.
    """
    if not _SAFE.fullmatch(upstream_version):
        raise ValueError(f"upstream version {upstream_version!r} cannot be put into a spec")
    if re.fullmatch(r"[.0-9]+", upstream_version) and re.search(r"\.dev[0-9]+\.", archive):
        upstream_version = re.sub(r".*-(.*)\.tar\.gz", r"\1", archive)
    matches = (pattern.match(upstream_version) for pattern in _PATTERNS)
    version = next((match[1] for match in matches if match), "")
    return Numbers(upstream_version, version or FALLBACK_VERSION, str(release))
