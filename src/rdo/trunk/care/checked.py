"""The result of one check of `rdo doctor`."""

from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """How a check ended. Only a fault or an unreachable server is a problem."""

    OK = "ok"
    FAULT = "fault"
    UNREACHABLE = "unreachable"
    NOTE = "note"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ConfigurationCheck:
    """The result of one check of the configuration; `remedy` is what to do, often a command."""

    name: str
    state: CheckState
    detail: str
    remedy: str = ""
