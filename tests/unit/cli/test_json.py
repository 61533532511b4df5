"""Every command has JSON output, except those that print another program's output or nothing."""

from collections.abc import Iterator

import click

from rdo.cli import main

_A_SCRIPT_OR_TEXT = {
    *("completion", "help", "pkg autocomplete"),
    *("promotion import", "repo sign-key export"),  # rdo.toml, a public key
    *("distgit hook", "distgit keys", "distgit shell"),  # what git and sshd call
    "repo evidence",  # documents, which are JSON already
}
_A_TERMINAL = {"lab ssh", "platform shell", "serve", "lookaside serve", "distgit serve"}
_ONLY_AN_EXIT_CODE = {"lab down", "lab guest-image", "user add", "user passwd", "user remove"}


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def test_every_command_answers_programs_or_is_known_not_to() -> None:
    without = {
        name
        for name, command in commands(main.cli)
        if not any("--json" in parameter.opts for parameter in command.params)
    }

    assert without == _A_SCRIPT_OR_TEXT | _A_TERMINAL | _ONLY_AN_EXIT_CODE
