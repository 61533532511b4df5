"""Find what has no wheel on the index, before pip is asked.

pip names one such project each time it fails, and is then asked again with everything. The pages
of an index tell of all projects at once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion

from rdo.package_index import Offer


@dataclass(frozen=True, slots=True)
class WithoutWheel:
    """What the index says of requirements, each with the constraint of its project.

    `to_build` have source archives and no wheel for us; of `doubtful` nothing at all fits.
    """

    to_build: tuple[Requirement, ...] = ()
    doubtful: tuple[Requirement, ...] = ()


def without_wheel(
    wanted: Sequence[Requirement],
    constraints: Iterable[str],
    offers: Mapping[str, Offer],
    tags: Collection[Tag],
) -> WithoutWheel:
    """Return which requirements have no wheel, by what the index has of their projects.

    `offers` are by canonical names. Requirements of one project count together.
    """
    bounds = bounds_of(constraints)
    to_build: list[Requirement] = []
    doubtful: list[Requirement] = []
    for one in merged(wanted):
        name = canonicalize_name(one.name)
        fitting = one.specifier & bounds.get(name, SpecifierSet())
        offer = offers.get(name, Offer())
        if any(_fits(wheel, fitting, tags) for wheel in offer.wheels):
            continue
        if any(fitting.contains(each.version, prereleases=True) for each in offer.sdists):
            to_build.append(Requirement(f"{one.name}{fitting}"))
        else:
            doubtful += [each for each in wanted if canonicalize_name(each.name) == name]
    return WithoutWheel(tuple(to_build), tuple(doubtful))


def merged(wanted: Iterable[Requirement]) -> list[Requirement]:
    """Return one requirement for each project, with the specifiers and extras of all of them.

    >>> [str(one) for one in merged(map(Requirement, ("a>=1", "b", "A[x]<3", "a!=2")))]
    ['a[x]!=2,<3,>=1', 'b']
    """
    found: dict[str, Requirement] = {}
    for one in wanted:
        before = found.setdefault(canonicalize_name(one.name), Requirement(one.name))
        before.extras |= one.extras
        before.specifier &= one.specifier
    return list(found.values())


def bounds_of(constraints: Iterable[str]) -> dict[str, SpecifierSet]:
    """Return the specifiers of constraint lines whose markers hold here, by canonical names."""
    bounds: dict[str, SpecifierSet] = {}
    for line in constraints:
        try:
            one = Requirement(line.partition("#")[0])
        except InvalidRequirement:
            continue
        if one.marker is None or one.marker.evaluate():
            name = canonicalize_name(one.name)
            bounds[name] = bounds.get(name, SpecifierSet()) & one.specifier
    return bounds


def _fits(wheel: str, specifier: SpecifierSet, tags: Collection[Tag]) -> bool:
    try:
        _, version, _, own = parse_wheel_filename(wheel)
    except (InvalidWheelFilename, InvalidVersion):
        return False
    return specifier.contains(version, prereleases=True) and not own.isdisjoint(tags)
