"""Check that each part of a metadata file is of the right kind, before it is used."""

from collections.abc import Iterator
from typing import Any

from rdo.metadata.checking.faults import Fault, Level
from rdo.metadata.tree import Files, Items, LocatedMapping

_LISTS = ("import", "releases", "packages", "components")
_MAPPINGS = ("remote-info", "package-default", "package-configs")
_ENTRY_KEYS = {"releases": "name", "packages": "project", "components": "name"}


def shape_faults(tree: LocatedMapping, files: Files) -> Iterator[Fault]:
    """Find parts of a file that are of the wrong kind; such a file cannot be merged with others."""
    for key, value in tree.items():
        place = tree.places[key]
        if value is None:
            continue
        if key in _LISTS and not isinstance(value, Items):
            yield _fault(files, place, f'"{key}" must be a list')
        elif key in _MAPPINGS and not isinstance(value, LocatedMapping):
            yield _fault(files, place, f'"{key}" must be a mapping')
        elif key in _ENTRY_KEYS:
            yield from _entry_faults(key, value, files)
        elif key == "package-configs":
            yield from _config_faults(value, files)


def _entry_faults(key: str, entries: Items, files: Files) -> Iterator[Fault]:
    singular = key.removesuffix("s")
    identity = _ENTRY_KEYS[key]
    for entry, place in zip(entries, entries.places, strict=True):
        if not isinstance(entry, LocatedMapping):
            yield _fault(files, place, f"a {singular} must be a mapping")
        elif not _is_text(entry.get(identity)):
            yield _fault(files, place, f'a {singular} needs the text "{identity}"')
        elif not isinstance(entry.get("conf"), str | None):
            yield _fault(files, entry.places["conf"], f"conf of {entry[identity]} must be a text")


def _config_faults(configs: LocatedMapping, files: Files) -> Iterator[Fault]:
    for name, config in configs.items():
        if not isinstance(config, LocatedMapping) and config is not None:
            yield _fault(files, configs.places[name], f'package config "{name}" must be a mapping')


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _fault(files: Files, place: int, message: str) -> Fault:
    return Fault(Level.ERROR, "shape", files.where(place), message)
