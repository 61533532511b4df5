"""Write faults in the formats that CI reads, and baselines of known faults."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from rdo import __version__
from rdo.metadata.checking.faults import Fault, Level, Where

_PACKAGE = re.compile(r"package \S+: ")
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def github(faults: Iterable[Fault]) -> str:
    """Return workflow commands, which GitHub shows beside the lines of a change."""
    return "\n".join(
        f"::{fault.level} file={_property(fault.where.file)},line={max(1, fault.where.line)},"
        f"title={_property(fault.rule)}::{_data(fault.message)}"
        for fault in faults
    )


def sarif(faults: Iterable[Fault]) -> dict[str, Any]:
    """Return the faults as a SARIF log."""
    found = list(faults)
    rules = [{"id": rule} for rule in sorted({fault.rule for fault in found})]
    driver = {"name": "rdo info verify", "version": __version__, "rules": rules}
    return {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(fault) for fault in found]}],
    }


def _result(fault: Fault) -> dict[str, Any]:
    location = {
        "artifactLocation": {"uri": fault.where.file},
        "region": {"startLine": max(1, fault.where.line)},
    }
    return {
        "ruleId": fault.rule,
        "level": str(fault.level),
        "message": {"text": fault.message},
        "locations": [{"physicalLocation": location}],
    }


def together(faults: Iterable[Fault]) -> Iterator[tuple[Level, Where, str, str]]:
    """Yield level, place, rule and message; faults of one line in many packages are one row.

    Such a line is in a default or a package config, and must be corrected only once.
    """
    groups: dict[tuple[Level, Where, str, str], list[str]] = {}
    for fault in faults:
        package = _PACKAGE.match(fault.message)
        told = fault.message.removeprefix(package[0]) if package else fault.message
        key = (fault.level, fault.where, fault.rule, told)
        groups.setdefault(key, []).append(package[0] if package else "")
    for (level, where, rule, told), packages in groups.items():
        if len(packages) > 1 and where.line:
            yield level, where, rule, f"{told} ({len(packages)} packages)"
        else:
            yield from ((level, where, rule, f"{package}{told}") for package in packages)


def baseline(faults: Iterable[Fault]) -> str:
    """Return the current faults as a baseline file, without line numbers, which change easily."""
    lines = sorted({_identity(fault) for fault in faults})
    head = "# Known faults, one per line; `rdo info verify --baseline FILE` leaves them out.\n"
    return head + "".join(f"{line}\n" for line in lines)


def new_since(faults: Iterable[Fault], text: str) -> list[Fault]:
    """Return the faults that are not in a baseline."""
    known = {line for line in text.splitlines() if line and not line.startswith("#")}
    return [fault for fault in faults if _identity(fault) not in known]


def count(faults: Iterable[Fault]) -> str:
    """Return the number of errors and warnings in words, or "" if there are none."""
    levels = [fault.level for fault in faults]
    counts = [(levels.count(level), level) for level in Level]
    words = [f"{number} {level}{'s' if number > 1 else ''}" for number, level in counts if number]
    return " and ".join(words)


def _identity(fault: Fault) -> str:
    return f"{fault.rule} {fault.where.file}: {fault.message}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
