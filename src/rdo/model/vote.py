"""The verdict of a job on a repository."""

from enum import StrEnum


class JobVerdict(StrEnum):
    """The verdict of a job on a repository."""

    SUCCESS = "success"
    FAILURE = "failure"
    IN_PROGRESS = "in-progress"
