"""Write answer files, and the list of their keys, in packstack's form."""

import textwrap
from collections.abc import Iterator

from rdo.deploy.answers import Answers
from rdo.deploy.kept_secrets import new_secret
from rdo.deploy.keys import KeyTable

_WIDTH = 70


def answer_file(table: KeyTable, answers: Answers) -> str:
    """Return an answer file with all keys; missing secrets are generated for it."""
    return "\n".join(["[general]", *_entries(table, answers), ""])


def _entries(table: KeyTable, answers: Answers) -> Iterator[str]:
    for key in table:
        value = answers[key.name] or (new_secret() if key.is_made else "")
        comment = textwrap.wrap(key.help, _WIDTH - 2, break_long_words=False)
        yield "\n".join(["", *(f"# {line}" for line in comment), f"{key.name}={value}"])


def options_text(table: KeyTable) -> str:
    """Return the keys with their help as reStructuredText, one section per group."""
    blocks = []
    for group in table.groups:
        blocks.append(f"{group.title}\n{'-' * len(group.title)}\n")
        blocks += [f"**{key.name}**\n    {key.help}\n" for key in group.keys]
    return "\n".join(blocks)
