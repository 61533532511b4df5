"""What is wrong in the metadata, and where."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rdo.errors import ConfigError


class Level(StrEnum):
    """An error makes what it touches unusable; a warning is worth mending."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A line of a file; line 0 is the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding. `rule` is its stable name, by which a baseline or CI can tell it apart."""

    level: Level
    rule: str
    where: Where
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class MetadataError(ConfigError):
    """Metadata that cannot be used; all that is wrong with it at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        lines = [str(fault) for fault in self.faults]
        super().__init__("\n".join(lines if len(lines) == 1 else [f"{len(lines)} faults", *lines]))


def broken(rule: str, where: Where, message: str) -> MetadataError:
    """The error for a single fault that stops the reading."""
    return MetadataError([Fault(Level.ERROR, rule, where, message)])
