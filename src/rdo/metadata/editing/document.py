"""A YAML file that is edited line by line; everything else in it stays the same to the byte.

ruamel.yaml is not used because it normalizes mixed indentation and blanks elsewhere in a file, as
in rdoinfo's rdo.yml. Instead, YAML's marks locate a key, and only its text is replaced.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from rdo.errors import RefusedError

Scalar = yaml.ScalarNode
Block = yaml.MappingNode
Node = Any  # the stubs do not distinguish scalar, sequence and mapping nodes


class Document:
    """A YAML file with a mapping at its top, whose edits change `text`.

    An edit raises RefusedError if the file is written in a form that it cannot handle.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._composed: tuple[str, Node] | None = None

    @property
    def root(self) -> Node:
        """The nodes of the current text."""
        if self._composed is None or self._composed[0] is not self.text:
            loader = yaml.CSafeLoader(self.text)
            try:
                self._composed = self.text, loader.get_single_node()
            except yaml.YAMLError as error:  # the edit met a form that it cannot handle
                raise RefusedError(
                    f"{self.name} is written in a form that cannot be edited"
                ) from error
            finally:
                loader.dispose()
        return self._composed[1]

    def entries(self, section: str) -> list[Node]:
        """Return the mappings in a top-level list, such as `packages`."""
        found = value_of(self.root, section)
        return [] if found is None or isinstance(found, Scalar) else list(found.value)

    def entry(self, section: str, identity: str, name: str) -> Node | None:
        """Return the first mapping in a list whose `identity` is `name`."""
        for node in self.entries(section):
            if text_of(value_of(node, identity)) == name:
                return node
        return None

    def set_key(self, mapping: Node, key: str, value: Any) -> None:
        """Set a key of a mapping, in its place if it exists, else in a suitable place."""
        pair = pair_of(mapping, key)
        if pair is None:
            self._insert_key(mapping, key, value)
        elif mapping.flow_style:
            self._set_inline(pair, _flow(value))
        elif isinstance(value, list) and isinstance(pair[1], yaml.SequenceNode) and value:
            self._set_items(pair[1], value)
        elif isinstance(value, list | Mapping) or not isinstance(pair[1], Scalar):
            first, column = pair[0].start_mark.line, pair[0].start_mark.column
            new = _rendered(key, value, " " * column)
            # keep the text before the key: the dash of a list
            new[0] = self._lines()[first][:column] + new[0][column:]
            self._splice(first, last_line(pair) + 1, new)
        else:
            self._set_inline(pair, _scalar(value, pair[1]))

    def remove_key(self, mapping: Node, key: str) -> None:
        """Remove a key and its value from a mapping."""
        pair = pair_of(mapping, key)
        if pair is None:
            raise RefusedError(f"{self.name} has no {key} there")
        pairs = mapping.value
        if mapping.flow_style:
            self._remove_flow(mapping, pair)
        elif len(pairs) == 1:
            raise RefusedError(f"{self.name}: {key} is the only key there")
        elif pair is pairs[0]:
            # the dash of a list may be on its line; the next key takes it over
            start, end = pair[0].start_mark.index, pairs[1][0].start_mark.index
            self.text = self.text[:start] + self.text[end:]
        else:
            self._splice(pair[0].start_mark.line, last_line(pair) + 1, [])

    def add_entry(self, section: str, entry: Mapping[str, Any], before: Node | None = None) -> None:
        """Add a mapping to a top-level list, at its end or before another one."""
        found = pair_of(self.root, section)
        if found is None:
            self._append([f"{section}:", *_item_lines(entry, "")])
            return
        nodes = found[1]
        if isinstance(nodes, Scalar) or nodes.flow_style:
            raise RefusedError(f"{self.name}: {section} is not written as a list of lines")
        indent = " " * (nodes.value[0].start_mark.column - 2)
        lines = _item_lines(entry, indent)
        if before is not None:
            self._splice(before.start_mark.line, before.start_mark.line, lines)
        else:
            end = last_line(nodes.value[-1]) + 1
            self._splice(end, end, lines)

    def rename_key(self, node: Node, new: str) -> None:
        """Rename a key."""
        start, end = node.start_mark.index, node.end_mark.index
        self.text = self.text[:start] + _scalar(new) + self.text[end:]

    def copy_entry(self, node: Node, changed: Mapping[str, str]) -> None:
        """Insert a copy of an entry before it, with texts replaced in the copy."""
        if node.flow_style:
            raise RefusedError(f"{self.name}: the entry is written on one line; edit it by hand")
        first, end = node.start_mark.line, last_line(node) + 1
        copy = [_replaced(line, changed) for line in self._lines()[first:end]]
        self._splice(first, first, copy)

    def remove_entry(self, section: str, node: Node) -> None:
        """Remove an entry from a top-level list, and the list itself with its last entry."""
        pair = pair_of(self.root, section)
        if pair is None or pair[1].flow_style:
            raise RefusedError(f"{self.name}: {section} is not written as a list of lines")
        first, end = node.start_mark.line, last_line(node) + 1
        if len(pair[1].value) == 1:
            first = pair[0].start_mark.line
        self._splice(first, end, [])

    def add_text_item(self, section: str, text: str, after: str) -> None:
        """Add a text to a list of texts, on the line after another one."""
        for node in self.entries(section):
            if text_of(node) == after:
                line = node.start_mark.line
                new = self._lines()[line].replace(after, text)
                self._splice(line + 1, line + 1, [new])
                return
        raise RefusedError(f"{self.name}: {section} has no line {after}")

    def remove_text_item(self, section: str, text: str) -> None:
        """Remove a text from a list of texts."""
        for node in self.entries(section):
            if text_of(node) == text:
                self._splice(node.start_mark.line, node.start_mark.line + 1, [])
                return

    def _insert_key(self, mapping: Node, key: str, value: Any) -> None:
        if isinstance(mapping, Scalar):
            raise RefusedError(f"{self.name}: there is no mapping to put {key} into")
        if mapping.flow_style:
            self._insert_flow(mapping, key, value)
            return
        pairs = mapping.value
        indent = " " * pairs[0][0].start_mark.column
        following = self._follower(mapping, key)
        line = following[0].start_mark.line if following else last_line(pairs[-1]) + 1
        self._splice(line, line, _rendered(key, value, indent))

    def _follower(self, mapping: Node, key: str) -> Any:
        """Return the first key that usually comes after `key` elsewhere in the file."""
        orders = [[text_of(k) for k, _ in other.value] for other in _mappings(self.root)]
        orders = [order for order in orders if key in order]
        for pair in mapping.value[1:]:
            other = text_of(pair[0])
            votes = [order.index(key) < order.index(other) for order in orders if other in order]
            if votes and sum(votes) * 2 > len(votes):
                return pair
        return None

    def _set_inline(self, pair: Any, new: str) -> None:
        key, node = pair
        start, end = node.start_mark.index, node.end_mark.index
        colon = self.text.index(":", key.end_mark.index) + 1
        if start == end:  # there is nothing after the colon
            start = end = colon
            new = f" {new}" if new else ""
        elif not new:
            start = colon
        self.text = self.text[:start] + new + self.text[end:]

    def _set_items(self, node: Node, values: Sequence[Any]) -> None:
        """Change a list item by item, to keep the comments beside kept items."""
        old = [text_of(item) for item in node.value]
        new = [str(value) for value in values]
        if node.flow_style:
            start, end = node.start_mark.index, node.end_mark.index
            self.text = self.text[:start] + _flow(values) + self.text[end:]
            return
        lines = self._lines()
        first = node.value[0].start_mark.line
        indent = lines[first][: node.value[0].start_mark.column]
        kept = {
            name: lines[item.start_mark.line] for name, item in zip(old, node.value, strict=True)
        }
        replaced = [kept.get(name, f"{indent}{_scalar(name)}") for name in new]
        self._splice(first, last_line(node) + 1, replaced)

    def _insert_flow(self, mapping: Node, key: str, value: Any) -> None:
        shown = f"{_scalar(key)}: {_flow(value)}"
        at = mapping.end_mark.index - 1
        if mapping.value:
            last = mapping.value[-1]
            at = max(last[0].end_mark.index + 1, last[1].end_mark.index)
            shown = f", {shown}"
        self.text = self.text[:at] + shown + self.text[at:]

    def _remove_flow(self, mapping: Node, pair: Any) -> None:
        pairs = mapping.value
        index = pairs.index(pair)
        end = max(pair[0].end_mark.index + 1, pair[1].end_mark.index)
        start = pair[0].start_mark.index
        if index:
            before = pairs[index - 1]
            start = max(before[0].end_mark.index + 1, before[1].end_mark.index)
        elif len(pairs) > 1:
            end = pairs[1][0].start_mark.index
        self.text = self.text[:start] + self.text[end:]

    def _lines(self) -> list[str]:
        return self.text.split("\n")

    def _splice(self, start: int, end: int, new: Sequence[str]) -> None:
        """Replace the lines from `start` to before `end`."""
        lines = self._lines()
        lines[start:end] = new  # a `start` past the end appends
        self.text = "\n".join(lines)

    def _append(self, new: Sequence[str]) -> None:
        end = "" if self.text.endswith("\n") or not self.text else "\n"
        self.text += end + "".join(f"{line}\n" for line in new)


