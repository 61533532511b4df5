"""`new-version --all`: update many distgits, with one summary of what a person still has to do."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rdo.distgit.update.verbs import new_version
from rdo.distgit.verb import actions, state
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.problems import NothingToDoError
from rdo.distgit.verb.state import Arguments
from rdo.errors import NotFoundError, UserError
from rdo.spec.tags import get_tag

log = logging.getLogger(__name__)


class Result(StrEnum):
    UPDATED = "updated"
    WOULD_UPDATE = "would be updated"
    NEWEST = "is the newest"
    NEEDS_YOU = "needs you"


@dataclass(frozen=True, slots=True)
class Updated:
    """The result for one distgit; `reason` says what a person has to do."""

    package: str
    result: Result
    old: str
    new: str
    reason: str = ""


def distgits(folder: Path) -> list[Path]:
    """Return the subfolders that are clones with a spec; raises NotFoundError if there are none."""
    found = [x for x in sorted(folder.iterdir()) if (x / ".git").exists() and any(x.glob("*.spec"))]
    if not found:
        raise NotFoundError(f"no distgit below {folder}: no folder with a .git and a .spec file")
    return found


def update_all(
    desks: Sequence[Desk], args: Arguments, tell: Callable[[Updated], None], *, is_dry: bool = False
) -> list[Updated]:
    """Update one after the other; a distgit that needs a person is left unchanged."""
    rows = []
    for desk in desks:
        row = _update(desk, args, is_dry=is_dry)
        tell(row)
        rows.append(row)
    return rows


def _update(desk: Desk, args: Arguments, *, is_dry: bool) -> Updated:
    old = ""
    try:
        old = get_tag(desk.spec.text(), "Version")
        if state.load(desk.folder):
            return Updated(desk.package, Result.NEEDS_YOU, old, old, "an action is in progress")
        done = new_version(desk, args, is_dry=is_dry)
    except NothingToDoError:
        return Updated(desk.package, Result.NEWEST, old, old)
    except UserError as error:
        if state.is_stored(desk.folder):
            actions.abort(desk)
        return Updated(desk.package, Result.NEEDS_YOU, old, old, _one_line(error))
    result = Result.WOULD_UPDATE if is_dry else Result.UPDATED
    return Updated(desk.package, result, old, done.new_rpm_version)


def _one_line(error: UserError) -> str:
    return " ".join(str(error).split())[:200]
