"""Faults in the metadata, with their places."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rdo.errors import ConfigError


class Level(StrEnum):
    """The severity of a fault: an error makes its part unusable, a warning is worth fixing."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A line of a file; line 0 means the whole file."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding; `rule` is the stable name of the kind of fault in baselines and CI."""

    level: Level
    rule: str
    where: Where
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class MetadataError(ConfigError):
    """An error that lists everything wrong with unusable metadata at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        lines = [str(fault) for fault in self.faults]
        super().__init__("\n".join(lines if len(lines) == 1 else [f"{len(lines)} faults", *lines]))


def broken(rule: str, where: Where, message: str) -> MetadataError:
    """Return the error for a single fault that stops the reading."""
    return MetadataError([Fault(Level.ERROR, rule, where, message)])
