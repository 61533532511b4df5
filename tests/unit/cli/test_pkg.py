"""The verbs of `rdo pkg` as a whole."""

import importlib

import pytest

from rdo.cli.pkg.group import VERBS

# What only hands something to a shell, whose output is not ours.
_WITHOUT = {"autocomplete"}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_answers_programs(verb: str) -> None:
    lazy = VERBS[verb]

    command = getattr(importlib.import_module(lazy.module), lazy.command)

    options = {name for parameter in command.params for name in parameter.opts}
    assert ("--json" in options) == (verb not in _WITHOUT)