def pair_of(mapping: Node, key: str) -> Any:
    """Return a key and its value in a mapping, or None if there is no such key."""
    if isinstance(mapping, Block):
        for pair in mapping.value:
            if text_of(pair[0]) == key:
                return pair
    return None


def value_of(mapping: Node, key: str) -> Node | None:
    """Return the value of a key in a mapping, or None if there is no such key."""
    pair = pair_of(mapping, key)
    return None if pair is None else pair[1]


def found(node: Node | None) -> Node:
    """Return a node that an edit requires; raises RefusedError if it is None."""
    if node is None:
        raise RefusedError("the entry is written in a form that cannot be edited; edit it by hand")
    return node


def text_of(node: Node | None) -> str:
    """Return the text of a scalar, or "" for anything else."""
    return str(node.value) if isinstance(node, Scalar) else ""


def last_line(node: Node) -> int:
    """Return the last line of a node, or of a pair of key and value."""
    if isinstance(node, tuple):
        return max(int(node[0].end_mark.line), last_line(node[1]))
    if isinstance(node, Scalar) or node.flow_style or not node.value:
        ends_before = node.end_mark.column == 0 and node.end_mark.line > node.start_mark.line
        return int(node.end_mark.line) - int(ends_before)
    return last_line(node.value[-1])


