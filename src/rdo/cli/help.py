"""`rdo help`: the help of any command, as `--help` prints it."""

import click

from rdo.cli import main, output


@click.command("help")
@click.argument("words", metavar="[COMMAND]...", nargs=-1)
def help_(words: tuple[str, ...]) -> None:
    """Print the help of COMMAND.

    \b
    Example: rdo help trunk run
    """
    command: click.Command = main.cli
    context = click.Context(command, info_name="rdo", **command.context_settings)
    for word in words:
        if not isinstance(command, click.Group):
            raise click.UsageError(f"{context.command_path} has no commands")
        _, found, _ = command.resolve_command(context, [word])
        assert found
        command, context = found, click.Context(found, info_name=word, parent=context)
    output.say(command.get_help(context))
