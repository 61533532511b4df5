"""Sections of rdo.toml about the repositories that a target takes packages from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from rdo.config.section import PromotionName, Section, TargetName

BRIDGED = "deps"
"""The dependency repository that every target has: its bridged packages."""

_Glob = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*?._+\[\]-]+$", max_length=200)]


class DependencySection(Section):
    """A repository that a target takes packages from, and the contract for it.

    It is that of another `target` of the factory, where the name `name` points; or the bridged RPMs
    whose names match `packages`. The section `deps` has all other bridged packages. `contract` is
    the contract file of its side.
    """

    target: TargetName | None = None
    name: PromotionName | None = None
    packages: list[_Glob] = Field(default_factory=list)
    contract: Path | None = None

    @model_validator(mode="after")
    def _check_kind(self) -> "DependencySection":
        if self.target and self.packages:
            raise ValueError('must not have both "target" and "packages"')
        if self.name and not self.target:
            raise ValueError('must not have "name" without "target"')
        return self

    @property
    def leads(self) -> str:
        """The name in the other target's tree that is followed."""
        return self.name or "consistent"


def faults(
    targets: Mapping[str, Mapping[str, DependencySection]], platforms: Mapping[str, str]
) -> list[str]:
    """Return the faults in the dependencies between all targets."""
    found = []
    for target, sections in targets.items():
        for side, one in sections.items():
            place = f"targets.{target}.dependencies.{side}"
            if side in {target, "base"}:
                found.append(f"{place} needs another name: a contract check has one called {side}")
            elif side == BRIDGED and (one.target or one.packages):
                found.append(f"{place} is what the bridge brings; it may have a contract only")
            elif side != BRIDGED and not (one.target or one.packages):
                found.append(f'{place} must have "target" or "packages"')
            elif one.target and one.target not in targets:
                found.append(f"{place} names an unknown target: {one.target}")
            elif one.target and platforms[one.target] != platforms[target]:
                found.append(
                    f"{place}: {one.target} is built on {platforms[one.target]}, "
                    f"and {target} on {platforms[target]}"
                )
            elif one.target and target in _above(one.target, targets):
                found.append(f"{place}: {target} and {one.target} depend on each other")
    return found


def _above(target: str, targets: Mapping[str, Mapping[str, DependencySection]]) -> set[str]:
    """Return a target and all targets it depends on."""
    found: set[str] = set()
    left = [target]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += [each.target for each in targets.get(one, {}).values() if each.target]
    return found
