"""Inspect the RPMs of a build before anything is done with them."""

from collections.abc import Sequence
from dataclasses import replace

from rdo.errors import RefusedError
from rdo.model.artifact import RpmFile
from rdo.model.build import Built, Failed, FailureReason
from rdo.repodata import read_rpms


def inspected(outcome: Built) -> Built | Failed:
    """Return the outcome with the headers of its RPMs, or a failure if the RPMs are refused.

    All RPMs must be of one source package, which their headers name.
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
    """Return what is wrong with the source package that RPMs name; "" if nothing.

    If a builder gives no source RPM, all RPMs must name the same one. A farm that rebuilds a source
    RPM may end its release with another `dist`, or with none.
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
    """Whether two source RPMs differ only in the `dist` of their releases, if at all.

    >>> _is_same("a-1-2.el9.src.rpm", "a-1-2.src.rpm"), _is_same("a-1-2.src.rpm", "a-1-23.src.rpm")
    (True, False)
    """
    short, long = sorted((one.removesuffix(".src.rpm"), other.removesuffix(".src.rpm")), key=len)
    return long == short or long.startswith(f"{short}.")
