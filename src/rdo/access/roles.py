"""What users may do: a role on each target."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ALL_TARGETS = "*"


class Role(StrEnum):
    """What a user may do on a target; each role includes all the ones before it.

    >>> Role.PROMOTER.includes(Role.CI), Role.CI.includes(Role.PROMOTER)
    (True, False)
    """

    READER = "reader"
    CI = "ci"
    PROMOTER = "promoter"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do everything that the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Login:
    """A user who was identified, with a role on each target, and the token that was used, if any.

    A token may be limited to one target, and to a lower role than its user has.
    """

    user: str
    roles: Mapping[str, Role] = field(default_factory=dict)
    token: int | None = None
    only_target: str = ""
    only_role: Role | None = None

    def role(self, target: str) -> Role | None:
        """Return the role on a target; None if the user has none there."""
        if self.only_target and self.only_target != target:
            return None
        own = self.roles.get(target) or self.roles.get(ALL_TARGETS)
        if own and self.only_role and own.includes(self.only_role):
            return self.only_role
        return own

    def may(self, wanted: Role, target: str) -> bool:
        """Whether the user may do on a target what the role `wanted` may."""
        own = self.role(target)
        return own is not None and own.includes(wanted)
