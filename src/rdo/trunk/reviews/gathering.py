"""Collect the changes that a change needs: follow `Depends-On:` lines across servers."""

from collections.abc import Mapping
from dataclasses import dataclass

from rdo.errors import NotFoundError, RefusedError
from rdo.forges.depends_on import MOST, depends_on
from rdo.model.review import Change, ChangeId
from rdo.trunk.reviews.places import ConfiguredForge, place_at


class UnusableChangeError(RefusedError):
    """A change that is not built, for a reason that its author can fix."""


@dataclass(frozen=True, slots=True)
class GatheredChanges:
    """A change and the changes it needs, in the order to build them; the change comes last."""

    changes: tuple[Change, ...]

    @property
    def change(self) -> Change:
        """The change itself."""
        return self.changes[-1]


def gather(places: Mapping[str, ConfiguredForge], change: Change) -> GatheredChanges:
    """Return a change with all unmerged changes that it needs.

    Raises UnusableChangeError for a URL on a server that is not configured, for an abandoned
    change, for too many changes, and for changes that need each other.
    """
    done: dict[ChangeId, Change] = {}
    _visit(places, change, done, ())
    return GatheredChanges(tuple(done.values()))


def _visit(
    places: Mapping[str, ConfiguredForge],
    change: Change,
    done: dict[ChangeId, Change],
    above: tuple[ChangeId, ...],
) -> None:
    if change.id in above:
        raise UnusableChangeError(f"{change.url} and others depend on each other")
    if change.id in done:
        return
    if len(above) + len(done) > MOST:
        raise UnusableChangeError(f"it depends on more than {MOST} changes")
    for url in depends_on(change.message):
        needed = _change_at(places, url)
        if needed.is_merged:
            continue
        if not needed.is_open:
            raise UnusableChangeError(f"it depends on {url[:200]}, which is closed")
        _visit(places, needed, done, (*above, change.id))
    done[change.id] = change


def _change_at(places: Mapping[str, ConfiguredForge], url: str) -> Change:
    """Return the change in a `Depends-On:` line; only configured servers are contacted."""
    try:
        place, project, number = place_at(places.values(), url)
        change = place.server.change(project, number)
    except NotFoundError as error:
        raise UnusableChangeError(f"Depends-On: {error}") from error
    if not place.has_project(change.id.project):
        raise UnusableChangeError(f"Depends-On: {url[:200]} is in a project that is not built")
    return change
