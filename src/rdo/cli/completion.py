"""`rdo completion`: print what a shell needs to complete our command lines."""

import click
from click.shell_completion import get_completion_class

from rdo.cli import main, output

SHELLS = ("bash", "fish", "zsh")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    Example: rdo completion bash > ~/.local/share/bash-completion/completions/rdo
    """
    found = get_completion_class(shell)
    assert found is not None
    output.say(found(main.cli, {}, "rdo", "_RDO_COMPLETE").source())
