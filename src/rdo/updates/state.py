"""The state of an update: the folder that contains its file."""

from enum import StrEnum


class UpdateState(StrEnum):
    """A folder of the update repository, and what it means."""

    UPDATES = "updates"
    READY = "ready"
    PUSHED = "pushed"
    FAILED = "failed"
    ROLLBACK = "rollback"

    @property
    def meaning(self) -> str:
        """The meaning, as text for people."""
        return _MEANINGS[self]


_MEANINGS = {
    UpdateState.UPDATES: "submitted, being tested",
    UpdateState.READY: "ready to be pushed",
    UpdateState.PUSHED: "pushed to users",
    UpdateState.FAILED: "failed",
    UpdateState.ROLLBACK: "taken back",
}
