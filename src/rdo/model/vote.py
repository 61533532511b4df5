"""The verdict of a job on a repository."""

from enum import StrEnum


class JobVerdict(StrEnum):
    """What a job says of a repository."""

    SUCCESS = "success"
    FAILURE = "failure"
    IN_PROGRESS = "in-progress"
