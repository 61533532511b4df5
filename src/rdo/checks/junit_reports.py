"""Read the test reports that an outside job left, in JUnit XML, within limits and in a child."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.errors import CommandError
from rdo.tools.walls.reading_child import ReadingChild

MOST_BYTES = 20_000_000
"""How large a report may be."""

_MEMORY_BYTES, _SECONDS = 1 << 30, 60
_CHILD = "read_junit.py"


@dataclass(frozen=True, slots=True)
class FailedCase:
    """A failed test case in a report; `message` and `text` are the job's own words."""

    name: str
    message: str
    text: str


@dataclass(frozen=True, slots=True)
class JUnitReport:
    """A report; `fault` is why it cannot be read. Only the first failures are listed."""

    cases: int = 0
    skipped: int = 0
    failed: int = 0
    failures: tuple[FailedCase, ...] = ()
    fault: str = ""


def read_reports(documents: Sequence[bytes]) -> tuple[JUnitReport, ...]:
    """Return the content of each document, in order."""
    child = ReadingChild(_child(), _MEMORY_BYTES, seconds=_SECONDS)
    return tuple(_read(child, one) for one in documents)


def _child() -> Path:
    from rdo.tools.children import reading

    return Path(reading.__path__[0]) / _CHILD


def _read(child: ReadingChild, document: bytes) -> JUnitReport:
    try:
        answer = child.ask({"documents": [document.decode("latin-1")]})
        [row] = answer["reports"]
        return _report(row)
    except (CommandError, KeyError, TypeError, ValueError) as error:
        return JUnitReport(fault=f"it cannot be read: {str(error)[:300]}")


def _report(row: dict[str, Any]) -> JUnitReport:
    if "refused" in row:
        return JUnitReport(fault=str(row["refused"]))
    failures = tuple(
        FailedCase(str(one["case"]), str(one["message"]), str(one["text"]))
        for one in row["failures"]
    )
    return JUnitReport(int(row["cases"]), int(row["skipped"]), int(row["failed"]), failures)
