"""Limits for GraphQL queries: depth, number of aliases, and that one operation is meant."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)
from strawberry.extensions import SchemaExtension

MOST_DEEP = 12
MOST_ALIASES = 15


@dataclass(frozen=True, slots=True)
class _Size:
    """How many levels are below a place in a query, and how many aliases."""

    depth: int = 0
    aliases: int = 0


class QueryBounds(ValidationRule):
    """Refuses an operation that is too deep or has too many aliases.

    A fragment is measured once, however often it is used. The rules of strawberry (0.341) walk
    through it again at each place: 24 fragments that each use the next one twice keep them busy for
    minutes. Introspection fields have no depth, because graphql-core limits them.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._fragments: dict[str, _Size] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Measure an operation."""
        size = self._size(node.selection_set)
        if size.depth > MOST_DEEP:
            self.report_error(GraphQLError(f"more than {MOST_DEEP} levels deep", node))
        if size.aliases > MOST_ALIASES:
            self.report_error(GraphQLError(f"more than {MOST_ALIASES} aliases", node))

    def _size(self, selected: SelectionSetNode | None) -> _Size:
        depth = aliases = 0
        for one in selected.selections if selected else ():
            size = self._size_of_one(one)
            depth, aliases = max(depth, size.depth), aliases + size.aliases
        return _Size(depth, aliases)

    def _size_of_one(self, one: SelectionNode) -> _Size:
        if isinstance(one, FragmentSpreadNode):
            return self._size_of_fragment(one.name.value)
        inner = self._size(getattr(one, "selection_set", None))
        if not isinstance(one, FieldNode):
            return inner
        is_deep = one.selection_set and not one.name.value.startswith("__")
        depth = inner.depth + 1 if is_deep else 0
        return _Size(depth, inner.aliases + (one.alias is not None))

    def _size_of_fragment(self, name: str) -> _Size:
        if name not in self._fragments:
            self._fragments[name] = _Size()  # another rule refuses a fragment that uses itself
            fragment = self.context.get_fragment(name)
            self._fragments[name] = self._size(fragment.selection_set if fragment else None)
        return self._fragments[name]


class OneOperation(SchemaExtension):
    """Refuses a request that does not say which operation of its query is meant.

    strawberry (0.341) takes the first of several, and fails if none has the name.
    """

    def on_parse(self) -> Iterator[None]:
        """Check the operations of the query."""
        yield
        document = self.execution_context.graphql_document
        if document is None:  # its syntax is wrong
            return
        names = [
            one.name.value if one.name else ""
            for one in document.definitions
            if isinstance(one, OperationDefinitionNode)
        ]
        context = self.execution_context.context
        wanted = context.operation if context else ""
        if not names:
            raise GraphQLError("Must provide an operation.")
        if wanted and wanted not in names:
            raise GraphQLError(f'Unknown operation named "{wanted}".')
        if not wanted and len(names) > 1:
            raise GraphQLError("Must provide operation name if query contains multiple operations.")
