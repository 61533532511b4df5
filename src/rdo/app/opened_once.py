"""A property that is computed once, on first use, whichever thread asks first."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class opened_once(Generic[T]):
    """Turn a method into a property that keeps the method's first result.

    `functools.cached_property` lost its lock in Python 3.12; here two threads never make the part
    twice. The owner must have a `threading.RLock` called `opening`, because parts may open each
    other. A method that raises is called again at the next access.

    >>> import threading
    >>> class Owner:
    ...     def __init__(self) -> None:
    ...         self.opening = threading.RLock()
    ...     @opened_once
    ...     def part(self) -> list[int]:
    ...         return []
    >>> owner = Owner()
    >>> owner.part is owner.part
    True
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> "opened_once[T]": ...

    @overload
    def __get__(self, owner: object, kind: type) -> T: ...

    def __get__(self, owner: Any, kind: type) -> "T | opened_once[T]":
        if owner is None:
            return self
        with owner.opening:
            parts: dict[str, T] = owner.__dict__
            if self._name not in parts:
                parts[self._name] = self._make(owner)
            return parts[self._name]
