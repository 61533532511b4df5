"""`reqcheck --autosync`: update the spec's `Requires` to upstream's requirements."""

import re
from collections.abc import Sequence
from dataclasses import replace

from rdo.distgit.requirements.reqcheck import Checked, Group, Stated
from rdo.spec.text import PREAMBLE, Line, SpecText

_REQUIRES = re.compile(
    r"^(?P<head>Requires:\s+)(?P<name>\S+)(?P<rest>(?:\s+[<>=]+\s+\S+)?)(?P<tail>\s*)$"
)
_ADD_FAILED = (
    "Unabled to add the python Requires (no Requires, BR or BuildArch found in the spec file)"
)


def synchronise(text: SpecText, rows: Sequence[Checked]) -> tuple[SpecText, list[Checked]]:
    """Add missing requirements to the spec, correct versions, and remove dropped ones.

    Return each row as met, marked with a sign, or with the reason why it could not be edited.
    """
    done = []
    for row in rows:
        new: SpecText | None = None
        match row.group:
            case Group.MISMATCH:
                new, sign, trouble = _edited(text, row), "~", "Unabled to edit the module"
            case Group.REMOVED:
                new, sign, trouble = _removed(text, row), "-", "Unabled to remove the module"
            case Group.MISSING:
                new, sign, trouble = _added(text, row), "+", _ADD_FAILED
            case _:
                done.append(row)
                continue
        if new is None:
            done.append(replace(row, trouble=trouble))
        else:
            text = new
            versions = row.versions if row.group is Group.REMOVED else row.wanted
            done.append(replace(row, group=Group.MET, sign=sign, versions=versions))
    return text, done


def _lines(text: SpecText, name: str) -> list[tuple[Line, re.Match[str]]]:
    """Return the plain `Requires:` lines for a package, for any Python."""
    key = Stated(name).key
    found = []
    for line in text.read():
        match = _REQUIRES.match(line.text)
        is_place = line.section in (PREAMBLE, "package") and not line.continues
        if match and is_place and Stated(_bare(match["name"])).key == key:
            found.append((line, match))
    return found


def _bare(name: str) -> str:
    """Convert `python%{pyver}-x` and `python%{python3_pkgversion}-x` to `python3-x`."""
    name = re.sub(r"^python%\{?\w+\}?-", "python3-", name)
    dist = re.match(r"python3dist\(([^)]+)\)$|%\{?py3_dist\s+([^}\s]+)\}?$", name)
    return f"python3-{dist[1] or dist[2]}" if dist else name


def _edited(text: SpecText, row: Checked) -> SpecText | None:
    found = _lines(text, row.name)
    for line, match in found:
        version = _relation(row.wanted, match["rest"])
        text = text.with_line(line.number, f"{match['head']}{match['name']}{version}")
    return text if found else None


def _relation(wanted: str, old: str) -> str:
    """Return the relation for a spec, with its epoch kept; empty if rpm cannot express it."""
    epoch = re.search(r"\s(\d+:)\S", old)
    operator, _, version = wanted.partition(" ")
    if not version or operator == "!=":
        return ""
    kept = epoch[1] if epoch and ":" not in version else ""
    return f" {operator.replace('==', '=')} {kept}{version}"


def _removed(text: SpecText, row: Checked) -> SpecText | None:
    found = _lines(text, row.name)
    return text.without([line.number for line, _ in found]) if found else None


def _added(text: SpecText, row: Checked) -> SpecText | None:
    """Add a line after the last plain Requires for Python, or in the next best place."""
    place = _place(text)
    if place is None:
        return None
    number, head = place
    name = re.sub(r"^python-", "python3-", row.name)
    return text.inserted(number + 1, [f"{head}{name}{_relation(row.wanted, '')}"])


def _place(text: SpecText) -> tuple[int, str] | None:
    """Return the line after which to add a requirement, and the beginning of the new line."""
    plain = [
        line for line in text.read() if line.section in (PREAMBLE, "package") and line.is_plain
    ]
    python = [line for line in plain if re.match(r"Requires:\s+python", line.text)]
    fallbacks = (
        python,
        [line for line in plain if re.match(r"Requires:", line.text)],
        [line for line in plain if re.match(r"BuildRequires:", line.text)],
        [line for line in plain if re.match(r"BuildArch:", line.text)],
    )
    for lines in fallbacks:
        if lines:
            match = re.match(r"\w+:(\s*)", lines[-1].text)
            blanks = match[1] if match else " "
            tag = lines[-1].text.partition(":")[0]
            width = max(len(tag) + len(blanks) - len("Requires"), 1)
            return lines[-1].number, f"Requires:{' ' * width}"
    return None
