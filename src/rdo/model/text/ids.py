"""The ids of fixes and bugs in the messages of git commits, such as CVE-2026-1234 or #1234567.

Each id is converted to one form, so that an id in a question matches the id in a message.
"""

import re
from itertools import islice

_FIX = (
    r"(?i:CVE-\d{4}-\d{4,12}|GHSA(?:-[0-9a-z]{4}){3}|FEDORA-(?:EPEL-)?\d{4}-[0-9a-f]{10}"
    r"|(?:OSSA|OSSN|RHSA|RHBA|RHEA|DSA|DLA|USN|PYSEC)-\d{1,12}(?:[-:]\d{1,12})?)"
    r"|[A-Z][A-Z0-9]{1,15}-\d{1,12}"  # a tracker such as Jira writes it in capitals
)
_NAMED = re.compile(rf"(?<![A-Za-z0-9-])(?:{_FIX})(?![A-Za-z0-9])")
_ASKED = re.compile(_FIX, re.IGNORECASE)
# `Closes-Bug: #1`, `Related-Bug: 2`, `Story: 3`, `Resolves: rhbz#4`, `Fixes: #5`, `Bug: https://…`
_BUG = re.compile(
    r"^(?:(?:Closes|Partial|Related)-Bug|Bug|Story|Resolves|Fixes|Closes): ?(\S{1,200})$",
    re.MULTILINE | re.IGNORECASE,
)
_ASKED_BUG = re.compile(r"(?:lp|bug|story|rhbz|bz)?[#:]\d{1,12}", re.IGNORECASE)
_MOST = 100  # in one message, which anybody may have written
_LAST_NUMBER = re.compile(r"(?<!\d)\d{1,12}[.,;)]{0,3}$")


def bugs_in(message: str) -> tuple[str, ...]:
    """Return the bugs that the lines of a message name, as written there.

    >>> bugs_in("Fix it\\n\\nCloses-Bug: #12\\nResolves: rhbz#4")
    ('#12', 'rhbz#4')
    """
    return tuple(dict.fromkeys(_BUG.findall(message)))


def ids_in(message: str) -> frozenset[str]:
    """Return the ids of fixes and bugs in a message, at most a hundred of each.

    >>> sorted(ids_in("Fix cve-2026-1234\\n\\nCloses-Bug: #12\\nResolves: rhbz#4\\nFixes: OSP-5"))
    ['#12', 'CVE-2026-1234', 'OSP-5', 'RHBZ#4']
    """
    fixes = dict.fromkeys(found.upper() for found in _NAMED.findall(message))
    bugs = dict.fromkeys(filter(None, map(_bug, bugs_in(message))))
    return frozenset((*islice(fixes, _MOST), *islice(bugs, _MOST)))


def asked_id(text: str) -> str:
    """Return the id in a question, in the form of `ids_in`; empty if it is not an id.

    >>> [asked_id(one) for one in ("cve-2026-1234", "lp#12", "#12", "RHBZ#4", "python-a")]
    ['CVE-2026-1234', '#12', '#12', 'RHBZ#4', '']
    """
    if _ASKED.fullmatch(text):
        return text.upper()
    return _bug(text) if _ASKED_BUG.fullmatch(text) else ""


def _bug(token: str) -> str:
    """Return a bug in its one form: the number, with the tracker if that is Red Hat's.

    >>> [_bug(one) for one in ("lp:1", "https://bugs.launchpad.net/+bug/2", "rhbz#3,", "OSP-4")]
    ['#1', '#2', 'RHBZ#3', '']
    """
    number = _LAST_NUMBER.search(token)
    if number is None or _ASKED.fullmatch(token.rstrip(".,;)")):
        return ""
    is_of_red_hat = any(word in token.lower() for word in ("bz", "bugzilla.redhat"))
    return f"{'RHBZ' if is_of_red_hat else ''}#{number[0].rstrip('.,;)')}"
