"""DLRN's numbering: derive Version and Release from an upstream version string."""

import re
from dataclasses import dataclass

from rdo.model.release_number import ReleaseNumber
from rdo.upstream_versions import is_pep440, spec_numbers, version_of_tag

FALLBACK_VERSION = "0.0.1"

# The first match decides. The order is DLRN's, and it matters: `2015.1.9-13-g53b605d`
# has both a dash and a `g`.
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"([^-]*)-.+",  # 1.0.0-d7f1b849, and the output of `git describe`
        r"(.*)\.0rc.+",  # pbr's 7.0.0.0rc2.dev1
        r"(.*)\.0b.+",
        r"(.*)\.0a.+",
        r"(.*)\.dev.+",
        r"(.*)\.g.+",  # 0.10.1.11.ga5f0e3c
        r"(.*)\.pre.*",
        r"([.0-9]+)$",
    )
)
_SAFE = re.compile(r"[A-Za-z0-9.!+_~^-]+")
_VERSION = re.compile(r"\d[A-Za-z0-9.+_~^]*")


@dataclass(frozen=True, slots=True)
class Numbers:
    """The version strings that a spec gets.

    `upstream_version` is the source's own version, which also names its archive; `version` is the
    part that rpm can compare; `release` lacks the dist tag. `epoch` is that of PEP 440.
    """

    upstream_version: str
    version: str
    release: str
    epoch: int = 0

    def archive(self, name: str) -> str:
        """Return the file name that DLRN gives the source archive."""
        return f"{name}-{self.upstream_version}-{self.release}.tar.gz"


def version_and_release(
    upstream_version: str, release: ReleaseNumber, archive: str = ""
) -> Numbers:
    """Derive the numbers of a source from its own version, as DLRN does.

    Version keeps all numbers of a PEP 440 version, including post-releases and local parts, because
    they sort above the release. If the version is plain but the archive's name has `.devN`, the
    archive's version is used (python-alembic). A version that does not begin with a number becomes
    0.0.1. Raises ValueError for a version that cannot be written into a spec because it contains
    blanks, `%` or `/`.
    """
    if re.fullmatch(r"[.0-9]+", upstream_version) and re.search(r"\.dev[0-9]+\.", archive):
        upstream_version = archive.removesuffix(".tar.gz").rpartition("-")[2]
    if not _SAFE.fullmatch(upstream_version):
        raise ValueError(f"upstream version {upstream_version!r} cannot be put into a spec")
    named = version_of_tag(upstream_version) or upstream_version
    if is_pep440(named):
        numbers = spec_numbers(named)
        return Numbers(upstream_version, numbers.version, str(release), numbers.epoch)
    matches = (pattern.match(named) for pattern in _PATTERNS)
    version = next((match[1] for match in matches if match), "")
    if not _VERSION.fullmatch(version):
        version = FALLBACK_VERSION
    return Numbers(upstream_version, version, str(release))
