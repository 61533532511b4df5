"""The page of a package on a server, with its graph and its newest commits."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from rdo.errors import UserError
from rdo.logs.reader import clean, one_line
from rdo.model.text.patch_subject import subject_of
from rdo.pages.graph import graph
from rdo.pages.live_values import LivePackage, ShownCommit
from rdo.pages.values import ShownLevel
from rdo.store.work.reports import BuildLine
from rdo.tools.git.mirror import Mirror
from rdo.trunk.context import Trunk
from rdo.trunk.views.gathered import Gathered
from rdo.trunk.views.headline import level_of
from rdo.trunk.views.package_page import Needs, package_page
from rdo.trunk.views.shown import Showing
from rdo.trunk.views.state import TargetView

HISTORY = 100
_SUBJECTS = 15
_MOST_PATCHES = 100


def live_package(trunk: Trunk, gathered: Gathered, name: str, needs: Needs) -> LivePackage | None:
    """Gather everything known about a package; None if the target has never had it."""
    view = gathered.view
    with trunk.store.read() as at:
        lines = at.reports.history(trunk.name, name, limit=HISTORY)
    shown = view.packages.get(name)
    if shown is None and not lines:
        return None
    page = package_page(trunk, name, shown, gathered.stories.get(name), gathered.files, needs)
    showing = Showing(trunk)
    subjects = showing.subjects(name, lines[:_SUBJECTS])
    builds = tuple(
        replace(showing.built(line), subject=subjects.get(line.commit.upstream_hash, ""))
        for line in lines
    )
    picture = graph(
        name, _with_looks(view, page.needs), _with_looks(view, page.needed_by), page.level
    )
    return LivePackage(
        replace(page, needs=(), needed_by=()),
        builds,
        picture,
        _changes(gathered, name),
        _patches(trunk, name, lines),
    )


def _patches(trunk: Trunk, name: str, lines: Sequence[BuildLine]) -> tuple[tuple[str, str], ...]:
    """Return the patches of the newest distgit commit, each with its subject."""
    package = trunk.packages.get(name)
    if package is None or not lines:
        return ()
    mirror = trunk.remotes.distgit(package)
    asked = _Patched(name, lines[0].commit.distgit_hash, package.distgit_path, mirror)
    try:
        return _read_patches(asked)
    except UserError:  # the mirror no longer has the commit
        return ()


@dataclass(frozen=True, slots=True)
class _Patched:
    """A distgit at a commit; its patches never change, so git is asked once."""

    package: str
    commit: str
    folder: str
    mirror: Mirror = field(compare=False)


@lru_cache(maxsize=2000)
def _read_patches(asked: _Patched) -> tuple[tuple[str, str], ...]:
    found = asked.mirror.read_folder(asked.commit, asked.folder, ".patch")
    subjects = {path.rpartition("/")[2]: subject_of(text) for path, text in found.items()}
    shown = sorted(subjects.items())[:_MOST_PATCHES]
    return tuple((clean(file), one_line(subject)) for file, subject in shown)


def _with_looks(view: TargetView, names: tuple[str, ...]) -> list[tuple[str, str]]:
    def look(name: str) -> str:
        found = view.packages.get(name)
        return level_of(found) if found else ShownLevel.NONE

    return [(name, look(name)) for name in names]


def _changes(gathered: Gathered, name: str) -> tuple[ShownCommit, ...]:
    """Return the commits after which the package failed."""
    story = gathered.stories.get(name)
    if story is None:
        return ()
    return tuple(
        ShownCommit(side, one.hash, clean(one.subject), clean(one.author), one.when, one.url)
        for side, changes in (("distgit", story.distgit), ("upstream", story.upstream))
        for one in changes.newest
    )
