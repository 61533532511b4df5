"""The questions of `packstack`, asked if there are neither options nor an answer file."""

import sys
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

import click

from rdo.cli import output
from rdo.errors import RefusedError

if TYPE_CHECKING:
    from rdo.deploy.answers import Answers
    from rdo.deploy.keys import Key, KeyTable
    from rdo.deploy.machine import ThisMachine

_MADE = "one that is made"


def ask_answers(
    table: "KeyTable", machine: "ThisMachine", given: Mapping[str, str]
) -> dict[str, str]:
    """Ask for each answer that rdo uses, until all are valid and the user confirms them.

    Returns the answers that differ from their defaults, and the `given` ones, which are not asked
    for. If the user does not confirm, all questions are asked again with the previous answers as
    defaults. Raises RefusedError if standard input ends before that.
    """
    from rdo.deploy.answer_file import AnswerFile, told
    from rdo.deploy.answers import decide

    options = dict(given)
    try:
        while True:
            _ask_all(table, machine, options, without=given)
            answers = decide(table, AnswerFile(), options, machine, {})
            for fault in answers.faults:
                output.say(told("answers", fault))
            if not answers.faults and _agreed(table, answers):
                return options
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise RefusedError(
            "the input ended before the last question",
            hint="or give them: packstack --allinone, --install-hosts=HOST,HOST or "
            "--answer-file=FILE",
        ) from None


def _ask_all(
    table: "KeyTable",
    machine: "ThisMachine",
    options: dict[str, str],
    *,
    without: Container[str],
) -> None:
    """Ask group by group; skip a group that earlier answers have switched off."""
    for group in table.groups:
        values = {key.name: options.get(key.name, machine.fill(key.default)) for key in table}
        asked = [key for key in group.keys if _is_asked(key) and key.name not in without]
        if not asked or not group.is_active(values):
            continue
        output.say(f"\n{group.title}")
        for key in asked:
            value = _ask(key, values[key.name])
            if value == machine.fill(key.default):
                options.pop(key.name, None)
            else:
                options[key.name] = value


def _is_asked(key: "Key") -> bool:
    return key.used and not key.hidden and not key.refused


def _ask(key: "Key", default: str) -> str:
    """Ask for one value until the key accepts it; an empty answer means the default."""
    from rdo.deploy.keys import PLACEHOLDER, Kind
    from rdo.deploy.value_checks import fault_of

    choices = ("y", "n") if key.kind is Kind.YES_NO else key.choices
    shown = _MADE if default == PLACEHOLDER else "as given" if key.secret and default else default
    text = " ".join(
        [
            key.help,
            *([f"[{'|'.join(choices)}]"] if choices else []),
            *([f"[{shown}]"] if shown else []),
        ]
    )
    while True:
        value = output.ask(text, default=default, is_secret=key.secret)
        is_new = key.secret and value != default
        if is_new and value != output.ask("Again", is_secret=True):
            output.say("The two differ.")
        elif value != PLACEHOLDER and (fault := fault_of(key, value)):
            output.say(f"{'This' if key.secret else value or 'This'} {fault}.")
        else:
            return str(value)


def _agreed(table: "KeyTable", answers: "Answers") -> bool:
    """Show the answers that matter, and ask whether to continue with them."""
    from rdo.deploy.answers import Origin

    output.say("\nPackstack will be installed using the following configuration:")
    for key in table:
        answer = answers.by_key[key.name]
        if _is_asked(key) and answer.is_active:
            shown = _MADE if answer.origin is Origin.GENERATED else answer.shown
            output.say(f"{key.option + ':':<40}{shown}")
    return output.agrees("Proceed with the configuration listed above?")
