"""Read YAML as rdoinfo uses it, safely, and keep the line of each key.

Only plain data is accepted (no tags of Python or others). Size, depth and the unfolding of
aliases are limited, so that a hostile file can do no harm.
"""

import re
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.reader import ReaderError

from rdo.metadata.checking.faults import Fault, Level, Where, broken

MAX_BYTES = 32 * 2**20
MAX_DEPTH = 100
MAX_UNFOLDED = 2 * MAX_BYTES

_PREFIX = "tag:yaml.org,2002:"
_STR, _NULL, _MAP, _SEQ = (f"{_PREFIX}{kind}" for kind in ("str", "null", "map", "seq"))
_MERGE = f"{_PREFIX}merge"
_SCALARS = frozenset(f"{_PREFIX}{kind}" for kind in ("bool", "int", "float", "timestamp"))
_LINE_BITS = 24
_COLLECTION_WEIGHT = 16


class LocatedMapping(dict[Any, Any]):
    """A mapping that records where each of its keys was written.

    A place is a number that `Files.where` translates; merged sections have places in several
    files. A section equals the dict of the same values.
    """

    __slots__ = ("place", "places")

    def __init__(self, place: int = 0) -> None:
        super().__init__()
        self.place = place
        self.places: dict[Any, int] = {}


class Items(list[Any]):
    """A list that records where each of its items was written."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        super().__init__()
        self.places: list[int] = []


class Files:
    """The files of one load: their names, their places, and unusual things in them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.oddities: list[Fault] = []
        self.has_odd_keys = False
        self._tags: dict[str, str] = {}

    def where(self, place: int) -> Where:
        """Return the file and line of a place."""
        number, line = place >> _LINE_BITS, place & ((1 << _LINE_BITS) - 1)
        return Where(self.names[number] if number < len(self.names) else "metadata", line)

    def parse(self, name: str, content: bytes) -> LocatedMapping:
        """Read one file, whose top must be a mapping; raises MetadataError if it is faulty."""
        self.names.append(name)
        if len(content) > MAX_BYTES:
            line = content.count(b"\n", 0, MAX_BYTES) + 1
            raise broken("size", Where(name, line), f"larger than {MAX_BYTES >> 20} MB")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise broken("encoding", Where(name, line), "not UTF-8") from error
        _refuse_depth(name, text)
        try:
            node = _Composer(text, self._tags).get_single_node()
        except yaml.YAMLError as error:
            raise _syntax(name, text, error) from error
        if node is None:
            return LocatedMapping(self._place(0))
        if not isinstance(node, yaml.MappingNode):
            where = Where(name, node.start_mark.line + 1)
            raise broken("shape", where, "the top of the file must be a mapping")
        tree = _Builder(self, len(self.names) - 1).build(node)
        assert isinstance(tree, LocatedMapping)
        return tree

    def _place(self, line: int) -> int:
        return ((len(self.names) - 1) << _LINE_BITS) + line + 1


class _Composer(yaml.CSafeLoader):
    """libyaml's composer; the type of a plain scalar is resolved once per spelling."""

    def __init__(self, text: str, tags: dict[str, str]) -> None:
        super().__init__(text)
        self._tags = tags

    def resolve(self, kind: type[Any], value: str, implicit: Any) -> str:
        if kind is not yaml.ScalarNode:
            return _SEQ if kind is yaml.SequenceNode else _MAP
        if not implicit[0]:
            return _STR
        tag = self._tags.get(value)
        if tag is None:
            # the stubs do not type it
            tag = super().resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
            self._tags[value] = tag
        return tag

    def descend_resolver(self, *_: Any) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


