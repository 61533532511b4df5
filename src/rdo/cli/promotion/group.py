"""`rdo promotion`: whether a repository can be given to users."""

import click

from rdo.cli.lazy import Lazy, LazyGroup


@click.group(
    cls=LazyGroup,
    lazy={
        "check": Lazy("rdo.cli.promotion.check", "check", "Check a repository as a whole."),
    },
)
def promotion() -> None:
    """Find out whether a repository can be given to users."""
