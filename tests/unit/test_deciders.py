"""The list of deciders names what is there."""

import ast

import pytest

from tests.deciders import DECIDERS, SOURCE
from tests.unit.docs.pages import REPOSITORY


def functions(module: str) -> set[str]:
    """The functions of a module, and its methods as `Class.method`."""
    tree = ast.parse((REPOSITORY / SOURCE / module).read_text())
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return found | {
        f"{one.name}.{node.name}"
        for one in classes
        for node in one.body
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("module", DECIDERS)
def test_what_is_listed_is_there(module: str) -> None:
    assert set(DECIDERS[module]) <= functions(module)
