"""One try at building a commit, and how it ended."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from rdo.model.artifact import RpmFile
from rdo.model.commit import Commit
from rdo.model.package import SpecRule
from rdo.model.packed_archive import KeptArchive, SharedArchives
from rdo.model.release_number import ReleaseNumber

BUILD_LOG = "rpmbuild.log"
"""The log of a build: in its folder, beside its results and in the published tree."""
INSTALLED = "installed_pkgs.log"
"""A build's file with the NEVRAs in its root besides the base, one per line."""
INSTALLED_SUMS = "installed_pkgs.sha256"
"""The same with the sha256 of each RPM in front of it; only for builds in our own roots."""


class BuilderKind(StrEnum):
    """The ways to build that rdo supports; `[builders.NAME]` configures one under a name."""

    ROOT = "root"
    COMMAND = "command"
    MOCK = "mock"
    KOJI = "koji"
    COPR = "copr"

    @property
    def is_farm(self) -> bool:
        """Whether builds run on other machines, so that they use none of this machine's workers."""
        return self in {BuilderKind.KOJI, BuilderKind.COPR}


class FailureReason(StrEnum):
    """Why a build failed, decided where the fact is known (exit code, phase, exception)."""

    SOURCE = "source"
    SPEC = "spec"
    PREP = "prep"
    PATCH = "patch"
    ARCHITECTURE = "architecture"  # the spec does not support the platform's
    MISSING_DEPENDENCY = "missing-dependency"
    CYCLE = "cycle"
    COMPILE = "compile"
    TEST = "test"
    INSTALL = "install"
    TIME_LIMIT = "time-limit"
    OUTPUT_LIMIT = "output-limit"
    NETWORK = "network"
    NO_SPACE = "no-space"
    INTERRUPTED = "interrupted"
    REFUSED = "refused"  # it made RPMs that may not be published
    BUILDER = "builder"  # it cannot be reached, or a program of ours failed outside the build
    UNKNOWN = "unknown"

    @property
    def is_spurious(self) -> bool:
        """Whether the same sources may well build on a second try."""
        return self in {self.NETWORK, self.NO_SPACE, self.INTERRUPTED, self.BUILDER}


@dataclass(frozen=True, slots=True)
class Built:
    """A build that produced RPMs: their paths in the build's own folder, including the SRPM.

    `lacking` are RPM dependencies of the built RPMs that nothing provided at the time, as far as
    the builder checks. `read` are the headers of the RPMs, once they were read. `taken_from` is the
    build of another target that made them, as `TARGET/ID`; `not_taken` is why they were made here
    although there was a donor.
    """

    rpms: tuple[Path, ...]
    lacking: tuple[str, ...] = field(default=(), compare=False)
    read: tuple[RpmFile, ...] = field(default=(), compare=False, repr=False)
    taken_from: str = field(default="", compare=False)
    not_taken: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """A build that failed. `detail` is one line for people, such as the missing names."""

    reason: FailureReason
    detail: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A build that requires something that nothing installed or published provides yet.

    `needs` are RPM dependencies in rpm's form, such as `python3dist(pbr) >= 2`.
    """

    needs: tuple[str, ...]


Outcome: TypeAlias = Built | Failed | Waiting


@dataclass(frozen=True, slots=True)
class LaidOver:
    """Files of another distgit at a commit that replace those of a package's own.

    `mirror` is a bare mirror with the commit; `rules` then change the lines of the spec.
    """

    mirror: Path
    commit: str
    rules: tuple[SpecRule, ...] = ()


def shown_build(key: str) -> str:
    """Return the build in `TARGET/ID` as text for people.

    >>> shown_build("master-deb12/7")
    'build 7 of master-deb12'
    """
    target, _, number = key.rpartition("/")
    return f"build {number} of {target}"


@dataclass(frozen=True, slots=True)
class Donor:
    """A build of the same commit on another target, whose RPMs are taken if all are noarch.

    `maker` is the build that made them, as `TARGET/ID`; `folder` contains them, `sums` has the
    SHA-256 of each, with the file's name. `python` is the Python of the platform that takes them,
    if it is known.
    """

    maker: str
    folder: Path
    sums: tuple[tuple[str, str], ...]
    python: str = ""

    def __str__(self) -> str:
        return shown_build(self.maker)


@dataclass(frozen=True, slots=True)
class BuildJob:
    """Everything that a builder gets about one build; made by the trunk, immutable.

    `upstream` and `distgit` are bare mirrors that contain the commit's hashes; `distgit_path` is
    the folder of the .spec inside the distgit. `folder` receives the logs and RPMs; it is empty or
    missing when the build starts. `repositories` are folders with repodata of what the release
    itself has built so far, newest state first; `last_resort` are folders used only for packages
    that are nowhere else. With `skip_tests`, %check is not run. `spec_hash` is the distgit commit
    whose spec is built, if it is not the commit's own; the files of an `overlay` replace those of
    the distgit. A `given` archive is the source; without one an archive is made, or taken from
    those `shared` with other targets. If the RPMs of a `donor` can be used, nothing is built.
    """

    id: int
    commit: Commit
    release: ReleaseNumber
    upstream: Path
    distgit: Path
    folder: Path
    repositories: tuple[Path, ...] = ()
    distgit_path: str = ""
    version_from: str | None = None
    bootstrap: bool = False
    skip_tests: bool = False
    last_resort: tuple[Path, ...] = ()
    spec_hash: str = ""
    keep_changelog: bool = False
    overlay: LaidOver | None = None
    shared: SharedArchives | None = None
    given: KeptArchive | None = None
    donor: Donor | None = None
