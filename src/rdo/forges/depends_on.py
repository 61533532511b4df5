"""`Depends-On:` lines in Zuul's form: changes that must be built as well."""

import re

MOST = 10
_LINE = re.compile(r"^[ \t]*Depends-On:[ \t]*(\S+)[ \t\r]*$", re.MULTILINE | re.IGNORECASE)


def depends_on(message: str) -> list[str]:
    """Return the addresses in the `Depends-On:` lines of a message, each once.

    >>> depends_on("fix\\n\\nDepends-On: https://h.test/c/a/+/1\\ndepends-on: Iab12")
    ['https://h.test/c/a/+/1', 'Iab12']
    """
    return list(dict.fromkeys(_LINE.findall(message)))
