"""Move promotion names, move them back, and show their history."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError, RefusedError
from rdo.promotion.compositions import Composition
from rdo.publish.names import CONSISTENT, CURRENT, PREVIOUS
from rdo.publish.references import is_signed
from rdo.publish.tree import Tree
from rdo.store import Transaction
from rdo.store.given.held_back import HeldBack
from rdo.store.given.repositories import Repository

_OF_THE_TREE = frozenset({CURRENT, CONSISTENT})


@dataclass(frozen=True, slots=True)
class Promoted:
    """Where a name points now; `moved` are the paths that it did not point to before.

    `held` are the packages that it has at an older build than what it was promoted from.
    """

    name: str
    repositories: tuple[str, ...]
    moved: tuple[str, ...]
    held: tuple[HeldBack, ...] = ()


@dataclass(frozen=True, slots=True)
class PastMove:
    """One move of a name in one component; `before` is empty for the first move."""

    name: str
    component: str | None
    before: str
    after: str
    moved: datetime
    by: str
    why: str


def promote(
    opened: OpenTarget,
    name: str,
    composition: Composition,
    *,
    by: str,
    why: str,
    held: tuple[HeldBack, ...] = (),
    ending: str = "promoted",
    part_of: str = "",
    besides: Collection[str] = (),
    expected: Collection[Repository] | None = None,
    record: Callable[[Transaction], None] = lambda _: None,
) -> Promoted:
    """Point a promotion name to the repositories of a composition, in all components at once.

    From then on it holds back `held`, out of the candidate with the hash `part_of`. Its other holds
    end with the word `ending`, except those of the packages in `besides`, which this move does not
    affect. `record` is called in the transaction of the move, and may refuse it. Raises
    RefusedError for a name that is not a promotion name, a composition in no repository, one that
    is not signed although its target is, or a name that no longer points to what is `expected`.
    """
    if not composition.repositories:
        raise RefusedError(f"{composition.label} is in no repository", hint="rdo repo compose")
    check_signed(opened.tree, composition.repositories)

    def record_all(at: Transaction) -> None:
        record(at)
        at.held_back.replace(
            opened.name,
            name,
            held,
            now=opened.now(),
            ending=ending,
            part_of=part_of,
            besides=besides,
        )

    moved = opened.tree.promote(
        name, composition.repositories, by=by, why=why, expected=expected, record=record_all
    )
    paths = tuple(one.path for one in composition.repositories)
    return Promoted(name, paths, tuple(one.path for one in moved), held)


def check_signed(tree: Tree, repositories: Iterable[Repository]) -> None:
    """Raise RefusedError if hosts that check signatures could not install from there."""
    if tree.signer is None:
        return
    for one in repositories:
        if not is_signed(tree.repos / one.path, tree.site.reponame):
            target = tree.site.target
            raise RefusedError(
                f"{one.path} or some of its RPMs are not signed, but {target} is",
                hint=f"rdo repo sign --target {target} {one.path}",
            )


def end_held(at: Transaction, moves: Iterable[tuple[str, Repository]], *, now: datetime) -> None:
    """End the holds of names in the components in which they move to a complete repository."""
    targets: dict[tuple[str, str], set[str | None]] = {}
    for name, one in moves:
        targets.setdefault((one.target, name), set()).add(one.component)
    for (target, name), components in targets.items():
        held = at.held_back.of_name(target, name)
        besides = [key for key, one in held.items() if _component(at, one) not in components]
        at.held_back.replace(target, name, (), now=now, ending="promoted", besides=besides)


def _component(at: Transaction, held: HeldBack) -> str | None:
    build = held.newer_id or held.build_id
    return at.builds.get(build).commit.component if build else None


def rollback(opened: OpenTarget, name: str, *, by: str, why: str) -> Promoted:
    """Point a promotion name back to where `previous-NAME` points, and the other way round.

    Raises NotFoundError if the name has not moved yet, RefusedError if builds move it.
    """
    if name in _OF_THE_TREE:
        raise RefusedError(f"{name} follows the builds and cannot be moved by hand")
    previous = opened.tree.leads(f"{PREVIOUS}{name}")
    if not previous:
        raise NotFoundError(
            f"{name} of {opened.name} has no earlier repository",
            hint=f"rdo promotion history {name} shows its moves",
        )
    check_signed(opened.tree, previous)
    moved = opened.tree.promote(name, previous, by=by, why=why)
    paths = tuple(one.path for one in previous)
    return Promoted(name, paths, tuple(one.path for one in moved))


def history(opened: OpenTarget, name: str, *, limit: int = 20) -> tuple[PastMove, ...]:
    """Return the moves of a name, newest first, in all its components.

    Raises NotFoundError if no such name has ever existed.
    """
    with opened.store.read() as at:
        components = at.names.components(opened.name, name)
        moves = [
            move
            for component in components
            for move in at.names.history(opened.name, component, name, limit=limit)
        ]
        ids = {one for move in moves for one in (move.old_id, move.new_id) if one is not None}
        paths = {one: at.repositories.get(one).path for one in ids}
    if not components:
        raise NotFoundError(f"{opened.name} has no name {name}", hint="rdo repo list")
    moves.sort(key=lambda move: move.moved, reverse=True)
    return tuple(
        PastMove(
            name,
            move.component,
            paths[move.old_id] if move.old_id is not None else "",
            paths[move.new_id],
            move.moved,
            move.moved_by,
            move.why,
        )
        for move in moves[:limit]
    )
