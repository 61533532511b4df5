"""Why rpmbuild failed, from its exit and what it says last.

rpmbuild names the section whose script failed; its other complaints are the table below. This
is the last resort of STYLE.md: rpmbuild has one exit code for everything.
"""

import re

from rdo.model.build import Failed, FailureReason

_SECTION = re.compile(r"^\s*(?:error: )?Bad exit status from \S+ \(%(\w+)\)", re.MULTILINE)
_REASONS = {
    "prep": FailureReason.PATCH,
    "generate_buildrequires": FailureReason.SPEC,
    "build": FailureReason.COMPILE,
    "install": FailureReason.INSTALL,
    "check": FailureReason.TEST,
}
_SAYINGS = (
    (FailureReason.NO_SPACE, re.compile(r"No space left on device", re.IGNORECASE)),
    (FailureReason.INSTALL, re.compile(r"^\s*(File|Directory) not found: (?P<detail>.*)$", re.M)),
    (
        FailureReason.INSTALL,
        re.compile(r"Installed \(but unpackaged\) file\(s\) found:\s*(?P<detail>.*)"),
    ),
    (FailureReason.SPEC, re.compile(r"^error: (?P<detail>line \d+: .*)$", re.MULTILINE)),
    (FailureReason.SPEC, re.compile(r"^error: (?P<detail>.*\.spec.*)$", re.MULTILINE)),
    (
        FailureReason.SOURCE,
        re.compile(r"^error: (?P<detail>Bad (?:file|source): .*)$", re.MULTILINE),
    ),
)


def rpmbuild_failure(log_tail: str) -> Failed:
    """The outcome that the end of an rpmbuild log stands for; `detail` is one line of it."""
    no_space = _SAYINGS[0][1].search(log_tail)
    if no_space:
        return Failed(FailureReason.NO_SPACE, no_space[0])
    if section := _SECTION.search(log_tail):
        name = section[1]
        return Failed(
            _REASONS.get(name, FailureReason.UNKNOWN), f"%{name}: {_last_words(log_tail)}"
        )
    for reason, saying in _SAYINGS[1:]:
        if found := saying.search(log_tail):
            return Failed(reason, found["detail"].strip())
    return Failed(FailureReason.UNKNOWN, _last_words(log_tail))


def _last_words(log_tail: str) -> str:
    """The last line before rpmbuild's own summary."""
    before = re.split(r"^\s*(?:error: )?Bad exit status|^RPM build errors:", log_tail, flags=re.M)[
        0
    ]
    lines = [line.strip() for line in before.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"
