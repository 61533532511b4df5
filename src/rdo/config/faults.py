"""How a fault in one of our TOML files is told: by its key, in one sentence."""

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from rdo.config.lines import KeyPath
from rdo.errors import ConfigError, did_you_mean

_WANTED = {
    "bool_type": "must be true or false",
    "dict_type": "must be a section",
    "int_type": "must be a whole number",
    "is_instance_of": "must be a path",
    "list_type": "must be a list",
    "model_type": "must be a section",
    "path_type": "must be a path",
    "string_type": "must be a text",
}


def parse_toml(text: str, shown: str) -> dict[str, Any]:
    """The table that a TOML text is; ConfigError names the line where it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said, _, place = str(error).partition(" (at ")
        found = re.search(r"line (\d+)", place)
        line = int(found[1]) if found else text.count("\n") + 1
        raise ConfigError(f"{shown}:{line}: {said}") from error


def sentence(path: KeyPath, kind: str, said: str, known: Iterable[str]) -> str:
    """A fault of the key `path`, of pydantic's `kind`; `known` are the keys that may stand there.

    >>> sentence(("targets", "a", "worker"), "extra_forbidden", "", ["workers"])
    'unknown key "targets.a.worker"; did you mean "workers"?'
    """
    key = ".".join(path)
    if kind == "extra_forbidden":
        return f'unknown key "{key}"{did_you_mean(path[-1], known)}'
    if kind == "missing":
        section = f"[{'.'.join(path[:-1])}]" if path[:-1] else "it"
        return f'{section} lacks "{path[-1]}"'
    said = said.removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    said = said.replace("should", "must", 1)
    return f"{key} {_WANTED.get(kind, said)}"


def several(faults: list[str]) -> str:
    """One message of all faults of a file."""
    return faults[0] if len(faults) == 1 else "\n".join([f"{len(faults)} faults", *faults])
