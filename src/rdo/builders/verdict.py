"""Find out why rpmbuild failed, from its output.

rpmbuild has one exit status for all failures, so its output is the last resort. It names the
section whose script failed; `log_tables` has its other messages. `rdo.logs.reader` finds the cause
itself, here as everywhere.
"""

from rdo.builders.log_tables import BAD_EXIT, RULE_REASONS, SECTION_REASONS
from rdo.logs.reader import LogReading, read_log
from rdo.model.build import Failed, FailureReason

_NO_SPACE = "no-space"
_SILENCE = "it printed nothing"


def rpmbuild_failure(log: str) -> Failed:
    """Return the failure shown in an rpmbuild log; `detail` is its cause in one line."""
    reading = read_log(log)
    said = reading.says or _SILENCE
    if reading.rule == _NO_SPACE:
        return Failed(FailureReason.NO_SPACE, said)
    if bad_exit := BAD_EXIT.search(log):
        section = bad_exit["section"]
        return Failed(_reason(section, reading), f"%{section}: {said}")
    return Failed(RULE_REASONS.get(reading.rule, FailureReason.UNKNOWN), said)


def _reason(section: str, reading: LogReading) -> FailureReason:
    """Return why a section failed: in %prep because of a patch or for another reason."""
    if section == "prep" and reading.rule == "patch":
        return FailureReason.PATCH
    return SECTION_REASONS.get(section, FailureReason.UNKNOWN)
