"""The result of checking this machine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MachineCheck:
    """The result of one check. `is_needed` is false if rdo works without it."""

    name: str
    is_good: bool
    is_needed: bool
    detail: str
    package: str = ""
