"""Merge several files into one tree by the format's rules, and keep the places of values.

Packages with the same `project` are merged into one, and so are releases with the same `name`.
Mappings are merged key by key and the later file wins, but an empty value never replaces another;
lists are joined. As in distroinfo, `packages: []` is a list and not an empty value: it drops the
packages of earlier files.
"""

from collections.abc import Sequence
from typing import Any

from rdo.metadata.tree import Items, LocatedMapping

# The lists whose entries have an identity, and the key that holds it.
_IDENTITIES = {"packages": "project", "releases": "name"}


def merge_files(trees: Sequence[LocatedMapping]) -> LocatedMapping:
    """Return all files merged into one tree, in the order they were read.

    A single file is returned unchanged: entries that it lists twice stay, so that the checks find
    them.
    """
    if len(trees) == 1:
        return trees[0]
    merged = by_identity(trees[0])
    for tree in trees[1:]:
        new = by_identity(tree)
        for key in _IDENTITIES:
            if isinstance(merged.get(key), LocatedMapping) and isinstance(
                new.get(key), LocatedMapping
            ):
                # both are our own copies: copying a thousand packages per file again would be slow
                _merge_into(merged[key], new.pop(key))
        merged = merge(merged, new)
    return as_lists(merged)


def merge(old: Any, new: Any) -> Any:
    """Return `new` merged over `old`; neither is changed."""
    if isinstance(old, LocatedMapping) and isinstance(new, LocatedMapping):
        merged = LocatedMapping(old.place)
        merged.update(old)
        merged.places = dict(old.places)
        _merge_into(merged, new)
        return merged
    if isinstance(old, Items) and isinstance(new, Items):
        joined = Items()
        joined.extend(old)
        joined.extend(new)
        joined.places = [*old.places, *new.places]
        return joined
    is_same = new is None or (new == old and type(new) is type(old))
    return old if is_same else new  # the file that set it first keeps the place


def _merge_into(merged: LocatedMapping, new: LocatedMapping) -> None:
    """Merge like `merge`, but change `merged` itself (though not the values in it)."""
    for key, value in new.items():
        if key not in merged:
            merged[key] = value
            merged.places[key] = new.places[key]
            continue
        before = merged[key]
        after = merge(before, value)
        if after is not before:
            merged[key] = after
            merged.places[key] = new.places[key]


def says_twice(tree: LocatedMapping) -> bool:
    """Whether a package or release is listed twice, which is only possible in a single file."""
    lists = ((tree.get(key) or (), identity) for key, identity in _IDENTITIES.items())
    return any(len({entry[identity] for entry in x}) < len(x) for x, identity in lists)


def by_identity(tree: LocatedMapping) -> LocatedMapping:
    """Return the tree with its packages by project and its releases by name."""
    indexed = _copy(tree)
    for key, identity in _IDENTITIES.items():
        if isinstance(tree.get(key), Items) and tree[key]:
            indexed[key] = _index(tree[key], identity)
    return indexed


def as_lists(tree: LocatedMapping) -> LocatedMapping:
    """Reverse `by_identity`: return the entries as lists, in order of first appearance."""
    listed = _copy(tree)
    for key in _IDENTITIES:
        entries = tree.get(key)
        if isinstance(entries, LocatedMapping):
            items = Items()
            for name, entry in entries.items():
                items.append(entry)
                items.places.append(entries.places[name])
            listed[key] = items
    return listed


def _index(items: Items, identity: str) -> LocatedMapping:
    section = LocatedMapping()
    for item, place in zip(items, items.places, strict=True):
        name = item.get(identity)
        if name in section:
            section[name] = merge(section[name], item)
        else:
            section[name] = item
            section.places[name] = place
    return section


def _copy(tree: LocatedMapping) -> LocatedMapping:
    copy = LocatedMapping(tree.place)
    copy.update(tree)
    copy.places = dict(tree.places)
    return copy
