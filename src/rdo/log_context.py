"""The package that a log line is about, so that parallel logs can be searched."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

current: ContextVar[str] = ContextVar("current", default="")
_target: ContextVar[str] = ContextVar("target", default="")


@contextlib.contextmanager
def about(what: object) -> Iterator[None]:
    """Put `what: ` (a package, a commit) before each line that this thread logs in the block."""
    token = current.set(f"{_target.get()}{what}: ")
    try:
        yield
    finally:
        current.reset(token)


@contextlib.contextmanager
def of_target(name: str) -> Iterator[None]:
    """Put a target before everything that this thread logs about packages in the block.

    For rounds that run beside those of other targets with the same packages.
    """
    token = _target.set(f"{name}: ")
    try:
        yield
    finally:
        _target.reset(token)