def _mappings(node: Node) -> list[Node]:
    """Return all mappings in a tree."""
    if isinstance(node, Scalar):
        return []
    if isinstance(node, Block):
        below = [x for _, value in node.value for x in _mappings(value)]
        return [node, *below]
    return [x for item in node.value for x in _mappings(item)]


def _rendered(key: str, value: Any, indent: str) -> list[str]:
    """Return the lines of a key with its value, in block style."""
    if isinstance(value, Mapping) and value:
        below = [line for k, v in value.items() for line in _rendered(k, v, f"{indent}  ")]
        return [f"{indent}{_scalar(key)}:", *below]
    if isinstance(value, list) and value:
        return [f"{indent}{_scalar(key)}:", *(f"{indent}- {_scalar(item)}" for item in value)]
    shown = "" if value is None else f" {_flow(value)}"
    return [f"{indent}{_scalar(key)}:{shown}"]


def _item_lines(entry: Mapping[str, Any], indent: str) -> list[str]:
    lines = [line for k, v in entry.items() for line in _rendered(k, v, f"{indent}  ")]
    return [f"{indent}- {lines[0].lstrip(' ')}", *lines[1:]]


def _flow(value: Any) -> str:
    """Return a value on one line, in flow style."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(_scalar(item) for item in value)}]"
    return "null" if value is None else _scalar(value)


def _scalar(value: Any, old: Node | None = None) -> str:
    """Return a value as YAML, with the quotes of the old one unless those were required."""
    if value is None:
        return ""
    plain = yaml.safe_dump(value, allow_unicode=True, width=10**9).removesuffix("\n")
    plain = plain.removesuffix("\n...")
    style = old.style if old is not None else None
    if not isinstance(value, str) or plain.startswith('"'):
        return plain
    needed = _scalar(old.value).startswith("'") if old is not None and style == "'" else False
    if style == '"':
        return _quoted(value, '"')
    if style == "'" and not needed:
        return _quoted(value, "'")
    return plain


def _quoted(value: str, quote: str) -> str:
    text: str = yaml.safe_dump(value, default_style=quote, allow_unicode=True, width=10**9)
    return text.removesuffix("\n")


def _replaced(line: str, changed: Mapping[str, str]) -> str:
    for old, new in changed.items():
        line = line.replace(old, new)
    return line
