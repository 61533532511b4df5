"""The subject of a patch in mail format, as `git format-patch` writes it."""

import re

_SUBJECT = re.compile(r"^Subject: (?:\[PATCH[^\]]*\] )?(.*(?:\n[ \t].*)*)", re.MULTILINE)


def subject_of(patch: str) -> str:
    """Return the subject of a patch in mail format, or "" if it has none.

    >>> subject_of("From 1 Mon\\nSubject: [PATCH 1/2] Fix\\n it\\n\\nwhy")
    'Fix it'
    """
    match = _SUBJECT.search(patch)
    return re.sub(r"\n[ \t]+", " ", match[1]).strip() if match else ""
