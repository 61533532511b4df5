"""The package that a log line is about, so that parallel logs can be grepped."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

current: ContextVar[str] = ContextVar("current", default="")


@contextlib.contextmanager
def about(what: object) -> Iterator[None]:
    """Put `what: ` (a package, a commit) before each line that this thread logs in the block."""
    token = current.set(f"{what}: ")
    try:
        yield
    finally:
        current.reset(token)
