"""The meaning of lines in build logs: the tables that all builders share.

Log lines are the last resort: if an exit status, a phase or an exception shows the reason, that is
used instead. Log text is not trusted, so each pattern must take linear time: it begins with a
literal or at the start of a line, and whatever it repeats is bounded or ends with the line.
"""

import re

from rdo.model.build import FailureReason

MAX_NEED = 300
"""How many characters of a requirement are read from a log."""

NETWORK = re.compile(
    r"Error downloading packages|No more mirrors to try|Cannot retrieve metalink for repository"
    r"|Could not retrieve mirrorlist|Failed to synchronize cache for repo|No route to host"
    r"|Device or resource busy|Could not resolve host|Temporary failure in name resolution"
    r"|Error fetching remote|Connection timed out|Giving up waiting for copr_base repository"
)
"""Log lines of mock, Koji and Copr that DLRN treats as temporary faults."""

MISSING_REQUIREMENTS = (
    re.compile(rf"^[ \t]+(?P<need>\S.{{0,{MAX_NEED}}}?) is needed by \S+$", re.MULTILINE),
    re.compile(
        r"No match(?:ing package to install| for argument)?: "
        rf"'(?P<need>[^'\n]{{1,{MAX_NEED}}})'"
    ),
    re.compile(rf"No match for argument: (?P<need>[^\s'].{{0,{MAX_NEED}}})$", re.MULTILINE),
    re.compile(rf"nothing provides (?P<need>.{{1,{MAX_NEED}}}?) needed by \S"),
)
"""rpmbuild's, dnf's and mock's words for a requirement that nothing provides."""

BAD_EXIT = re.compile(
    r"^[ \t]*(?:error: )?(?:Bad exit status from \S+|\w[^\n/(]{0,80} /\S{0,200}/rpm-tmp\.\w+)"
    r" \(%(?P<section>\w+)\)",
    re.MULTILINE,
)
"""How rpmbuild names the section of the spec whose script failed, in any language."""

SECTION_REASONS = {
    "mkbuilddir": FailureReason.PREP,
    "prep": FailureReason.PREP,
    "conf": FailureReason.COMPILE,
    "generate_buildrequires": FailureReason.SPEC,
    "build": FailureReason.COMPILE,
    "install": FailureReason.INSTALL,
    "doc": FailureReason.INSTALL,
    "license": FailureReason.INSTALL,
    "check": FailureReason.TEST,
}
"""The reason of a failure, by the section of the spec that failed."""

RULE_REASONS = {
    "architecture": FailureReason.ARCHITECTURE,
    "spec-field": FailureReason.SPEC,
    "spec-line": FailureReason.SPEC,
    "spec-unclosed": FailureReason.SPEC,
    "spec-file": FailureReason.SPEC,
    "spec-macro": FailureReason.SPEC,
    "spec-query": FailureReason.SPEC,
    "bad-source": FailureReason.SOURCE,
    "not-there": FailureReason.INSTALL,
    "unpackaged": FailureReason.INSTALL,
    "must-begin-with-slash": FailureReason.INSTALL,
    "empty-files": FailureReason.INSTALL,
    "noarch": FailureReason.INSTALL,
    "checks-of-files": FailureReason.INSTALL,
}
"""The reason of a failure outside sections, by the rule of rules.toml that matched."""


def network_fault(text: str) -> str:
    """Return the words in a log that show a network fault; empty if there are none."""
    found = NETWORK.search(text)
    return found[0] if found else ""


def missing_requirements(text: str) -> tuple[str, ...]:
    """Return the requirements that nothing provides according to a log, each once.

    >>> missing_requirements("nothing provides python3dist(pbr) >= 2 needed by nova-1.noarch")
    ('python3dist(pbr) >= 2',)
    """
    found = (
        match["need"].strip().strip("'")
        for pattern in MISSING_REQUIREMENTS
        for match in pattern.finditer(text)
    )
    return tuple(dict.fromkeys(found))
