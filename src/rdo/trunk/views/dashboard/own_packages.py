"""The packages of one maintainer in all targets."""

from collections.abc import Iterable

from rdo.pages.live_values import OwnPackage
from rdo.pages.values import ShownLevel
from rdo.trunk.views.headline import level_of
from rdo.trunk.views.package_page import with_ack
from rdo.trunk.views.state import TargetView

_FIRST = (ShownLevel.BAD, ShownLevel.WARN, ShownLevel.NONE, ShownLevel.GOOD)


def own_packages(views: Iterable[TargetView], maintainer: str) -> list[OwnPackage]:
    """Return a maintainer's packages, those with a problem first.

    A maintainer is given by the whole address, or by the part before the @; case is ignored.
    """
    wanted = maintainer.strip().lower()
    if not wanted:
        return []
    found = [
        OwnPackage(
            view.target,
            name,
            level_of(one),
            str(one.state),
            with_ack(one, one.sentence),
            one.since,
            one.build_id or 0,
        )
        for view in views
        for name, one in view.packages.items()
        if one.facts.package and wanted in _called(one.facts.package.maintainers)
    ]
    return sorted(found, key=lambda one: (_FIRST.index(one.level), one.package, one.target))


def _called(maintainers: Iterable[str]) -> set[str]:
    return {form for one in maintainers for form in (one.lower(), one.lower().partition("@")[0])}
