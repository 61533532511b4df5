"""Groups that import a command only when it is called."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from rdo.errors import did_you_mean


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command that is not imported yet: its module, and its line in the group's help."""

    module: str
    command: str
    help: str


class LazyGroup(click.Group):
    """A group whose help does not import its lazy commands; other commands may be added to it.

    `sections` maps a heading of the help to its commands, in the order shown. Commands without a
    section come last, below "Commands".
    """

    def __init__(
        self,
        *args: Any,
        lazy: Mapping[str, Lazy] | None = None,
        sections: Mapping[str, Sequence[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy or {})
        self.sections = dict(sections or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = self.lazy.get(cmd_name)
        if lazy is None:
            return super().get_command(ctx, cmd_name)
        command = getattr(importlib.import_module(lazy.module), lazy.command)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            ctx.fail(f"no command {args[0]}{did_you_mean(args[0], known)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands section by section; a long line is wrapped, never cut off."""
        helps = dict(self._command_helps(ctx))
        in_sections = {name for names in self.sections.values() for name in names}
        rest = [name for name in helps if name not in in_sections]
        width = max(map(len, helps), default=0)
        for heading, names in {**self.sections, "Commands": rest}.items():
            if names:
                with formatter.section(heading):
                    formatter.write_dl([(name.ljust(width), helps[name]) for name in names])

    def _command_helps(self, ctx: click.Context) -> Iterator[tuple[str, str]]:
        for name in self.list_commands(ctx):
            if name in self.lazy:
                yield name, self.lazy[name].help
            elif (command := self.commands[name]) and not command.hidden:
                yield name, command.get_short_help_str(limit=1000)
