"""`rdo pkg create`: make a distgit from a project on PyPI or in git.

The source is built and imported once in a root, to find out what it contains. From that the spec is
written, built, and corrected according to failed builds, until it builds. The distgit appears only
when it is complete.
"""

import getpass
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

import pymod2pkg

from rdo.bridge.protocol import Bridge
from rdo.builders.rooms.workshop import Workshop
from rdo.cancellation import TimeIsUpError, time_limit
from rdo.distgit.local_build import LocalBuild, build_local
from rdo.distgit.new_package.crates import CrateIndex, archive_name
from rdo.distgit.new_package.rust import CargoSource, cargo_source
from rdo.distgit.new_package.source import Described, Offered, describe, offer
from rdo.distgit.new_package.spec import UNKNOWN_LICENCE, SpecPlan, render, rpm_version_of
from rdo.distgit.new_package.tests_and_docs import plan_docs, plan_tests
from rdo.distgit.new_package.trial import TrialResult, settle
from rdo.errors import RefusedError
from rdo.log_tail import read_tail
from rdo.lookaside.hashes import HashType
from rdo.lookaside.sources_file import SOURCES, SourceEntry, SourcesFile
from rdo.metadata.checking.review import UNDER_REVIEW
from rdo.metadata.editing import edits
from rdo.metadata.editing.draft import Draft
from rdo.model.build import BUILD_LOG, Built, Failed, Outcome
from rdo.package_index import PackageIndex
from rdo.spec import changelog
from rdo.tools.git.new_repository import commit_new, user_settings
from rdo.upstream_versions import is_pep440, spec_numbers

log = logging.getLogger(__name__)

RESULTS = "results"
_LOG_BYTES = 4_000_000  # how much of the end of a log is searched
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,100}")
_SOURCE_NAME = re.compile(r"\w[\w.+~!-]*")


@dataclass(frozen=True, slots=True)
class NewPackageRequest:
    """A request for a new package; empty values are determined. `into` is the parent folder.

    `known` are the existing projects and packages, `seconds` limits everything together. The crates
    of a Rust source come from the sparse index `crates_index`; without one, a Rust source is
    refused.
    """

    project: str
    into: Path
    version: str = ""
    name: str = ""
    maintainer: str = ""
    branch: str = "rpm-master"
    is_built: bool = True
    is_dry: bool = False
    known: frozenset[str] = frozenset()
    seconds: float = 3600
    crates_index: str = ""


@dataclass(frozen=True, slots=True)
class Created:
    """A new package; `tests` and `docs` describe what the build does with them.

    `crates` is the file name of its second source, the crates of a Rust source.

    `outcome` is None if it was not built. `is_interrupted` is true if a person or the time limit
    ended the trial builds; for the time limit `is_out_of_time` is true.
    """

    name: str
    project: str
    version: str
    upstream: str
    licence: str
    folder: Path
    maintainer: str
    spec: str
    tests: str
    docs: str
    outcome: Outcome | None = None
    tries: int = 0
    is_interrupted: bool = False
    is_out_of_time: bool = False
    crates: str = ""

    @property
    def is_good(self) -> bool:
        is_failed = self.outcome is not None and not isinstance(self.outcome, Built)
        return not is_failed and not self.is_interrupted

    @property
    def lacks_licence(self) -> bool:
        return self.licence == UNKNOWN_LICENCE


@dataclass(frozen=True)
class TrialBench:
    """Everything that trial builds need: roots, repositories, the package index, and a clock."""

    open_workshop: Callable[[], tuple[Workshop, Bridge]]
    open_index: Callable[[], PackageIndex]
    now: Callable[[], datetime]
    say: Callable[[str], None]

    @cached_property
    def _opened(self) -> tuple[Workshop, Bridge]:
        return self.open_workshop()

    @property
    def workshop(self) -> Workshop:
        return self._opened[0]

    @property
    def bridge(self) -> Bridge:
        return self._opened[1]


