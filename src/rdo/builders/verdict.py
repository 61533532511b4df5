"""Why rpmbuild failed, from what it prints.

rpmbuild has one exit status for everything, so this is the last resort. It names the section
whose script failed; `log_tables` has its other complaints. The cause itself is what
`rdo.logs.reader` finds, here as everywhere.
"""

from rdo.builders.log_tables import BAD_EXIT, NO_SPACE, RULE_REASONS, SECTION_REASONS
from rdo.logs.reader import LogReading, read_log
from rdo.model.build import Failed, FailureReason

_SILENCE = "it printed nothing"


def rpmbuild_failure(log: str) -> Failed:
    """Return the failure that an rpmbuild log means; `detail` is its cause in one line."""
    if no_space := NO_SPACE.search(log):
        return Failed(FailureReason.NO_SPACE, no_space[0])
    reading = read_log(log)
    said = reading.says or _SILENCE
    if bad_exit := BAD_EXIT.search(log):
        section = bad_exit["section"]
        return Failed(_reason(section, reading), f"%{section}: {said}")
    return Failed(RULE_REASONS.get(reading.rule, FailureReason.UNKNOWN), said)


def _reason(section: str, reading: LogReading) -> FailureReason:
    """Return why a section failed: in %prep a patch, or anything else."""
    if section == "prep" and reading.rule == "patch":
        return FailureReason.PATCH
    return SECTION_REASONS.get(section, FailureReason.UNKNOWN)
