"""A fake builder and a fake bridge: they do what a test announced, with real RPMs."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from rdo.bridge.protocol import Provision
from rdo.builders.in_process import CANCELLED, InProcessBuilder
from rdo.builders.protocol import Foreseen, Ticket
from rdo.model.build import BuildJob, Built, Failed, FailureReason, Outcome, Waiting

SPEC = """\
Name: python3-{project}
Version: 1
Release: {release}
Summary: {package}
License: ASL
BuildArch: noarch
{build_requires}
Provides: python3dist({project}) = {release}
%description
{package}
%files
"""


@dataclass(frozen=True, slots=True)
class GoodBuild:
    """Give RPMs that provide `python3dist(PROJECT)`; `needed` stand in the source RPM.

    `lacking` are what the RPMs need to be installed and nobody provides yet.
    """

    needed: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unless:
    """Wait for `needs` unless each of `packages` was built before this try began."""

    packages: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnlessOutside:
    """Like `Unless`, but packages from the last resort count too."""

    packages: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asks:
    """Wait in turn for dependencies that only the bridge has, and for packages built before."""

    outside: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndsAfter:
    """Run until another package is built, then return RPMs."""

    package: str


Act: TypeAlias = (
    GoodBuild | Built | Unless | UnlessOutside | Asks | EndsAfter | Failed | Waiting | BaseException
)


@dataclass(slots=True)
class ScriptedBuilder(InProcessBuilder):
    """Unannounced packages are built well; for others each act is done once, the last for ever.

    `jobs` are all jobs in the order of their start; `most_at_once` is how many ran together.
    """

    acts: dict[str, list[Act]] = field(default_factory=dict)
    jobs: list[BuildJob] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    most_at_once: int = 0
    bridge: "ScriptedBridge | None" = None
    gate: threading.Barrier | None = None
    name: str = "scripted"
    _working: int = 0
    _raised: list[BaseException] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        InProcessBuilder.__init__(self)

    def will(self, package: str, *acts: Act) -> None:
        self.acts[package] = list(acts)

    @property
    def order(self) -> list[str]:
        return [job.commit.package for job in self.jobs]

    def start(self, job: BuildJob) -> Ticket:
        self.jobs.append(job)
        return InProcessBuilder.start(self, job)

    def poll(self, tickets: Collection[Ticket]) -> dict[Ticket, Outcome]:
        if self._raised:  # what the announced act raises meets the round itself
            raise self._raised.pop()
        return InProcessBuilder.poll(self, tickets)

    def _build(self, job: BuildJob, is_cancelled: Callable[[], bool]) -> Outcome:
        with self._lock:
            self._working += 1
            self.most_at_once = max(self.most_at_once, self._working)
        try:
            if self.gate:
                self.gate.wait(120)
            return self._act(job)
        finally:
            with self._lock:
                self._working -= 1

    def _act(self, job: BuildJob) -> Outcome:
        job.folder.mkdir(parents=True)  # fails if the round left something there
        (job.folder / "rpmbuild.log").write_text(f"building {job.commit}\n")
        acts = self.acts.get(job.commit.package, [GoodBuild()])
        act = acts.pop(0) if len(acts) > 1 else acts[0]
        if isinstance(act, UnlessOutside) and job.last_resort:
            act = GoodBuild()
        if isinstance(act, Unless | UnlessOutside):
            act = GoodBuild() if set(act.packages) <= set(self.built) else Waiting(act.needs)
        if isinstance(act, Asks):
            act = self._asking(act, is_bootstrap=job.bootstrap)
        if isinstance(act, EndsAfter):
            act = self._ended_after(act.package)
        match act:
            case GoodBuild(needed, lacking):
                rpms = make_rpms(job, needed)
                self.built.append(job.commit.package)
                return Built(rpms, lacking)
            case Exception():
                raise act
            case BaseException():
                self._raised.append(act)
                return CANCELLED
        return act

    def _asking(self, act: Asks, *, is_bootstrap: bool) -> GoodBuild | Waiting:
        given = {need for one in (self.bridge.asked if self.bridge else ()) for need in one}
        absent = tuple(need for need in act.outside if need not in given)
        behind = () if is_bootstrap else act.packages
        needs = absent or tuple(project_need(one) for one in behind if one not in self.built)
        return Waiting(needs) if needs else GoodBuild()

    def _ended_after(self, package: str) -> GoodBuild | Failed:
        deadline = time.monotonic() + 60
        while package not in self.built:
            if time.monotonic() > deadline:
                return Failed(FailureReason.TIME_LIMIT, f"{package} was not built meanwhile")
            time.sleep(0.01)
        return GoodBuild()


def project_need(package: str) -> str:
    """The dependency that the RPMs of `python-NAME` meet."""
    return f"python3dist({package.removeprefix('python-')})"


def make_rpms(job: BuildJob, needed: Sequence[str] = ()) -> tuple[Path, ...]:
    """A source and a noarch RPM, by rpmbuild on this machine."""
    package = job.commit.package
    text = SPEC.format(
        package=package,
        project=package.removeprefix("python-"),
        release=job.release,
        build_requires="\n".join(f"BuildRequires: {need}" for need in needed),
    )
    spec = job.folder / f"{package}.spec"
    spec.write_text(text)
    places = [f"--define=_{name}dir {job.folder}" for name in ("rpm", "srcrpm")]
    top = f"--define=_topdir {job.folder / 'top'}"
    flat = "--define=_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"
    command = ["rpmbuild", "-ba", "--quiet", "--nodeps", top, *places, flat, str(spec)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ}, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(sorted(job.folder.glob("*.rpm")))


@dataclass(slots=True)
class ScriptedBridge:
    """Provides the announced projects; all others are missing."""

    known: set[str] = field(default_factory=set)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    error: Exception | None = None

    def provide(self, needs: Sequence[str]) -> Provision:
        self.asked.append(tuple(needs))
        if self.error:
            raise self.error
        return Provision(
            tuple(need for need in needs if need in self.known),
            tuple(need for need in needs if need not in self.known),
        )


@dataclass(slots=True)
class ScriptedLastResort(ScriptedBridge):
    """A bridge that also knows the release's own packages; its folder is there once it gave any."""

    folder: Path = Path("/nonexistent")

    def repository(self) -> Path | None:
        return self.folder if self.known and self.asked else None


