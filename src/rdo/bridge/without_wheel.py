"""Find projects without a wheel on the index, before pip is called.

Each time pip fails it names only one such project, and must resolve everything again. The pages of
an index show all of these projects at once.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion

from rdo.model.python import Python
from rdo.package_index import Offer


@dataclass(frozen=True, slots=True)
class WithoutWheel:
    """The index's data about requirements, each with the constraint of its project.

    `to_build` have source archives and no wheel that fits; `doubtful` have no file that fits.
    """

    to_build: tuple[Requirement, ...] = ()
    doubtful: tuple[Requirement, ...] = ()


def without_wheel(
    wanted: Sequence[Requirement],
    constraints: Iterable[str],
    offers: Mapping[str, Offer],
    tags: Collection[Tag],
) -> WithoutWheel:
    """Return which requirements have no wheel, according to the index's files for their projects.

    `offers` is by canonical name. Requirements of one project are taken together.
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


def applying(constraints: Iterable[str], python: Python) -> Iterator[str]:
    """Yield the lines whose markers are true for an interpreter, without these markers.

    >>> lines = ("a===1;python_version=='3.9'", "a===2;python_version>='3.10'")
    >>> list(applying(lines, Python("3.9")))
    ['a===1']
    """
    for line in constraints:
        try:
            one = Requirement(line.partition("#")[0])
        except InvalidRequirement:
            yield line
            continue
        if python.applies(one):
            one.marker = None
            yield str(one)


def bounds_of(constraints: Iterable[str]) -> dict[str, SpecifierSet]:
    """Return the specifiers of the constraint lines whose markers apply here, by canonical name."""
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
