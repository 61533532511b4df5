"""What there is to tell of one event, gathered once and kept as JSON with the event."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from rdo.model.build import FailureReason
from rdo.notify.log_reader import LogLine


class EventKind(StrEnum):
    """What an event is about."""

    BROKEN = "broken"
    MENDED = "mended"
    WAITED_FOR = "waited-for"
    STALE = "stale"


class Audience(StrEnum):
    """Who has to act: a break of a network or a disk is no maintainer's."""

    MAINTAINERS = "maintainers"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class LinkedCommit:
    """One git commit, or one release on PyPI, with where it can be read."""

    hash: str
    subject: str
    author: str
    when: datetime
    url: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """The commits of one side since the last good build, newest first; `count` is of all."""

    count: int = 0
    newest: tuple[LinkedCommit, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class RootChange:
    """A package that is not in the build's root as it was in the last good one's."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class UnmetRequirement:
    """A requirement that was not met, and what there is instead."""

    name: str
    found: str


@dataclass(frozen=True, slots=True)
class LastGoodBuild:
    """The last build that was good."""

    build_id: int
    nvr: str
    when: datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """A package whose upstream or distgit cannot be followed."""

    package: str
    what: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """All that a message says. Fields that do not fit the kind are empty.

    `build_id`, `commit` and `commit_url` are of the build that the event is about, `broken` is
    when the break began; `waiting` are the packages that cannot be built because of it.
    """

    kind: EventKind
    target: str
    release: str
    platform: str
    package: str
    when: datetime
    audience: Audience = Audience.MAINTAINERS
    maintainers: tuple[str, ...] = ()
    build_id: int = 0
    commit: str = ""
    commit_url: str = ""
    distgit_commit: str = ""
    nvr: str = ""
    reason: FailureReason | None = None
    detail: str = ""
    says: str = ""
    lines: tuple[LogLine, ...] = ()
    broken: datetime | None = None
    good: LastGoodBuild | None = None
    upstream: Changes = Changes()
    distgit: Changes = Changes()
    root: tuple[RootChange, ...] = ()
    needs: tuple[UnmetRequirement, ...] = ()
    waiting: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    log_url: str = ""
    page_url: str = ""
    repository_url: str = ""

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return found

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> "Story":
        """The story of an event; one that an older rdo told lacks what it did not know."""
        found: Story = _adapter().validate_python(payload)
        return found


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter  # only where a story is told

    return TypeAdapter(Story)
