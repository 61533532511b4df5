"""Looking at the RPMs that a build gave, before anything is done with them."""

from collections.abc import Sequence
from dataclasses import replace

from rdo.errors import RefusedError
from rdo.model.artifact import RpmFile
from rdo.model.build import Built, Failed, FailureReason
from rdo.repodata import read_rpms


def inspected(outcome: Built) -> Built | Failed:
    """Return the outcome with what its RPMs are, or the failure of a build whose RPMs are refused.

    All of them must be of one source package, which their headers name.
    """
    if outcome.read:
        return outcome
    try:
        read = read_rpms(outcome.rpms)
    except RefusedError as error:
        return Failed(FailureReason.REFUSED, str(error))
    if fault := source_fault(read):
        return Failed(FailureReason.REFUSED, fault)
    return replace(outcome, read=read)


def source_fault(rpms: Sequence[RpmFile]) -> str:
    """Return what is wrong with the source package that RPMs of one build name; empty if nothing.

    A builder need not give a source RPM; the others must then name the same one. A farm that
    builds a source RPM again may end its release with a `dist` of its own, or with none.
    """
    given = {one.artifact.file_name for one in rpms if one.artifact.is_source}
    named = {one.source_rpm: one.artifact.file_name for one in rpms if not one.artifact.is_source}
    if len(given) > 1:
        return f"the build gave several source RPMs: {', '.join(sorted(given))}"
    right = min(given or named, default="")
    for source, rpm in named.items():
        if not _is_same(source, right):
            return f"{rpm} names {source} as its source RPM, and the build's is {right}"
    return ""


def _is_same(one: str, other: str) -> bool:
    """Whether two source RPMs differ in the `dist` of their releases at most.

    >>> _is_same("a-1-2.el9.src.rpm", "a-1-2.src.rpm"), _is_same("a-1-2.src.rpm", "a-1-23.src.rpm")
    (True, False)
    """
    short, long = sorted((one.removesuffix(".src.rpm"), other.removesuffix(".src.rpm")), key=len)
    return long == short or long.startswith(f"{short}.")
