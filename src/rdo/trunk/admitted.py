"""Apply the rules of `rdo.trunk.admission` to builds of rounds, of tries, and of `rdo build`.

`rdo.trunk.admission` has the rules; here is what they are applied to.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rdo.app import App
from rdo.app.workplaces import provided_by
from rdo.builders.inspection import inspected
from rdo.errors import NotFoundError
from rdo.model.artifact import Artifact
from rdo.model.build import Built, Failed, FailureReason
from rdo.model.package import Package
from rdo.roots.platform.platforms import BaseLayer
from rdo.trunk.admission import Holders, Owners, explained, refusals
from rdo.trunk.context import Trunk, open_trunk

log = logging.getLogger(__name__)

_ANY_TARGET = "NAME"


@dataclass(frozen=True, slots=True)
class Admission:
    """What the RPMs of a target's builds are compared with, and what the target permits."""

    target: str
    owners: Owners
    allow: Mapping[str, Sequence[str]]

    def of(self, package: str, outcome: Built) -> Built | Failed:
        """Return the outcome with the headers of its RPMs, or a failure if they are refused."""
        looked_at = inspected(outcome)
        if isinstance(looked_at, Failed):
            return looked_at
        allowed = self.allow.get(package, ())
        if found := refusals(package, looked_at.read, self.owners, allowed):
            detail = explained(self.target, package, found, allowed)
            return Failed(FailureReason.REFUSED, detail)
        return looked_at


def admission_of(
    trunk: Trunk, provided: Holders, tools: Sequence[str], more: Sequence[Package] = ()
) -> Admission:
    """Return what a target admits now; `more` are packages that it does not have yet."""
    published: dict[str, list[Artifact]] = {}
    for stored in trunk.store.ask(lambda at: at.artifacts.good(trunk.name)):
        published.setdefault(stored.package, []).append(stored.artifact)
    packages = (*trunk.packages.values(), *more)
    return Admission(trunk.name, Owners(packages, published, provided, tools), trunk.allow)


@dataclass(frozen=True, slots=True)
class LocalAdmission:
    """Admits RPMs of `rdo build` on a platform, by the rules of a target or of any target.

    Without a target nobody can permit anything, so what a target would refuse is only a warning.
    """

    base: BaseLayer
    trunk: Trunk | None = None

    @classmethod
    def opened(cls, app: App, platform: str, target: str | None) -> "LocalAdmission":
        """Open the target and the base layer, before anything is built."""
        base = app.platforms.create(platform)
        trunk = open_trunk(app, target) if target else None
        return cls(base, trunk)

    def of(self, outcome: Built) -> Built | Failed:
        """Return the outcome with the headers of its RPMs, or a failure if they are refused."""
        looked_at = inspected(outcome)
        if isinstance(looked_at, Failed):
            return looked_at
        name = _source_name(looked_at)
        package, admission = self._find(name)
        found = admission.of(package, looked_at)
        if isinstance(found, Failed) and not self.trunk:
            log.warning("a target refuses this: %s", found.detail)
            return looked_at
        return found

    def _find(self, source: str) -> tuple[str, Admission]:
        """Return the package that a spec belongs to, and the admission for it."""
        provided, tools = provided_by(self.base), self.base.platform.always_required
        if not self.trunk:
            owners = Owners([_unknown(source)], {}, provided, tools)
            return source, Admission(_ANY_TARGET, owners, {})
        try:
            return self.trunk.package(source).name, admission_of(self.trunk, provided, tools)
        except NotFoundError:  # a new package
            return source, admission_of(self.trunk, provided, tools, [_unknown(source)])


def _source_name(outcome: Built) -> str:
    """Return the name of the source package that the RPMs of a build belong to."""
    artifacts = [one.artifact for one in outcome.read]
    return next((one.nevra.name for one in artifacts if one.is_source), artifacts[0].nevra.name)


def _unknown(name: str) -> Package:
    """Return a package of which only the name in its spec is known."""
    return Package(name, name.removeprefix("python-"), (), "", "", "")
