"""Summarize a target in one line, and each state by one of three colors."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from rdo.pages.values import PageHead, ShownLevel
from rdo.trunk.context import Trunk
from rdo.trunk.views.state import FAILING, PackageState, PackageView, TargetView

_WARNING = frozenset(
    {
        PackageState.RESTING,
        PackageState.WAITING,
        PackageState.HELD,
        PackageState.PAUSED,
        PackageState.UNREACHABLE,
        PackageState.BRANCH_GONE,
    }
)
_NEUTRAL = frozenset(
    {
        PackageState.NEW,
        PackageState.UNDER_REVIEW,
        PackageState.NOT_IN_RELEASE,
        PackageState.EXCLUDED,
    }
)


def level_of(view: PackageView) -> ShownLevel:
    """Return the color of a package's state; a failure with an external cause is only a warning."""
    newest, facts = view.facts.newest, view.facts
    if view.state is PackageState.EXCLUDED:
        return ShownLevel.NONE
    if view.state in FAILING or (newest and _is_failed(newest.reason)):
        return ShownLevel.BAD
    is_retried = (newest is not None and newest.reason is not None) or facts.last_try is not None
    is_stale = facts.head is not None and bool(facts.head.error)
    if view.state in _WARNING or is_retried or is_stale or facts.hold:
        return ShownLevel.WARN
    if view.state in _NEUTRAL or newest is None:
        return ShownLevel.NONE
    return ShownLevel.GOOD


def is_unwell(view: PackageView) -> bool:
    """Whether somebody should look at a package: the pages show it in red or amber."""
    return level_of(view) in {ShownLevel.BAD, ShownLevel.WARN}


def _is_failed(reason: object) -> bool:
    return reason is not None and not getattr(reason, "is_spurious", False)


def headline_of(view: TargetView, broken_names: Sequence[str]) -> tuple[ShownLevel, str]:
    """Return a target as one sentence and a color; `broken_names` point to nothing.

    Red if a package fails or a name points to nothing, amber if something waits or was stopped.
    """
    levels = [level_of(one) for one in view.packages.values()]
    count, failing, warned = (
        len(levels),
        levels.count(ShownLevel.BAD),
        levels.count(ShownLevel.WARN),
    )
    unbuilt = sum(one.facts.newest is None for one in view.packages.values())
    if failing:
        text = f"{failing} of {count} packages {'fails' if failing == 1 else 'fail'} to build"
    elif warned:
        text = f"no package fails to build, {warned} of {count} {_need(warned)} a look"
    elif unbuilt and unbuilt == count:
        text = "no package is built yet"
    elif unbuilt:
        text = f"no package fails to build, {unbuilt} of {count} {_be(unbuilt)} not built yet"
    elif count == 1:
        text = "the only package builds"
    else:
        text = f"all {count} packages build"
    parts = [text, *(f"{name} is damaged" for name in broken_names)]
    parts += ["the target is paused"] if view.pause else []
    is_bad, is_warned = bool(failing or broken_names), bool(warned or view.pause)
    well = ShownLevel.NONE if unbuilt == count else ShownLevel.GOOD
    level = ShownLevel.BAD if is_bad else ShownLevel.WARN if is_warned else well
    line = "; ".join(parts)
    return level, f"{line[0].upper()}{line[1:]}."


def _be(count: int) -> str:
    return "is" if count == 1 else "are"


def _need(count: int) -> str:
    return "needs" if count == 1 else "need"


def page_head(trunk: Trunk, known: frozenset[str] = frozenset()) -> PageHead:
    """Return the values that all pages of a target need, and how to install from it."""
    site = trunk.tree.site
    return PageHead(
        site.project_name,
        trunk.name,
        trunk.release,
        trunk.platform,
        _install_lines(trunk),
        known,
    )


def _install_lines(trunk: Trunk) -> tuple[str, ...]:
    """Return the commands that install from a target: from consistent, else from current."""
    site = trunk.tree.site
    files = (PurePosixPath(name, f"{site.reponame}.repo") for name in ("consistent", "current"))
    file = next((one for one in files if (trunk.tree.repos / one).exists()), None)
    if file is None:
        return ()
    names = [file]
    if (trunk.tree.repos / site.dependencies_file).exists():
        folder = "" if site.components else file.parent  # names of components have none
        names.append(PurePosixPath(folder, site.dependencies_file))
    lines = [f"curl -f -o /etc/yum.repos.d/{name.name} {site.url(name)}" for name in names]
    return (*lines, "dnf install PACKAGE")
