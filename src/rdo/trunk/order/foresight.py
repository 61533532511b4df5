"""Predict what packages that were never built will require, before their builds start.

Requirements on each other order them. Requirements that only the bridge can meet are requested in a
few large requests, while builds that need nothing more of it run.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.builders.protocol import Foreseen, Foresight
from rdo.cancellation import cancelled_by
from rdo.model.build import BuildJob
from rdo.store.work.builds import Build
from rdo.trunk.order.bridge_requests import BridgeRequest
from rdo.trunk.order.providers import Providers, needed_names
from rdo.trunk.order.queue import Packages, in_building_order
from rdo.trunk.order.standing import Standing


@dataclass(frozen=True, slots=True)
class Read:
    """What was read about the builds, by their ids, and the requirements that nobody meets now."""

    found: Mapping[int, Foreseen]
    lacking: frozenset[str]


@dataclass(frozen=True, slots=True)
class Predictions:
    """The predicted requirements of new packages: other packages, and requests to the bridge.

    `requests` are in groups, in the order in which their packages are built.
    """

    behind: Mapping[str, Packages]
    requests: tuple[tuple[BridgeRequest, ...], ...] = ()


def unknown_builds(builds: Iterable[Build], standing: Standing) -> list[Build]:
    """Return the newest build of each package about which nothing is known yet.

    Empty if there is only one, because its build asks just as soon.
    """
    newest = {build.package: build for build in builds}
    found = [
        build for name, build in newest.items() if not build.asked and name not in standing.good
    ]
    return found if len(found) > 1 else []


def read_ahead(
    foresight: Foresight,
    jobs: Sequence[BuildJob],
    own: Sequence[Path],
    is_cancelled: Callable[[], bool],
) -> Read:
    """Read, in a worker, what the builds will require; what cannot be read is left out.

    `own` are the folders with what the release has published.
    """
    with cancelled_by(is_cancelled):
        found = foresight.read(jobs, is_cancelled)
        needs = dict.fromkeys(need for one in found.values() for need in (*one.build, *one.use))
        return Read(found, frozenset(foresight.lacking(needs, own) if needs else ()))


def look_again(
    foresight: Foresight,
    needs: Mapping[int, Sequence[str]],
    own: Sequence[Path],
    is_cancelled: Callable[[], bool],
) -> dict[int, tuple[str, ...]]:
    """Return, from a worker, what builds would lack if they started now, by their ids.

    Packages that were bridged for them may themselves require packages of the release.
    """
    with cancelled_by(is_cancelled):
        return {number: foresight.lacking(asked, own) for number, asked in needs.items()}


def predictions_of(builds: Sequence[Build], read: Read, providers: Providers) -> Predictions:
    """Return the predictions that follow from what was read about the builds."""
    behind: dict[str, Packages] = {}
    requests: dict[str, BridgeRequest] = {}
    offered = _offered(builds, read)

    def owners(need: str) -> Packages:
        said = (offered[name] for name in needed_names(need) if name in offered)
        return providers.of(need) or frozenset(said)

    for build in builds:
        if (foreseen := read.found.get(build.id)) is None:
            continue
        behind[build.package] = frozenset().union(*map(owners, foreseen.build)) - {build.package}
        needs = dict.fromkeys((*foreseen.build, *foreseen.use))
        outside = tuple(n for n in needs if n in read.lacking and not owners(n))
        if outside:
            requests[build.package] = BridgeRequest(build, outside, frozenset(), is_foreseen=True)
    groups = (
        tuple(requests[name] for name in group if name in requests)
        for group in in_building_order(behind)
    )
    return Predictions(behind, tuple(group for group in groups if group))


def _offered(builds: Sequence[Build], read: Read) -> dict[str, str]:
    """Return the package of each name that the specs of the builds define."""
    found = ((build.package, read.found.get(build.id)) for build in builds)
    return {name: package for package, one in found if one for name in one.offer}
