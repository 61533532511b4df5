"""`lint`: find mistakes in a spec that would lose patches, and run rpmlint."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.problems import LintError
from rdo.errors import NotFoundError, RefusedError
from rdo.spec.tags import tags
from rdo.spec.text import PREAMBLE, SpecText
from rdo.tools.rpm.rpmlint import Rpmlint

CHECKS = ("sanity", "rpmlint")


@dataclass(frozen=True, slots=True)
class Hint:
    """A problem in a file; `level` is E or W, as in rpmlint."""

    file: str
    level: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.level}: {self.text}"


def sanity(text: SpecText, file: str) -> list[Hint]:
    """Find text that rpm accepts silently but reads differently than a person does."""
    hints = []
    arch = [tag.line.number for tag in tags(text, "BuildArch")]
    files = [tag.line.number for tag in tags(text, "Source", "Patch") if tag.number]
    if arch and files and arch[0] < max(files):
        hints.append(
            Hint(
                file,
                "E",
                "buildarch-before-sources: BuildArch needs to stand AFTER SourceX and PatchX "
                "lines, otherwise the %{patches} macro is empty and both %autosetup and "
                "`git am %{patches}` fail. Please move BuildArch AFTER SourceX and PatchX lines.",
            )
        )
    bases = [
        line
        for line in text.read()
        if line.section == PREAMBLE and re.match(r"#\s*patches_base\b", line.text)
    ]
    if len(bases) > 1:
        hints.append(
            Hint(
                file,
                "E",
                "duplicate-patches-base: Please make sure to only have one # patches_base= entry "
                "in .spec file to avoid problems.",
            )
        )
    return hints


def lint(spec: Path, checks: Sequence[str] = (), rpmlint: Rpmlint | None = None) -> list[Hint]:
    """Run the checks (default: all) on a spec file.

    Raises RefusedError for an unknown check, and NotFoundError if there is no such file.
    """
    hints: list[Hint] = []
    for check in checks or CHECKS:
        if check not in CHECKS:
            raise RefusedError(f"Invalid lint check: {check}")
    if not spec.is_file():
        raise NotFoundError(f"File not found: {spec}")
    if not checks or "sanity" in checks:
        hints += sanity(SpecText.parse(spec.read_bytes()), str(spec))
    if not checks or "rpmlint" in checks:
        hints += [Hint(*row) for row in (rpmlint or Rpmlint()).check(spec)]
    return hints


def report(hints: Sequence[Hint]) -> str:
    """Return the problems in rdopkg's layout."""
    parts = []
    for level, name in (("E", "ERRORS"), ("W", "WARNINGS")):
        rows = [str(hint) for hint in hints if hint.level == level]
        if rows:
            parts += ["", f"{len(rows)} {name} found:", *rows]
    return "\n".join(parts or ["", "no linting errors found \\o/"])


def require(hints: Sequence[Hint], error_level: str = "E") -> None:
    """Raise LintError if there is a problem of this level or worse."""
    errors = sum(hint.level == "E" for hint in hints)
    warnings = sum(hint.level == "W" for hint in hints)
    if (error_level in {"E", "W"} and errors) or (error_level == "W" and warnings):
        raise LintError(f"Linting problems detected: {errors} errors, {warnings} warnings")


def require_sane(desk: Desk) -> None:
    """Raise LintError if the spec has a mistake that would lose patches."""
    hints = sanity(desk.spec.text(), desk.spec.path.name)
    if hints:
        desk.say(report(hints))
    require(hints)
