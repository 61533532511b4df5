"""Options and arguments that several commands of `rdo repo` share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from rdo.app import App
from rdo.app.targets import OpenTarget
from rdo.cli import complete

Command = TypeVar("Command", bound=Callable[..., Any])

target_option = click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Target to use. Optional if there is only one.",
)


def repository_argument(
    name: str = "repository", metavar: str = "REPOSITORY"
) -> Callable[[Command], Command]:
    """Add an argument that is a name, a name at a moment, or a path in the tree."""
    return click.argument(name, metavar=metavar, shell_complete=complete.repositories)


def opened(app: App, target: str | None, *, reads_only: bool = True) -> OpenTarget:
    """Open the named target, or the only one."""
    app.reads_only = reads_only
    return app.target(app.settings.only_target(target))
