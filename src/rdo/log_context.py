"""Which package a line of the log is about, so that parallel logs can be grepped."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

current: ContextVar[str] = ContextVar("current", default="")


@contextlib.contextmanager
def about(what: object) -> Iterator[None]:
    """Put `what: ` (a package, a commit) before each line logged inside, in this thread."""
    token = current.set(f"{what}: ")
    try:
        yield
    finally:
        current.reset(token)