SPURIOUS = Failed(FailureReason.NETWORK, "no route to the index")
BROKEN = Failed(FailureReason.COMPILE, "gcc: error")


@dataclass(slots=True)
class ScriptedForesight:
    """Predicts what was announced for each package; nothing is known about other packages.

    `read_packages` are the packages that it was asked about; `brings` is what that which meets a
    need requires in turn.
    """

    bridge: ScriptedBridge
    known: dict[str, Foreseen] = field(default_factory=dict)
    read_packages: list[str] = field(default_factory=list)
    brings: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def read(
        self, jobs: Sequence[BuildJob], is_cancelled: Callable[[], bool]
    ) -> Mapping[int, Foreseen]:
        assert not is_cancelled()
        names = {job.id: job.commit.package for job in jobs}
        self.read_packages += names.values()
        return {id_: self.known[name] for id_, name in names.items() if name in self.known}

    def lacking(self, needs: Iterable[str], own: Sequence[Path]) -> tuple[str, ...]:
        assert all(folder.is_dir() for folder in own)
        given = {need for one in self.bridge.asked for need in one}
        built = (path.name.rpartition("-1-")[0] for folder in own for path in folder.glob("*.rpm"))
        given |= {project_need(f"python-{name.removeprefix('python3-')}") for name in built}
        brought = {more for need in needs for more in self.brings.get(need, ())}
        return tuple(
            need for need in {**dict.fromkeys(needs), **dict.fromkeys(brought)} if need not in given
        )
