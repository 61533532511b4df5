"""Describe a fault in one of our TOML files in one sentence that names the key."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from rdo.config.lines import KeyPath
from rdo.errors import ConfigError, did_you_mean

# These are our own words, because those of pydantic differ between its versions.
_WANTED = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a section",
    "enum": "must be {expected}",
    "greater_than_equal": "must be greater than or equal to {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "is_instance_of": "must be a path",
    "less_than_equal": "must be less than or equal to {le}",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "model_type": "must be a section",
    "path_type": "must be a path",
    "string_pattern_mismatch": "must match pattern '{pattern}'",
    "string_too_long": "must have at most {max_length} characters",
    "string_type": "must be a string",
    "too_short": "must not be empty",
    "value_error": "{error}",
}


def parse_toml(text: str, shown: str) -> dict[str, Any]:
    """Parse a TOML text; raises ConfigError with the line if it is not valid."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said, _, place = str(error).partition(" (at ")
        found = re.search(r"line (\d+)", place)
        line = int(found[1]) if found else text.count("\n") + 1
        raise ConfigError(f"{shown}:{line}: {said}") from error


def sentence(path: KeyPath, detail: Mapping[str, Any], known: Iterable[str]) -> str:
    """Describe a fault that pydantic found at the key `path`; `known` are the valid keys there.

    >>> sentence(("targets", "a", "worker"), {"type": "extra_forbidden"}, ["workers"])
    'unknown key "targets.a.worker"; did you mean "workers"?'
    >>> sentence(("retries",), {"type": "greater_than_equal", "ctx": {"ge": 0}}, [])
    'retries must be greater than or equal to 0'
    """
    key, kind = ".".join(path), detail["type"]
    if kind == "extra_forbidden":
        return f'unknown key "{key}"{did_you_mean(path[-1], known)}'
    if kind == "missing":
        section = f"[{'.'.join(path[:-1])}]" if path[:-1] else "it"
        return f'{section} lacks "{path[-1]}"'
    if kind in _WANTED:
        told = _WANTED[kind].format(**detail.get("ctx", {}))
        return f"{key} {told}" if key else told
    return f"{key}: {detail['msg']}"


def where(shown: str, lines: Mapping[KeyPath, int], path: KeyPath) -> str:
    """Return file and line of a key; if it has no line, of the nearest key above it."""
    known = (lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines)
    line = next(known, None)
    return f"{shown}:{line}" if line else shown


def several(faults: list[str]) -> str:
    """Return one message with all faults of a file."""
    return faults[0] if len(faults) == 1 else "\n".join([f"{len(faults)} faults", *faults])
