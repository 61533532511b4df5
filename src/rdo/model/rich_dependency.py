"""Rich dependencies, such as `(python3dist(x) >= 1 with python3dist(x) < 2)`, taken apart."""

OPERATORS = frozenset({"and", "or", "if", "unless", "else", "with", "without"})


def operands(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the operator of a dependency and what it combines; a plain one has no operator.

    `if` and `unless` also combine what follows their `else`.

    >>> operands("(a >= 1 and (b or python3dist(c)))")
    ('and', ('a >= 1', '(b or python3dist(c))'))
    >>> operands("python3dist(c) < 2")
    ('', ('python3dist(c) < 2',))
    """
    if not text.startswith("("):
        return "", (text,)
    found, operator, depth = [list[str]()], "", 0
    for word in text[1:-1].split():
        if depth == 0 and word in OPERATORS:
            operator = operator or word
            found.append([])
        else:
            found[-1].append(word)
            depth += word.count("(") - word.count(")")
    return operator, tuple(" ".join(words) for words in found)


def required(text: str) -> tuple[str, ...]:
    """Return the dependencies that must all be met for this one to be met.

    >>> required("(a and b and (c or d))")
    ('a', 'b', '(c or d)')
    """
    operator, parts = operands(text)
    return tuple(one for part in parts for one in required(part)) if operator == "and" else (text,)


def names_in(text: str) -> frozenset[str]:
    """Return the names in a dependency, without versions.

    >>> sorted(names_in("(ceph >= 2:18 with (ceph < 2:19 or other))"))
    ['ceph', 'other']
    """
    _, parts = operands(text)
    if text.startswith("("):
        return frozenset[str]().union(*map(names_in, parts))
    return frozenset({text.split(" ", 1)[0]})
