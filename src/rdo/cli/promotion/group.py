"""`rdo promotion`: whether a repository can be given to users."""

import click

from rdo.cli.lazy import Lazy, LazyGroup

_PROMOTE = "rdo.cli.promotion.promote"


@click.group(
    cls=LazyGroup,
    lazy={
        "check": Lazy("rdo.cli.promotion.check", "check", "Check a repository as a whole."),
        "promote": Lazy(_PROMOTE, "promote", "Point a promotion name at a repository."),
        "rollback": Lazy(_PROMOTE, "rollback", "Point a promotion name back."),
        "history": Lazy(_PROMOTE, "history", "Show the moves of a name."),
    },
)
def promotion() -> None:
    """Find out whether a repository can be given to users, and give it to them."""
