"""A target as rounds follow it, with its remotes and everything else that a round needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from rdo.app import App
from rdo.app.targets import OpenTarget
from rdo.app.workplaces import Workplace
from rdo.bridge.lock_file import LockedPackage
from rdo.lock import is_held
from rdo.mirrors import Mirrors
from rdo.model.audiences import Audiences
from rdo.model.commit import Commit
from rdo.model.packed_archive import SharedArchives
from rdo.model.release_number import ReleaseNumber
from rdo.package_index import PackageIndex
from rdo.tools.packaging.pip_config import index_settings
from rdo.trunk.order.turns import Turns
from rdo.trunk.sources.branches import BranchRules
from rdo.trunk.sources.poll import Remotes
from rdo.trunk.sources.pypi_releases import Releases


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another target of the same release: its folder, and whether it builds on this machine.

    `python` returns the Python of its platform.
    """

    folder: Path
    is_local: bool
    python: Callable[[], str] = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk(OpenTarget):
    """A target as rounds follow it. The workplace is opened only when something is built.

    `workers` is how many builds run at the same time, besides those of other rounds (see `turns`);
    `retries` is how often a spurious failure is tried again. `allow` is what the RPMs of a package
    may do (`rdo.trunk.admission`), and `bridged` returns what was bridged for the target. `factory`
    is the folder of the rdo.toml. In the folder `archives`, source archives are shared with the
    release's other targets, the `siblings`. `python` returns the platform's Python.
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
    archives: SharedArchives | None = None
    siblings: Mapping[str, Sibling] = field(default_factory=dict)
    python: Callable[[], str] = str

    @property
    def in_round(self) -> bool:
        """Whether a round of the target, or a repair, is running now."""
        return is_held(self.folder / "round.lock")

    def release_number(self, commit: Commit, date: datetime) -> ReleaseNumber:
        """Return the Release of a build of `commit` with this release date."""
        return ReleaseNumber(date, commit.short_hash, self.release_prefix)


def open_trunk(app: App, target: str) -> Trunk:
    """Open a configured target for rounds and for the work between them."""
    settings = app.settings
    section = settings.target(target)
    releases = Releases(settings.data / "releases", _open_index, section.initial_commits)
    opened = app.target(target)
    if section.consistent_installable:
        from rdo.checks.consistent_gate import InstallableGate  # imports the solver

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
        archives=SharedArchives(settings.archives / section.release, target),
        siblings={name: _sibling(app, name) for name in settings.siblings(target)},
        python=partial(_python, app, target),
    )


def _sibling(app: App, name: str) -> Sibling:
    settings = app.settings
    builder = settings.builder(settings.target(name).builder)
    python = partial(_python, app, name)
    return Sibling(settings.target_folder(name), not builder.kind.is_farm, python)


def _python(app: App, target: str) -> str:
    return app.platforms.find(app.settings.target(target).platform).python


def open_trunks(app: App, target: str | None = None) -> list[Trunk]:
    """Open the named target, or every configured target if none is named."""
    return [open_trunk(app, name) for name in app.settings.chosen_targets(target)]


def _open_index() -> PackageIndex:
    return PackageIndex(index_settings())
