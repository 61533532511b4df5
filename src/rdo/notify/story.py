"""The content of a message about one event, collected once and stored as JSON with the event."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from rdo.logs.reader import LogLine
from rdo.model.build import FailureReason


class EventKind(StrEnum):
    """The kinds of events that people are notified of."""

    BROKEN = "broken"
    MENDED = "mended"
    WAITED_FOR = "waited-for"
    WAITS = "waits"
    STALE = "stale"


class Audience(StrEnum):
    """Who must act: for a network fault or a full disk it is the operator, not a maintainer."""

    MAINTAINERS = "maintainers"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class LinkedCommit:
    """One git commit or PyPI release, with the URL of its page."""

    hash: str
    subject: str
    author: str
    when: datetime
    url: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """The commits of one side since the last good build, newest first; `count` counts all."""

    count: int = 0
    newest: tuple[LinkedCommit, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class RootChange:
    """A package of the build's root that differs from the last good build's root."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class UnmetRequirement:
    """A requirement that was not met, and the best version that is available."""

    name: str
    found: str


@dataclass(frozen=True, slots=True)
class LastGoodBuild:
    """The last good build of the package."""

    build_id: int
    nvr: str
    when: datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """A package whose upstream or distgit cannot be followed, or that others wait for."""

    package: str
    what: str
    since: datetime


@dataclass(frozen=True, slots=True)
class OnIt:
    """The person who is working on the package, since when, why, and a link to the work."""

    by: str
    since: datetime
    why: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """The content of a message. Fields that do not apply to its kind are empty.

    `build_id`, `commit` and `commit_url` belong to the build that the event is about. `broken` is
    when the package first failed, and `waiting` are the packages that cannot be built because of
    that. `factory` is the folder of the rdo.toml.
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
    ack: OnIt | None = None
    log_url: str = ""
    page_url: str = ""
    repository_url: str = ""
    factory: str = ""

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return found

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> "Story":
        """Return the story of an event; if an older rdo wrote it, newer fields are missing."""
        found: Story = _adapter().validate_python(payload)
        return found


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter  # only needed for stories

    return TypeAdapter(Story)
