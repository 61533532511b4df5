"""A look ahead at what the packages that were never built will ask for, before the first build.

What they ask of each other orders them; what only the bridge can have is asked of it at once.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rdo.builders.protocol import Foresight
from rdo.store.builds import Build
from rdo.trunk.context import Trunk
from rdo.trunk.jobs import build_job
from rdo.trunk.order.queue import Packages
from rdo.trunk.order.standing import Standing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The packages of the release that each new package will ask for, and what nobody has yet."""

    behind: dict[str, Packages]
    needs: tuple[str, ...] = ()


def unknown_builds(builds: Iterable[Build], standing: Standing) -> list[Build]:
    """Return the newest build of each package of which nothing is known yet.

    None if there is only one, which asks as soon by itself.
    """
    newest = {build.package: build for build in builds}
    found = [
        build for name, build in newest.items() if not build.asked and name not in standing.good
    ]
    return found if len(found) > 1 else []


def look_ahead(
    trunk: Trunk,
    foresight: Foresight,
    builds: Sequence[Build],
    standing: Standing,
    is_cancelled: Callable[[], bool],
) -> Outlook:
    """Read what the builds will ask for; a package that cannot be read is left out."""
    log.info("%s: reading what %d new packages need", trunk.name, len(builds))
    started = time.monotonic()
    found = foresight.read([build_job(trunk, build) for build in builds], is_cancelled)
    seconds = time.monotonic() - started
    log.info("%s: %d of %d could be read, in %.1f s", trunk.name, len(found), len(builds), seconds)
    providers = standing.providers
    behind: dict[str, Packages] = {}
    outside: dict[str, None] = {}
    for build in builds:
        if (foreseen := found.get(build.id)) is None:
            continue
        owners = (providers.of(need) for need in foreseen.build)
        behind[build.package] = frozenset().union(*owners) - {build.package}
        needs = (*foreseen.build, *foreseen.use)
        outside.update(dict.fromkeys(need for need in needs if not providers.of(need)))
    unmet = foresight.lacking(outside, trunk.tree.current_directories()) if outside else ()
    return Outlook(behind, tuple(need for need in unmet if need in outside))
