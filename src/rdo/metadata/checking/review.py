"""Find out what a package under review still needs to be accepted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import UserError
from rdo.log_tail import last_line
from rdo.metadata.checking.faults import MetadataError
from rdo.metadata.checking.online import ask, unreachable
from rdo.metadata.checking.verify import verify
from rdo.metadata.distribution import Distribution
from rdo.metadata.resolve import tags_of
from rdo.model.package import Package
from rdo.tools.git.mirror import Mirror

UNDER_REVIEW = "under-review"


@dataclass(frozen=True, slots=True)
class AcceptanceStep:
    """One step to acceptance; `detail` says what was found, or what to do."""

    name: str
    is_done: bool
    detail: str


def review(
    distribution: Distribution,
    name: str,
    *,
    built: Mapping[str, bool],
    mirrors: Path | None,
) -> list[AcceptanceStep]:
    """Return all steps to the acceptance of a package, done or not.

    `built` maps each target to whether the package's newest build there is good. `mirrors` is a
    folder for copies of distgits; without it the network is not used. Raises NotFoundError if the
    metadata has no such package.
    """
    raw = distribution.raw(name)
    project = raw["project"]
    tags = list(tags_of(raw, distribution.tree) or ())
    releases = [x.name for x in distribution.releases if {x.name, f"{x.name}-uc"} & set(tags)]
    steps = [_entry(distribution, project), _release(releases)]
    if releases:
        packages = _packages(distribution, project, releases)
        steps += _maintainers(packages)
        if mirrors:
            steps.append(_repositories(distribution, project, releases))
            steps += (_spec(package, mirrors) for package in packages[:1])
    steps += _builds(built)
    rest = [step for step in steps if not step.is_done]
    if UNDER_REVIEW in tags:
        how = f"remove the tag: `rdo info tag {project} {UNDER_REVIEW} --remove`"
        steps.append(
            AcceptanceStep("review", False, how if not rest else f"once the rest is done, {how}")
        )
    else:
        steps.append(AcceptanceStep("review", True, f"not tagged {UNDER_REVIEW}"))
    return steps


def _entry(distribution: Distribution, project: str) -> AcceptanceStep:
    start = f"package {project}: "
    faults = [str(x) for x in verify(distribution) if x.message.startswith(start)]
    return AcceptanceStep("entry", not faults, "; ".join(faults) or "no faults")


def _release(releases: list[str]) -> AcceptanceStep:
    how = "tag it with a release: `rdo info tag PACKAGE RELEASE`"
    return AcceptanceStep("release", bool(releases), ", ".join(releases) or how)


def _packages(distribution: Distribution, project: str, releases: list[str]) -> list[Package]:
    found = []
    for release in releases:
        try:
            members = distribution.target(release).packages
        except MetadataError:
            continue  # the step `entry` reports its faults, or they belong to another package
        found += [one for one in members if one.project == project and not one.fault]
    return found


def _maintainers(packages: list[Package]) -> Iterator[AcceptanceStep]:
    for package in packages[:1]:
        people = ", ".join(package.maintainers)
        yield AcceptanceStep("maintainers", bool(people), people or "name at least one")


def _repositories(distribution: Distribution, project: str, releases: list[str]) -> AcceptanceStep:
    start = f"package {project}: "
    missing = [
        fault.message.removeprefix(start)
        for fault in unreachable(distribution, releases, ask, project)
    ]
    return AcceptanceStep(
        "repositories", not missing, "; ".join(missing) or "all reachable, with their branches"
    )


def _spec(package: Package, mirrors: Path) -> AcceptanceStep:
    """Check the specs of the published distgit."""
    folder = mirrors / f"{package.project}.git"
    try:
        if folder.exists():
            mirror = Mirror(folder)
            mirror.fetch(package.distgit)
        else:
            mirror = Mirror.clone(package.distgit, folder)
        files = mirror.list_files(package.distgit_branch, package.distgit_path)
    except UserError as error:
        return AcceptanceStep("spec", False, last_line(str(error)))
    inside = f"{package.distgit_path}/" if package.distgit_path else ""
    specs = [path.removeprefix(inside) for path in files if path.endswith(".spec")]
    return spec_step(package.name, specs)


def spec_step(package: str, specs: Sequence[str]) -> AcceptanceStep:
    """Check that a distgit has exactly one spec, named after the package."""
    wanted = f"{package}.spec"
    if specs == [wanted]:
        return AcceptanceStep("spec", True, wanted)
    return AcceptanceStep(
        "spec",
        False,
        f"the distgit needs one {wanted}; it has {', '.join(specs) or 'none'}",
    )


def _builds(built: Mapping[str, bool]) -> Iterator[AcceptanceStep]:
    for target, is_good in built.items():
        detail = "its newest build is good" if is_good else f"`rdo trunk run --target {target}`"
        yield AcceptanceStep(f"build on {target}", is_good, detail)
