"""Convert poetry's tables of requirements as poetry-core does for a package's metadata."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_ALTERNATIVES = re.compile(r"\|\|?")
_CARET = re.compile(r"\^\s*(?P<version>[\w.+!-]+)")
_TILDE = re.compile(r"~(?!=)\s*(?P<version>[\w.+!-]+)")
_PART = re.compile(r"(?P<operator>===?|!=|~=|>=?|<=?|=)?\s*(?P<version>[\w.*+!-]+)")


def dependencies(table: Mapping[str, Any], optional: bool | None = False) -> Iterator[str]:
    """Yield the requirements of a table, in the form of PEP 508.

    `optional` selects those that only an extra brings in; None means all.
    """
    for name, value in table.items():
        if name.lower() == "python":
            continue
        for row in value if isinstance(value, list) else [value]:
            fields = {"version": row} if isinstance(row, str) else row
            if isinstance(fields, dict) and optional in (None, bool(fields.get("optional"))):
                yield _requirement(name, fields)


def _requirement(name: str, row: Mapping[str, Any]) -> str:
    extras = [str(one) for one in row.get("extras") or []]
    versions = specifier(str(row.get("version") or "*"))
    markers = [str(row["markers"])] if row.get("markers") else []
    if row.get("python"):
        markers += _python(str(row["python"]))
    if row.get("platform"):
        markers.append(f"sys_platform == '{row['platform']}'")
    text = f"{name}[{','.join(extras)}]" if extras else name
    condition = " and ".join(f"({one})" for one in markers)
    return f"{text}{versions} ; {condition}" if condition else f"{text}{versions}"


def _python(constraint: str) -> list[str]:
    """Return the marker of a constraint on Python, none for any version.

    >>> _python("~3.8 || ^3.10")[0][:45]
    "python_version >= '3.8' and python_version < "
    """
    ranges = [specifier(one) for one in _ALTERNATIVES.split(constraint)]
    if not all(ranges):
        return []
    return [" or ".join(" and ".join(map(_of_python, one.split(","))) for one in ranges)]


def _of_python(part: str) -> str:
    found = re.match(r"([<>=!~]+)(.*)", part)
    operator, version = (found[1], found[2]) if found else ("==", part)
    name = "python_version" if version.removesuffix(".*").count(".") < 2 else "python_full_version"
    return f"{name} {operator} '{version}'"


def specifier(constraint: str) -> str:
    """Convert a constraint of poetry to a specifier; alternatives become their outer bounds.

    >>> [specifier(one) for one in ("^2.28", "^0.2.3", "^0.0.3", "~1.2.3", "~1", "1.*", "*")]
    ['>=2.28,<3', '>=0.2.3,<0.3', '>=0.0.3,<0.0.4', '>=1.2.3,<1.3', '>=1,<2', '==1.*', '']
    >>> [specifier(one) for one in ("1.2", ">= 1.0, <2", ">=1 <2", "^1 || ^3.1")]
    ['==1.2', '>=1.0,<2', '>=1,<2', '>=1,<4']
    """
    ranges = [list(_parts(one)) for one in _ALTERNATIVES.split(constraint)]
    if len(ranges) == 1:
        return ",".join(ranges[0])
    lowest = [part for part in ranges[0] if not part.startswith("<")]
    highest = [part for part in ranges[-1] if part.startswith("<")]
    exact = [part for parts in ranges for part in parts if part.startswith("==")]
    return "" if exact else ",".join([*lowest, *highest])


def _parts(text: str) -> Iterator[str]:
    while text := text.strip(", \t\r\n"):
        if found := _CARET.match(text):
            yield f">={found['version']}"
            yield f"<{_next(found['version'], _caret_place(found['version']))}"
        elif found := _TILDE.match(text):
            yield f">={found['version']}"
            yield f"<{_next(found['version'], min(_numbers(found['version']), 2) - 1)}"
        elif found := _PART.match(text):
            operator, version = found["operator"] or "==", found["version"]
            if version != "*":
                yield f"{'==' if operator == '=' else operator}{version}"
        else:
            return
        text = text[found.end() :]


def _release(version: str) -> list[int]:
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return [int(number) for number in found[1].split(".")] if found else [0]


def _numbers(version: str) -> int:
    return len(_release(version))


def _caret_place(version: str) -> int:
    """Return the position of the first number that is not zero, or of the last."""
    release = _release(version)
    return next((place for place, number in enumerate(release) if number), len(release) - 1)


def _next(version: str, place: int) -> str:
    release = _release(version)
    return ".".join(map(str, [*release[:place], release[place] + 1]))
