"""Make untrusted text safe on a terminal.

A log, a subject or a file name may contain characters that a terminal obeys: they move the cursor,
set the title, answer in place of the user, or reverse the direction of the text around them.
"""

import re

DIRECTIONS = frozenset({*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029})
"""Characters that change the direction of a text, or break a line invisibly."""

# Lone surrogates are bytes of another encoding; they cannot be printed at all.
_OBEYED = {*range(32), *range(127, 160), *DIRECTIONS, *range(0xD800, 0xE000)}
_SHOWN = dict.fromkeys(_OBEYED - {ord("\n"), ord("\t")}, "\N{REPLACEMENT CHARACTER}")
_IN_JSON = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")


def on_terminal(text: str) -> str:
    r"""Return a text without terminal control characters; line breaks and tabs stay.

    >>> on_terminal("a\x1b[31mb\r\nc\td")
    'a\ufffd[31mb\nc\td'
    """
    return text.replace("\r\n", "\n").translate(_SHOWN)


def json_on_terminal(text: str) -> str:
    r"""Return the same JSON with terminal control characters written as `\uXXXX`.

    >>> json_on_terminal('"\x9b1m"')
    '"\\u009b1m"'
    """
    return _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
