"""Resolve one package's attributes from the layers that set them.

The layers are `package-default`, the package's `package-configs` entry, the package itself, and the
overrides of a tag. Each layer replaces whole attributes, so a package's `tags` replace those of its
config. Finally `%(name)s` in each top-level text is replaced, once, by an attribute.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rdo.errors import ConfigError

# What may follow a % in a text: another %, or the name of an attribute.
_PERCENT = re.compile(r"%(?:%|\((?P<name>[^()]*)\)s|(?P<other>.?))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Layer:
    """A mapping that sets attributes, and its name in the file."""

    name: str
    values: Mapping[str, Any]


class SubstitutionError(ConfigError):
    """An error for a text that uses a missing attribute; `key` is the attribute with the text."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def layers(raw: Mapping[str, Any], info: Mapping[str, Any], tag: str | None = None) -> list[Layer]:
    """Return the layers of one package, the weakest first; an undeclared config is empty."""
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
    """Return the effective tags as written, or None if there are none."""
    for layer in reversed(layers(raw, info)):
        if "tags" in layer.values:
            return layer.values["tags"]
    return None


def attributes(
    raw: Mapping[str, Any], info: Mapping[str, Any], tag: str | None = None
) -> dict[str, Any]:
    """Return a package's effective values; SubstitutionError if a name in a text is missing."""
    merged: dict[str, Any] = {}
    for layer in layers(raw, info, tag):
        merged.update(layer.values)
    filled = {
        key: substitute(key, value, merged)
        for key, value in merged.items()
        if isinstance(value, str) and "%" in value
    }
    return merged | filled


def usable_attributes(
    raw: Mapping[str, Any], info: Mapping[str, Any], tag: str | None = None
) -> dict[str, Any]:
    """Return a package's effective values without texts that name a missing attribute."""
    merged: dict[str, Any] = {}
    for layer in layers(raw, info, tag):
        merged.update(layer.values)
    usable = dict(merged)
    for key, value in merged.items():
        if isinstance(value, str) and "%" in value:
            try:
                usable[key] = substitute(key, value, merged)
            except SubstitutionError:
                del usable[key]
    return usable


def substitute(key: str, text: str, values: Mapping[str, Any]) -> str:
    """Replace `%(name)s` and `%%` in the text of the attribute `key`; may raise SubstitutionError.

    >>> substitute("name", "python-%(project)s", {"project": "pbr"})
    'python-pbr'
    """

    def replacement(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None and found["other"] is None:
            return "%"
        if name is None:
            raise SubstitutionError(key, f"{text!r}: write %(name)s, or %% for a percent sign")
        if name not in values:
            raise SubstitutionError(key, f"{text!r} uses {name}, which the package does not have")
        return str(values[name])

    return _PERCENT.sub(replacement, text)
