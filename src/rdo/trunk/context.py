"""What services that follow upstreams work with: a target, its remotes, and what a round adds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache, partial
from typing import Any

from rdo.app import App
from rdo.app.targets import OpenTarget
from rdo.app.workplaces import Workplace
from rdo.bridge.lock_file import LockedPackage
from rdo.lock import is_held
from rdo.mirrors import Mirrors
from rdo.model.audiences import Audiences
from rdo.model.commit import Commit
from rdo.model.release_number import ReleaseNumber
from rdo.package_index import PackageIndex
from rdo.tools.packaging.pip_config import index_settings
from rdo.trunk.order.turns import Turns
from rdo.trunk.sources.branches import BranchRules
from rdo.trunk.sources.poll import Remotes
from rdo.trunk.sources.pypi_releases import Releases


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk(OpenTarget):
    """A target as rounds follow it. The workplace is opened only when something is built.

    `workers` is how many builds run at the same time, beside those of other rounds by `turns`,
    `retries` how often a spurious failure is
    tried again; `allow` is what the RPMs of a package may do (`rdo.trunk.admission`), and `bridged`
    reads what was bridged for it. `factory` is the folder of the rdo.toml.
    """

    remotes: Remotes
    open_workplace: Callable[[], Workplace]
    workers: int = 2
    turns: Turns = field(default_factory=Turns)
    retries: int = 3
    audiences: Audiences = field(default_factory=Audiences)
    release_prefix: str = "0"
    keep_changelog: bool = False
    allow: Mapping[str, Sequence[str]] = field(default_factory=dict)
    bridged: Callable[[], Sequence[LockedPackage]] = tuple
    factory: str = ""

    @property
    def in_round(self) -> bool:
        """Whether a round of the target, or a repair, is at work now."""
        return is_held(self.folder / "round.lock")

    def release_number(self, commit: Commit, date: datetime) -> ReleaseNumber:
        """Return the Release that a build of `commit` with this release date gets."""
        return ReleaseNumber(date, commit.short_hash, self.release_prefix)


def open_trunk(app: App, target: str) -> Trunk:
    """Open a configured target for rounds and for what is done between them."""
    settings = app.settings
    section = settings.target(target)
    releases = Releases(settings.data / "releases", _open_index, section.initial_commits)
    opened = app.target(target)
    if section.consistent_installable:
        from rdo.checks.consistent_gate import InstallableGate  # with the solver: only if asked

        base = cache(partial(app.workplaces.base_repositories, section.platform))
        opened.tree.gate = InstallableGate(opened.tree, opened.store, base)
    falls_back = section.fallback_to_master
    rules = BranchRules(
        falls_back is not False,
        opened.is_developed if falls_back is None else falls_back,
        tuple(section.nonfallback_branches),
    )
    parts: dict[str, Any] = {one.name: getattr(opened, one.name) for one in fields(opened)}
    return Trunk(
        **parts,
        remotes=Remotes(Mirrors(settings.data / "mirrors"), releases, rules),
        open_workplace=cache(partial(app.workplaces.of_target, target)),
        workers=section.workers,
        retries=section.retries,
        audiences=settings.audiences,
        release_prefix=section.release_prefix,
        keep_changelog=section.keep_changelog,
        allow=section.allow,
        bridged=partial(app.bridges.locked, target),
        factory=str(app.configuration.file.absolute().parent) if app.configuration.file else "",
    )


def open_trunks(app: App, target: str | None = None) -> list[Trunk]:
    """Open the target that is named, or every configured target if none is."""
    return [open_trunk(app, name) for name in app.settings.chosen_targets(target)]


def _open_index() -> PackageIndex:
    return PackageIndex(index_settings())
