"""Why rpmbuild failed, from what it prints last.

rpmbuild has one exit status for everything, so this is the last resort. It names the section
whose script failed; `log_tables` has its other complaints.
"""

from rdo.builders.log_tables import (
    BAD_EXIT,
    NO_SPACE,
    RPMBUILD_COMPLAINTS,
    SECTION_REASONS,
    SUMMARY,
)
from rdo.log_tail import last_line
from rdo.model.build import Failed, FailureReason


def rpmbuild_failure(log_tail: str) -> Failed:
    """Return the failure that the end of an rpmbuild log means; `detail` is one line of it."""
    if no_space := NO_SPACE.search(log_tail):
        return Failed(FailureReason.NO_SPACE, no_space[0])
    if bad_exit := BAD_EXIT.search(log_tail):
        section = bad_exit["section"]
        reason = SECTION_REASONS.get(section, FailureReason.UNKNOWN)
        return Failed(reason, f"%{section}: {_last_words(log_tail)}")
    for reason, complaint in RPMBUILD_COMPLAINTS:
        if found := complaint.search(log_tail):
            return Failed(reason, found["detail"].strip())
    return Failed(FailureReason.UNKNOWN, _last_words(log_tail))


def _last_words(log_tail: str) -> str:
    """Return the last line before rpmbuild's own summary."""
    summary = SUMMARY.search(log_tail)
    before = log_tail[: summary.start()] if summary else log_tail
    return last_line(before)