def create(request: NewPackageRequest, bench: TrialBench) -> Created:
    """Make the distgit, whether or not it builds; the folder appears with its first commit.

    Raises RefusedError if the package exists or cannot be made, and NotFoundError or OutsideError
    if its source cannot be fetched. If the time limit ends the trial builds, the package is kept as
    it is; before them, it raises RefusedError.
    """
    deadline = time.monotonic() + request.seconds
    if request.name:
        _check_free(request, request.name)
    with tempfile.TemporaryDirectory(prefix="rdo-create-") as scratch:
        folder = Path(scratch)
        try:
            with time_limit(request.seconds):
                offered, described = _inspected(request, bench, folder)
        except TimeIsUpError:
            raise RefusedError(
                f"{request.project} could not be inspected within {request.seconds / 60:g} min",
                hint="--limit raises the time limit",
            ) from None
        name = request.name or package_name(described.facts.name)
        _check_free(request, name)
        _check_new(request, described.facts.name, name)
        user = _user(request)
        plan = _plan(name, described, user, bench.now(), offered)
        new = _new_folder(_place(request), name)
        try:
            shutil.copyfile(described.archive, new / plan.source)
            if offered.cargo and offered.cargo.archive:
                shutil.copyfile(offered.cargo.archive, new / plan.crates)
            return _finish(request, bench, offered.upstream, plan, user, new, deadline)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _inspected(
    request: NewPackageRequest, bench: TrialBench, folder: Path
) -> tuple[Offered, Described]:
    offered = offer(request.project, request.version, bench.open_index, folder)
    _check_new(request, offered.name, package_name(offered.name))
    index = CrateIndex(request.crates_index) if request.crates_index else None
    cargo = cargo_source(offered.name, offered.read, index, folder)
    offered = replace(offered, cargo=cargo)
    bench.say(f"inspecting {offered.name}")
    return offered, describe(offered, bench.workshop, bench.bridge, folder)


def _place(request: NewPackageRequest) -> Path:
    if request.is_dry:
        return Path(tempfile.gettempdir())
    request.into.mkdir(parents=True, exist_ok=True)
    return request.into


