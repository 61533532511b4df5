"""The sections about servers that announce pushes and have reviews."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from rdo.config.section import Count, Job, Line, Name, Section, TargetName, Url

_HTTP = Annotated[Line, StringConstraints(pattern=r"^https?://[^\s?#@]+$")]


class HookSection(Section):
    """A webhook that `rdo serve` receives at /hooks/NAME, and the secret that senders must prove.

    It applies to `targets` (default: all) and accepts at most `per_minute` events. Gerrit's events
    name only a project: each URL in `repositories`, followed by the project, is a URL that packages
    may use.
    """

    kind: Literal["github", "gitlab", "gerrit", "generic"]
    secret_file: Path
    targets: list[TargetName] = Field(default_factory=list)
    repositories: list[Url] = Field(default_factory=list)
    per_minute: Count = 120

    @model_validator(mode="after")
    def _check_repositories(self) -> "HookSection":
        if self.kind == "gerrit" and not self.repositories:
            raise ValueError('with kind = "gerrit", must have "repositories"')
        return self


class ReviewSection(Section):
    """A server whose open reviews are built, and which receives the verdicts.

    The events come by the webhook of the same name. `url` is where its pages, REST API and git
    repositories are; GitHub's API is at `api_url`. `repositories` are as those of a webhook
    (default: `url`). A project must match one of `projects` (`*` matches anything). `dependents` is
    how many packages that require the changed ones are built with them. With `jobs`, the verdict
    waits at most `jobs_hours` for the votes of these outside jobs. Verdicts are sent by `user` with
    the password or token in `password_file`, or else to the webhook `report_to`.
    """

    kind: Literal["github", "gitlab", "gerrit"]
    url: _HTTP
    api_url: _HTTP | None = None
    user: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = None
    password_file: Path | None = None
    label: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")] = "Verified"
    report_to: Name | None = None
    targets: list[TargetName] = Field(default_factory=list)
    repositories: list[Url] = Field(default_factory=list)
    projects: list[Line] = Field(default_factory=list)
    workers: Count = 1
    per_author_hourly: Count = 10
    time_limit_minutes: Count = 120
    dependents: Annotated[int, Field(ge=0)] = 10
    jobs: list[Job] = Field(default_factory=list)
    jobs_hours: Count = 24
    keep_days: Annotated[int, Field(ge=0)] = 14

    @model_validator(mode="after")
    def _check_login(self) -> "ReviewSection":
        if self.kind == "gerrit" and bool(self.user) != bool(self.password_file):
            raise ValueError('must have both "user" and "password-file", or neither')
        if self.api_url and self.kind != "github":
            raise ValueError('must not have "api-url" unless kind = "github"')
        return self
