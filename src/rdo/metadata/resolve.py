"""One package's attributes, from the layers that give them.

`package-default`, then its `package-configs` entry, then the package itself, then the
overrides of a tag: each replaces whole attributes, so a package's `tags` replace those of its
config. At last `%(name)s` in each top-level text is filled in, once, from the attributes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rdo.errors import ConfigError

# All that may follow a % in a text: another %, or the name of an attribute.
_PERCENT = re.compile(r"%(?:%|\((?P<name>[^()]*)\)s|(?P<other>.?))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Layer:
    """A mapping that gives attributes, and what it is called in the file."""

    name: str
    values: Mapping[str, Any]


class SubstitutionError(ConfigError):
    """A text asks for what its package does not have; `key` is the attribute with the text."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def layers(raw: Mapping[str, Any], info: Mapping[str, Any], tag: str | None = None) -> list[Layer]:
    """The layers of one package, the weakest first; an undeclared config gives nothing."""
    found = [Layer("package-default", info.get("package-default") or {})]
    if "conf" in raw:
        configs = info.get("package-configs") or {}
        found.append(Layer(f"package-configs.{raw['conf']}", configs.get(raw["conf"]) or {}))
    found.append(Layer("package", raw))
    if tag is not None:
        tags = next((x.values["tags"] for x in reversed(found) if "tags" in x.values), None)
        overrides = tags.get(tag) if isinstance(tags, Mapping) else None
        if isinstance(overrides, Mapping):
            found.append(Layer(f"tags.{tag}", overrides))
    return found


def tags_of(raw: Mapping[str, Any], info: Mapping[str, Any]) -> Any:
    """The tags that count, as they are written; None if there are none."""
    for layer in reversed(layers(raw, info)):
        if "tags" in layer.values:
            return layer.values["tags"]
    return None


def attributes(
    raw: Mapping[str, Any], info: Mapping[str, Any], tag: str | None = None
) -> dict[str, Any]:
    """The package as it counts; a SubstitutionError if a text cannot be filled in."""
    merged: dict[str, Any] = {}
    for layer in layers(raw, info, tag):
        merged.update(layer.values)
    filled = {
        key: substitute(key, value, merged)
        for key, value in merged.items()
        if isinstance(value, str) and "%" in value
    }
    return merged | filled


def substitute(key: str, text: str, values: Mapping[str, Any]) -> str:
    """Fill `%(name)s` and `%%` in a text of the attribute `key`.

    >>> substitute("name", "python-%(project)s", {"project": "pbr"})
    'python-pbr'
    """

    def replacement(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None and found["other"] is None:
            return "%"
        if name is None:
            raise SubstitutionError(key, f"{text!r}: after % comes (name)s, or %% for the sign")
        if name not in values:
            raise SubstitutionError(key, f"{text!r} asks for {name}, which the package lacks")
        return str(values[name])

    return _PERCENT.sub(replacement, text)
