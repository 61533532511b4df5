"""Rules for a spec that also builds on a base system older than its writer's."""

import re
from collections.abc import Iterator

from rdo.metadata.checking.review import AcceptanceStep
from rdo.model.text.short_list import short_list
from rdo.spec.text import Line, SpecText

OLDEST_RPM = "4.16"
"""The rpm of EL 9; features of a newer rpm are reported."""

_SCRIPTS = ("prep", "build", "install", "check", "generate_buildrequires")
_INTERPRETER = (
    (re.compile(r"\bpython3\.\d+dist\("), "python3dist(…)"),
    (re.compile(r"/python3\.\d+/site-packages\b"), "%{python3_sitelib} or %{python3_sitearch}"),
    (re.compile(r"\bpython3\.\d+\b"), "%{python3} or %{python3_version}"),
    (re.compile(r"\bpkgconfig\(python3(?:-embed)?\)"), "pkgconfig(python-%{python3_version})"),
    (re.compile(r"\bpython3-config\b"), "%{python3}-config"),
    (re.compile(r"/usr/bin/python3(?![\w.])"), "%{python3}"),
)
"""Patterns for names of a single interpreter, which other bases may lack, and the replacements."""

_CALL = re.compile(r"^\s*(?:\w+=\S*\s+)*python3\s")
_NEWER_SECTIONS = {"conf": "4.18", "preuntrans": "4.19", "postuntrans": "4.19"}
_NEWER = (
    (re.compile(r"^Build(?:System|Option(?:\(\w+\))?)\s*:", re.IGNORECASE), "BuildSystem", "4.20"),
    (
        re.compile(r"^%(?:prep|build|install|check|conf)\s+-[ap]\b"),
        "%SECTION -a or -p",
        "4.20",
    ),
    (re.compile(r"^\s*%patch\s+\d"), "%patch NUMBER, unlike %patch -P NUMBER,", "4.18"),
)


def old_bases(text: SpecText) -> AcceptanceStep:
    """Check that a spec names no single base's interpreter, and needs no newer rpm.

    >>> print(old_bases(SpecText.parse(b"Requires: python3.11dist(six)")).detail)
    line 1: write python3dist(…), because Python differs between bases
    """
    faults = list(_faults(text))
    said = f"no Python of one base, and nothing that rpm {OLDEST_RPM} does not have"
    return AcceptanceStep("old bases", not faults, "; ".join(faults) or said)


def _faults(text: SpecText) -> Iterator[str]:
    lines: dict[str, list[int]] = {}
    newer: dict[str, str] = {}
    for line in text.read():
        if line.section == "changelog" or line.text.lstrip().startswith("#"):
            continue
        if better := _better(line):
            lines.setdefault(better, []).append(line.number + 1)
        for what, since in _new_in_rpm(line):
            newer[what] = since
    for better, numbers in lines.items():
        where = short_list([str(number) for number in numbers])
        plural = "s" if len(numbers) > 1 else ""
        yield f"line{plural} {where}: write {better}, because Python differs between bases"
    for what, since in newer.items():
        yield f"{what} needs rpm {since}"


def _better(line: Line) -> str:
    """Return the replacement for a name of a single interpreter; empty if the line has none."""
    if line.section in _SCRIPTS and _CALL.match(line.text):
        return "%{python3}"
    found = (better for pattern, better in _INTERPRETER if pattern.search(line.text))
    return next(found, "")


def _new_in_rpm(line: Line) -> Iterator[tuple[str, str]]:
    if since := _NEWER_SECTIONS.get(line.section):
        yield f"%{line.section}", since
    for pattern, what, since in _NEWER:
        if pattern.search(line.text):
            yield what, since
