"""Make a commit message from the newest changelog entry."""

from collections.abc import Sequence

from rdo.distgit.verb.desk import Desk
from rdo.errors import NotFoundError
from rdo.spec.changelog import is_automatic


def newest_changes(desk: Desk, *, is_raw: bool = False) -> tuple[str, ...]:
    """Return the lines of the newest entry, without leading hyphens unless `is_raw`.

    Raises NotFoundError for a spec without entries.
    """
    lines = [] if is_automatic(desk.spec.text()) else desk.spec.newest_changes()
    if not lines:
        raise NotFoundError("the spec has no changelog entry")
    return tuple(line if is_raw else line.removeprefix("- ") for line in lines)


def commit_message(lines: Sequence[str]) -> str:
    """Return lines as a message: the first is the subject, with a blank line after it.

    >>> commit_message(["One", "Two"])
    'One\\n\\nTwo\\n'
    """
    first, rest = lines[:1], lines[1:]
    return "".join(f"{line}\n" for line in (*first, *([""] if rest else []), *rest))
