"""One try at building a commit, and how it ended."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from rdo.model.artifact import RpmFile
from rdo.model.commit import Commit
from rdo.model.package import SpecRule
from rdo.model.release_number import ReleaseNumber

BUILD_LOG = "rpmbuild.log"
"""The log of a build, in its folder, beside its results and in the published tree."""
INSTALLED = "installed_pkgs.log"
"""The file of a build with the NEVRAs that its root had besides the base, one a line."""
INSTALLED_SUMS = "installed_pkgs.sha256"
"""The same with the sha256 of each RPM before it, where our own roots built."""


class BuilderKind(StrEnum):
    """The ways to build that rdo knows; `[builders.NAME]` sets up one of them under a name."""

    ROOT = "root"
    COMMAND = "command"
    MOCK = "mock"
    KOJI = "koji"
    COPR = "copr"

    @property
    def is_farm(self) -> bool:
        """Whether builds are done elsewhere, so that they do not use this machine."""
        return self in {BuilderKind.KOJI, BuilderKind.COPR}


class FailureReason(StrEnum):
    """Why a build failed, decided where the fact is known (exit code, phase, exception)."""

    SOURCE = "source"
    SPEC = "spec"
    PREP = "prep"
    PATCH = "patch"
    ARCHITECTURE = "architecture"  # the spec is not for the platform's
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
    REFUSED = "refused"  # it gave RPMs that may not be published
    BUILDER = "builder"  # it is unreachable, or a program of ours failed outside the build
    UNKNOWN = "unknown"

    @property
    def is_spurious(self) -> bool:
        """Whether the same sources may well build on a second try."""
        return self in {self.NETWORK, self.NO_SPACE, self.INTERRUPTED, self.BUILDER}


@dataclass(frozen=True, slots=True)
class Built:
    """A build that produced RPMs: their paths in the build's own folder, including the SRPM.

    `lacking` are RPM dependencies of the installed RPMs that nothing provided when they were built,
    as far as the builder checks. `read` is what the RPMs are, once somebody has looked.
    """

    rpms: tuple[Path, ...]
    lacking: tuple[str, ...] = field(default=(), compare=False)
    read: tuple[RpmFile, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """A build that failed. `detail` is one line for a person, such as the missing names."""

    reason: FailureReason
    detail: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A build that requires something that nothing installed or published provides yet.

    `needs` are RPM dependencies as rpm writes them, such as `python3dist(pbr) >= 2`.
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


@dataclass(frozen=True, slots=True)
class BuildJob:
    """Everything that a builder needs to know about one build; made by trunk, immutable.

    `upstream` and `distgit` are bare mirrors that hold the commit's hashes; `distgit_path` is the
    folder of the .spec inside the distgit. `folder` receives the logs and RPMs; it is empty or
    missing when the build starts. `repositories` are folders with repodata of what the release
    itself has built so far, newest state first; `last_resort` are folders used only for what no
    other one has. With `skip_tests`, %check is not run. `spec_hash` is the distgit's commit whose
    spec is built, if it is not the commit's own; the files of an `overlay` replace those of the
    distgit.
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
