"""The known platforms, as `rdo platform list` and `show` print them."""

from dataclasses import dataclass

from rdo.roots.platform.platforms import Platforms

_BUILT_IN = "rdo's own"


@dataclass(frozen=True, slots=True)
class ListedPlatform:
    """A platform, whether it has been made on this machine, and the file that defines it."""

    platform: str
    made: bool
    definition: str


@dataclass(frozen=True, slots=True)
class ShownPlatform:
    """Everything that `rdo platform show` prints; a platform has no layers until it is made."""

    platform: str
    definition: str
    family: str
    suite: str
    arch: str
    dist: str
    python: str
    packages: tuple[str, ...]
    repositories: tuple[str, ...]
    made: bool
    layers: tuple[str, ...]


def list_platforms(platforms: Platforms) -> list[ListedPlatform]:
    """Return every platform that has a definition."""
    return [
        ListedPlatform(name, platforms.has(name), _definition(platforms, name))
        for name in platforms.names()
    ]


def show_platform(platforms: Platforms, name: str) -> ShownPlatform:
    """Return the definition of a platform and its layers; NotFoundError if there is none."""
    found, made = platforms.find(name), platforms.has(name)
    return ShownPlatform(
        platform=found.name,
        definition=_definition(platforms, name),
        family=str(found.family),
        suite=found.suite,
        arch=found.arch,
        dist=found.dist,
        python=found.python,
        packages=tuple(found.packages),
        repositories=tuple(f"{one.name} {one.address}" for one in found.repositories),
        made=made,
        layers=tuple(str(path) for path in platforms.base(name).layers) if made else (),
    )


def _definition(platforms: Platforms, name: str) -> str:
    return str(platforms.own_definition(name) or _BUILT_IN)