class _Builder:
    """A converter of libyaml's nodes into sections, items and scalars."""

    def __init__(self, files: Files, number: int) -> None:
        self._files = files
        self._base = (number << _LINE_BITS) + 1
        self._scalars: Any = SafeConstructor()  # older stubs lack its types
        self._weight = 0
        self._built: dict[int, tuple[Any, int] | None] = {}

    def build(self, node: Any) -> Any:
        """Return the object of a YAML node; an aliased node is built only once."""
        if node.__class__ is yaml.ScalarNode:
            self._weight += len(node.value)
            tag = node.tag
            if tag == _STR:
                return node.value
            return None if tag == _NULL else self._scalar(node)
        if id(node) in self._built:
            return self._aliased(node)
        self._built[id(node)] = None
        before = self._weight
        self._weight += _COLLECTION_WEIGHT
        value = self._map(node) if node.__class__ is yaml.MappingNode else self._list(node)
        self._built[id(node)] = value, self._weight - before
        return value

    def _aliased(self, node: Any) -> Any:
        """Return the aliased object itself, but count its size as if it were repeated."""
        built = self._built[id(node)]
        if built is None:
            raise self._broken(node, "alias", "an alias refers to the node that contains it")
        value, weight = built
        self._weight += weight
        if self._weight > MAX_UNFOLDED:
            limit = MAX_UNFOLDED >> 20
            raise self._broken(node, "alias", f"aliases unfold to more than {limit} MB")
        return value

    def _map(self, node: Any) -> LocatedMapping:
        if node.tag != _MAP:
            raise self._bad_tag(node)
        section = LocatedMapping(self._base + node.start_mark.line)
        places = section.places
        for key_node, value_node in node.value:
            if key_node.tag == _STR:
                key = key_node.value
            elif key_node.tag == _MERGE:
                self._merge_into(section, value_node)
                continue
            else:
                key = self._checked_key(key_node)
            place = self._base + key_node.start_mark.line
            if key in places and places[key] > 0:
                self._warn(
                    place, "key-twice", f'"{key}" is written twice; the second replaces the first'
                )
            section[key] = self.build(value_node)
            places[key] = place
        for key, place in places.items():
            places[key] = abs(place)
        return section

    def _list(self, node: Any) -> Items:
        if node.tag != _SEQ:
            raise self._bad_tag(node)
        items = Items()
        for below in node.value:
            items.append(self.build(below))
            items.places.append(self._base + below.start_mark.line)
        return items

    def _merge_into(self, section: LocatedMapping, node: Any) -> None:
        """Merge `<<:` into a mapping: add keys that it lacks; the first mapping wins."""
        givers = self.build(node)
        for giver in [givers] if isinstance(givers, LocatedMapping) else givers:
            if not isinstance(giver, LocatedMapping):
                raise self._broken(node, "shape", "<< takes a mapping or a list of mappings")
            for key, value in giver.items():
                if key not in section:
                    section[key] = value
                    # negative: a key of the mapping's own may replace it
                    section.places[key] = -giver.places[key]

    def _scalar(self, node: Any) -> Any:
        if node.tag not in _SCALARS:
            raise self._bad_tag(node)
        try:
            return self._scalars.construct_object(node)
        except ValueError as error:
            raise self._broken(node, "syntax", f"{node.value!r}: {error}") from error

    def _checked_key(self, node: Any) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise self._broken(node, "shape", "a key must be a text")
        key = self.build(node)
        self._files.has_odd_keys = True
        place = self._base + node.start_mark.line
        self._warn(place, "key-type", f"the key {node.value} is not a text; quote it")
        return key

    def _warn(self, place: int, rule: str, message: str) -> None:
        where = self._files.where(place)
        self._files.oddities.append(Fault(Level.WARNING, rule, where, message))

    def _bad_tag(self, node: Any) -> Exception:
        tag = node.tag.replace(_PREFIX, "!!")
        return self._broken(node, "tag", f"the tag {tag} is not allowed, only plain values")

    def _broken(self, node: Any, rule: str, message: str) -> Exception:
        where = self._files.where(self._base + node.start_mark.line)
        return broken(rule, where, message)


def _syntax(name: str, text: str, error: yaml.YAMLError) -> Exception:
    if isinstance(error, ReaderError):
        line = text.encode().count(b"\n", 0, error.position) + 1
        message = f"the character U+{error.character:04X} is not allowed"
        return broken("syntax", Where(name, line), message)
    if not isinstance(error, yaml.MarkedYAMLError):
        return broken("syntax", Where(name), " ".join(str(error).split()))
    mark = error.problem_mark or error.context_mark
    line = min(mark.line + 1, len(text.splitlines())) if mark else 0  # the end is not a line
    said = ", ".join(filter(None, (error.context, error.problem)))
    return broken("syntax", Where(name, line), said)


def _refuse_depth(name: str, text: str) -> None:
    """Refuse deep nesting, on which libyaml overflows the C stack.

    Each level needs a bracket or one more leading column, which gives an upper bound for the depth;
    only a file above that bound is checked event by event, without recursion. Newer versions of
    libyaml have their own limit and message; because their scanner reads ahead, they may stop
    before the levels are counted. Then the levels up to that point decide.
    """
    brackets = text.count("[") + text.count("{")
    columns = max((len(found) for found in re.findall(r"^[ \t?-]+", text, re.MULTILINE)), default=0)
    if brackets + columns <= MAX_DEPTH:
        return
    try:
        line = _too_deep(text)
    except yaml.YAMLError as error:
        line = _too_deep_before(error, text)
        if line is None:
            raise _syntax(name, text, error) from error
    if line is not None:
        raise broken("depth", Where(name, line), f"nested more than {MAX_DEPTH} levels deep")


def _too_deep(text: str) -> int | None:
    """Find the line where a text is nested too deep; an earlier error of libyaml is raised."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            return event.start_mark.line + 1 if event.start_mark else 0
    return None


def _too_deep_before(error: yaml.YAMLError, text: str) -> int | None:
    """Find the line where a text is nested too deep before the place of an error."""
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    if mark is None:
        return None
    try:
        return _too_deep(text[: mark.index])
    except yaml.YAMLError:  # the cut causes this error, and `error` says more
        return None
