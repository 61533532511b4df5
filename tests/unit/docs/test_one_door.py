"""Nothing but the door and what enters a root knows where a root's files lie on the host."""

import ast
from pathlib import Path

from tests.unit.docs.pages import REPOSITORY

SOURCE = REPOSITORY / "src/rdo"
KNOW_IT = {
    "roots/build_root.py",  # makes the root, its door, and the folder that goes with it
    "roots/debian/debian_base.py",  # makes the base layer, in a root without strangers
    "tools/walls/entry.py",
    "tools/children/enter_root.py",
}


def knows(path: Path) -> bool:
    """Whether a module names the folder into which a root writes."""
    tree = ast.parse(path.read_text())
    texts = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return any("upper" in text.split("/") for text in texts)


def opens(path: Path) -> bool:
    """Whether a module makes a door."""
    calls = (
        node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    )
    return any(isinstance(one, ast.Name) and one.id == "Door" for one in calls)


def test_no_other_module_opens_a_path_of_a_root() -> None:
    found = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if knows(path)}

    assert found == KNOW_IT


def test_a_door_is_made_where_the_root_is() -> None:
    found = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if opens(path)}

    assert found == {
        "roots/build_root.py",
        "roots/debian/debian_base.py",
        "roots/debian/interpreter.py",
        "roots/images/host_image.py",
    }