def _new_folder(place: Path, name: str) -> Path:
    """Create a folder of this process's own, and remove leftovers of killed processes."""
    for left in place.glob(f".{name}.*.new"):
        if not Path("/proc", left.name.split(".")[-2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    new = place / f".{name}.{os.getpid()}.new"
    new.mkdir(mode=0o755)
    return new


def _check_free(request: NewPackageRequest, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RefusedError(f"{name!r} is not a valid package name", hint="name it with --name")
    if (request.into / name).exists():
        raise RefusedError(
            f"{request.into / name} already exists", hint="choose another folder with --into"
        )


def _check_new(request: NewPackageRequest, *names: str) -> None:
    for name in names:
        if name in request.known:
            raise RefusedError(f"the metadata already has {name}")


def _check_source(*names: str) -> None:
    """Refuse a source with names that a spec or a shell would interpret."""
    for name in names:
        if not _SOURCE_NAME.fullmatch(name):
            raise RefusedError(f"the source has a name that a spec cannot have: {name!r}")


def package_name(project: str) -> str:
    """Return RDO's name for the package of a project.

    >>> package_name("oslo.config"), package_name("PyYAML"), package_name("nova")
    ('python-oslo-config', 'python-pyyaml', 'openstack-nova')
    """
    return str(pymod2pkg.module2package(project, "fedora"))


def _user(request: NewPackageRequest) -> tuple[str, str]:
    """Return the maintainer's name and address: the given ones, else git's user, else the login."""
    *names, address = re.split(r"[\s<>]+", request.maintainer.strip("<> \t\n"))
    if request.maintainer and not re.fullmatch(r"[^@]+@.+", address):
        raise RefusedError(f"the maintainer {request.maintainer!r} has no mail address")
    name, email = user_settings(request.into if request.into.is_dir() else Path())
    login = getpass.getuser()
    if address:
        return " ".join(names) or name or login, address
    return name or login, email or f"{login}@localhost"


def _plan(
    name: str,
    described: Described,
    user: tuple[str, str],
    now: datetime,
    offered: Offered,
) -> SpecPlan:
    facts = described.facts
    _check_source(facts.name, facts.top, described.archive.name)
    epoch = spec_numbers(facts.version).epoch if is_pep440(facts.version) else 0
    vr = f"{f'{epoch}:' if epoch else ''}{rpm_version_of(facts.version)}-1"
    return SpecPlan(
        name=name,
        source=described.archive.name,
        facts=facts,
        tests=plan_tests(facts),
        docs=plan_docs(facts),
        needs=described.headers,
        changelog=changelog.header(now, f"{user[0]} <{user[1]}>", vr),
        is_of_index=offered.archive is not None,
        has_rust=offered.cargo is not None,
        crates=_crates_name(offered.cargo, described.archive),
    )


def _crates_name(cargo: CargoSource | None, archive: Path) -> str:
    return archive_name(archive) if cargo and cargo.archive else ""


def _finish(
    request: NewPackageRequest,
    bench: TrialBench,
    upstream: str,
    plan: SpecPlan,
    user: tuple[str, str],
    new: Path,
    deadline: float,
) -> Created:
    ended: KeyboardInterrupt | None = None
    if request.is_built and not request.is_dry:
        tried, ended = _tried(plan, new, bench, deadline)
    else:
        why = "not tried yet: the package was created without a build"
        tried = TrialResult(_without_trials(plan, why), None, 0)
    _write(tried.plan, new)
    folder = request.into / plan.name
    if not request.is_dry:
        files = [f"{plan.name}.spec", "sources", ".gitignore"]
        commit_new(new, request.branch, files, user, f"{plan.name}: initial package\n")
        new.rename(folder)
    made = _created(upstream, tried, user, folder)
    is_late = isinstance(ended, TimeIsUpError)
    return replace(made, is_interrupted=ended is not None, is_out_of_time=is_late)


def _tried(
    plan: SpecPlan, new: Path, bench: TrialBench, deadline: float
) -> tuple[TrialResult, KeyboardInterrupt | None]:
    """Build until the plan is settled; an interrupt ends this, and the plan so far is kept."""
    plans = [plan]

    def build(one: SpecPlan) -> tuple[Outcome, str]:
        plans.append(one)
        return _build(one, new, bench)

    try:
        with time_limit(deadline - time.monotonic()):
            return settle(plan, build, bench.say), None
    except KeyboardInterrupt as ended:
        is_late = isinstance(ended, TimeIsUpError)
        end = "the time limit was reached during its builds" if is_late else "it was interrupted"
        why = f"not tried completely: {end}"
        return TrialResult(_without_trials(plans[-1], why), None, len(plans) - 1), ended


def _without_trials(plan: SpecPlan, why: str) -> SpecPlan:
    """Disable tests and documents, because no build has tried them."""
    docs = replace(plan.docs, off=why) if plan.docs.folder else plan.docs
    tests = replace(plan.tests, off=why) if plan.tests.command else plan.tests
    return replace(plan, tests=tests, docs=docs)


def _created(upstream: str, tried: TrialResult, user: tuple[str, str], folder: Path) -> Created:
    plan, facts = tried.plan, tried.plan.facts
    return Created(
        name=plan.name,
        project=facts.name,
        version=facts.version,
        upstream=upstream,
        licence=facts.licence.expression or UNKNOWN_LICENCE,
        folder=folder,
        maintainer=user[1],
        spec=render(plan),
        tests=_step_summary(plan.tests.command, plan.tests.off, len(plan.tests.deselected)),
        docs=_step_summary(plan.docs.folder, plan.docs.off),
        outcome=_moved(tried.outcome, folder / RESULTS),
        tries=tried.tries,
        crates=plan.crates,
    )


def _step_summary(what: str, off: str, left_out: int = 0) -> str:
    if not what:
        return "none in the source"
    if off:
        return f"off: {off}"
    return f"run, {left_out} left out" if left_out else "run"


def _moved(outcome: Outcome | None, results: Path) -> Outcome | None:
    if isinstance(outcome, Built):
        return Built(tuple(results / path.name for path in outcome.rpms))
    return outcome


def _build(plan: SpecPlan, folder: Path, bench: TrialBench) -> tuple[Outcome, str]:
    spec = _write(plan, folder)
    results = folder / RESULTS
    shutil.rmtree(results, ignore_errors=True)
    bench.say(f"building {plan.name}")
    outcome = build_local(LocalBuild(spec, results), bench.workshop, bench.bridge)
    log_file = results / BUILD_LOG
    return outcome, read_tail(log_file, _LOG_BYTES)


def _write(plan: SpecPlan, folder: Path) -> Path:
    spec = folder / f"{plan.name}.spec"
    spec.write_text(render(plan))
    sources = [plan.source, *filter(None, [plan.crates])]
    kind = HashType.SHA512
    entries = tuple(SourceEntry(name, kind, kind.of(folder / name)) for name in sources)
    (folder / SOURCES).write_text(str(SourcesFile(entries)))
    (folder / ".gitignore").write_text("".join(f"/{name}\n" for name in [*sources, f"{RESULTS}/"]))
    return spec


def add_entry(draft: Draft, made: Created, distgit: str, releases: Sequence[str]) -> None:
    """Add a new package to the metadata, tagged under-review.

    Raises the errors of `edits.add_package`.
    """
    wanted = wanted_releases(draft, releases)
    values = {
        "name": made.name,
        "upstream": made.upstream,
        "distgit": distgit or made.folder.absolute().as_uri(),
        "maintainers": [made.maintainer],
    }
    edits.add_package(draft, made.project, values, [*wanted, UNDER_REVIEW])


def wanted_releases(draft: Draft, releases: Sequence[str]) -> list[str]:
    """Return a new package's releases: the named ones, else those in development.

    Raises NotFoundError if the metadata lacks a named release.
    """
    entries = draft.tree["releases"]
    for release in releases:
        draft.release(release)  # NotFoundError suggests the nearest name
    developed = [entry["name"] for entry in entries if entry.get("status") == "development"]
    return list(releases) or developed


def known_names(draft: Draft) -> frozenset[str]:
    """Return the projects and packages that the metadata already has."""
    keys = ("project", "name")
    return frozenset(str(one[key]) for one in draft.attributes() for key in keys if key in one)


def failure(made: Created) -> str:
    """Return why the package was not built, or "" if it was."""
    return (
        f"{made.outcome.reason}: {made.outcome.detail}" if isinstance(made.outcome, Failed) else ""
    )
