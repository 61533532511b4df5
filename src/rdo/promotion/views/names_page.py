"""The page of a target's names: where they lead, and all their moves on one line of time."""

from collections.abc import Mapping, Sequence

from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError
from rdo.logs.reader import clean
from rdo.pages.live_values import NamesPage, ShownMove
from rdo.pages.timeline import timeline
from rdo.pages.values import ShownName
from rdo.promotion.deciding.criteria import Criteria
from rdo.promotion.views.promotions import newest_candidates
from rdo.store.given.names import Move, Names

_OF_ONE_NAME = 200
_LISTED = 100


def names_page(
    opened: OpenTarget,
    names: Sequence[ShownName],
    criteria: Mapping[str, Criteria],
    chosen: str = "",
) -> NamesPage:
    """Gather the moves of all names, or of the `chosen` one.

    Raises NotFoundError if there is no such name.
    """
    if chosen and chosen not in {*criteria, *(one.name for one in names)}:
        raise NotFoundError(f"{opened.name} has no name {chosen}")
    wanted = [one for one in names if chosen in {"", one.name}]
    with opened.store.read() as at:
        by_name = {one.name: _moves(at.names, opened.name, one.name) for one in wanted}
        newest = sorted(
            ((label, move) for label, moves in by_name.items() for move in moves),
            key=lambda one: one[1].moved,
            reverse=True,
        )[:_LISTED]
        ids = {one for _, move in newest for one in (move.old_id, move.new_id) if one is not None}
        paths = at.repositories.paths(ids)
    waiting = tuple(newest_candidates(opened, criteria))
    lanes = {
        label: [(move.moved, f"{label} at {move.moved:%Y-%m-%d %H:%M}") for move in moves]
        for label, moves in by_name.items()
    }
    shown = (
        ShownMove(
            label,
            move.moved,
            paths.get(move.old_id or 0, ""),
            move.old_id or 0,
            paths[move.new_id],
            move.new_id,
            clean(move.moved_by),
            clean(move.why),
        )
        for label, move in newest
    )
    return NamesPage(tuple(names), tuple(shown), timeline(lanes, opened.now()), chosen, waiting)


def _moves(names: Names, target: str, label: str) -> tuple[Move, ...]:
    """Return the moves of a name, which a component may stand before."""
    component, _, name = label.rpartition("/")
    return names.history(target, component or None, name, limit=_OF_ONE_NAME)
