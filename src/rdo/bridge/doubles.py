"""Leave out Debian packages that a wheel replaces, because one name must not have two sources.

rpm would compare their versions, which are not comparable: Debian's 2.4.0 is newer than PyPI's 2.4,
so an upgrade would replace the wheel, and conflict with the packages that require it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rdo.model.artifact import RpmFile


def doubles(debian: Iterable[Path], wheels: Iterable[Path]) -> frozenset[Path]:
    """Return the RPMs of Debian packages that have the name of a wheel's RPM.

    >>> debian, wheel = Path("python3-a-2.4.0-2.noarch.rpm"), Path("python3-a-2.4-0.noarch.rpm")
    >>> doubles([debian, Path("python3-ab-1-1.noarch.rpm")], [wheel]) == {debian}
    True
    """
    names = set(map(_name, wheels))
    return frozenset(path for path in debian if _name(path) in names)


def _name(path: Path) -> str:
    return path.name.rsplit("-", 2)[0]


def without_doubles(
    rpms: Sequence[Path], read: Sequence[RpmFile], in_place_of: Collection[Path]
) -> tuple[tuple[Path, ...], tuple[RpmFile, ...]]:
    """Return the RPMs without those that a wheel replaces, except those that others require."""
    files = dict(zip(rpms, read, strict=True))
    gone = {path: files[path] for path in in_place_of if path in files}
    left = {path: one for path, one in files.items() if path not in gone}
    while back := set(_missed(left.values(), gone)):
        left |= {path: gone.pop(path) for path in back}
    kept = tuple(path for path in rpms if path in left)
    return kept, tuple(files[path] for path in kept)


def _missed(left: Collection[RpmFile], gone: Mapping[Path, RpmFile]) -> Iterator[Path]:
    """Yield the removed RPMs that meet a requirement which no other RPM meets."""
    names = {name for one in left for name in _provided(one)}
    wanted = {need for one in left for need in one.requires}
    unmet = [choices for choices in map(_choices, wanted) if not choices & names]
    for path, one in gone.items():
        provided = _provided(one)
        if any(choices & provided for choices in unmet):
            yield path


def _provided(one: RpmFile) -> set[str]:
    return {one.artifact.nevra.name, *one.artifact.provides, *one.files}


def _choices(need: str) -> set[str]:
    """Return the names that can each meet a requirement, whatever their versions.

    >>> sorted(_choices("(deb(python3-a) >= 2 or python3dist(a))")), _choices("b = 1")
    (['deb(python3-a)', 'python3dist(a)'], {'b'})
    """
    inner = need[1:-1] if need.startswith("(") else need
    return {one.split(maxsplit=1)[0] for one in inner.split(" or ")}
