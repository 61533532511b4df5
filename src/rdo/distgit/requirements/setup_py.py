"""What setup.py gives to setup() literally; it is never executed."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_DEEPEST = 10
_HARMLESS = frozenset(("len", "list", "print", "repr", "set", "sorted", "str", "tuple"))
"""Functions that do not change the lists they are given."""


def literal_argument(text: str, name: str) -> tuple[list[str], str]:
    """Return a list that setup.py gives to setup() literally, else why it is not known.

    >>> literal_argument("a = ['x']\\nsetup(install_requires=a + ['y>1'])", "install_requires")
    (['x', 'y>1'], '')
    >>> literal_argument("setup(install_requires=read('r.txt'))", "install_requires")
    ([], 'setup.py computes install_requires')
    """
    value, reason = _argument(text, name)
    if value is None or reason:
        return [], reason
    if isinstance(value, str):
        value = value.splitlines()
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return list(value), ""
    return [], f"setup.py computes {name}"


def literal_extras(text: str) -> tuple[dict[str, list[str]], str]:
    """Return the extras that setup.py gives to setup() literally, else why they are not known."""
    value, reason = _argument(text, "extras_require")
    if not isinstance(value, dict):
        return {}, reason or ("" if value is None else "setup.py computes extras_require")
    rows = {key: [one] if isinstance(one, str) else one for key, one in value.items()}
    is_plain = all(
        isinstance(key, str) and isinstance(one, list | tuple) and all(map(_is_text, one))
        for key, one in rows.items()
    )
    if not is_plain:
        return {}, "setup.py computes extras_require"
    return {key: list(one) for key, one in rows.items()}, ""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _argument(text: str, name: str) -> tuple[object, str]:
    """Return the value of a keyword of setup(), else the reason why it is not known."""
    if not text.strip():
        return None, ""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None, "setup.py cannot be parsed"
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and _is_setup(one.func)]
    if not calls:
        return None, "setup.py does not call setup() itself"
    given = [[key.value for key in call.keywords if key.arg == name] for call in calls]
    if len({"".join(map(ast.dump, one)) for one in given}) > 1:
        return None, f"setup.py calls setup() several times, with {name} of its own each time"
    if not given[0]:
        is_computed = any(key.arg is None for call in calls for key in call.keywords)
        return None, "setup.py computes the arguments of setup()" if is_computed else ""
    try:
        return _value(given[0][0], _Names.of(tree)), ""
    except ValueError:
        return None, f"setup.py computes {name}"


def _is_setup(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return function.attr == "setup" and _root(function) in ("setuptools", "distutils", "core")
    return isinstance(function, ast.Name) and function.id == "setup"


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of a module that are assigned once, and never changed."""

    values: Mapping[str, ast.expr]

    @classmethod
    def of(cls, tree: ast.Module) -> "_Names":
        """Collect all assignments of a module; names of lists that it changes are left out."""
        assigned: dict[str, list[ast.expr]] = {}
        changed: set[str] = set()
        for node in ast.walk(tree):
            for target, value in _assigned(node):
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, []).append(value)
                else:
                    changed |= _roots(target)
            changed |= _changed(node)
        changed |= {name for name, values in assigned.items() if len(values) > 1}
        same = [
            {name, value.id}
            for name, values in assigned.items()
            for value in values
            if isinstance(value, ast.Name)
        ]
        for _ in range(_DEEPEST):  # another name of a list that is changed
            changed |= {name for names in same if names & changed for name in names}
        return cls({name: one[0] for name, one in assigned.items() if name not in changed})


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield the targets and values of an assignment."""
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value:
        yield node.target, node.value


def _changed(node: ast.AST) -> set[str]:
    """Return the names that a statement or call may change, as a function may what it is given."""
    match node:
        case ast.AugAssign() | ast.For() | ast.comprehension():
            return _roots(node.target)
        case ast.Delete():
            return _roots(*node.targets)
        case ast.withitem(optional_vars=ast.expr() as target):
            return _roots(target)
        case ast.Call(func=ast.Attribute() as method) if not _is_setup(method):
            return _roots(method, *_arguments(node))
        case ast.Call(func=ast.Name(id=name)) if name not in {"setup", *_HARMLESS}:
            return _roots(*_arguments(node))
    return set()


def _arguments(call: ast.Call) -> Sequence[ast.expr]:
    given = [*call.args, *(key.value for key in call.keywords)]
    return [one for one in given if isinstance(one, ast.Name)]


def _roots(*targets: ast.expr) -> set[str]:
    parts = (
        one
        for target in targets
        for one in (target.elts if isinstance(target, ast.Tuple | ast.List) else [target])
    )
    return {name for one in parts if (name := _root(one))}


def _root(node: ast.expr) -> str:
    """Return the name at the beginning of `name.attribute[index]`."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _value(node: ast.expr, names: _Names, depth: int = 0) -> object:
    """Evaluate literals, names of literals, and sums of lists; anything else is a ValueError."""
    if depth > _DEEPEST:
        raise ValueError
    match node:
        case ast.Constant():
            return node.value
        case ast.List() | ast.Tuple():
            return [_value(one, names, depth + 1) for one in node.elts]
        case ast.Dict() if None not in node.keys:
            keys = [_value(key, names, depth + 1) for key in node.keys if key is not None]
            return dict(
                zip(keys, [_value(one, names, depth + 1) for one in node.values], strict=True)
            )
        case ast.Name() if node.id in names.values:
            return _value(names.values[node.id], names, depth + 1)
        case ast.BinOp(op=ast.Add()):
            left, right = (_value(one, names, depth + 1) for one in (node.left, node.right))
            if isinstance(left, list) and isinstance(right, list):
                return [*left, *right]
            if isinstance(left, str) and isinstance(right, str):
                return left + right
    raise ValueError
