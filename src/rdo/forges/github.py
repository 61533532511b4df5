"""GitHub's REST API: the current state of a pull request, and the status of its commit."""

import re
from dataclasses import dataclass

from rdo.forges.rest import RestServer
from rdo.forges.reviews import ReviewReport, below, numbered, payload_of, revision_in
from rdo.model.review import Change, ChangeId, ReviewVerdict

_ADDRESS = re.compile(r"(?P<project>[^/]+/[^/]+)/pull/(?P<number>\d{1,15})(?:/.*)?")
_STATES = {ReviewVerdict.SUCCESS: "success", ReviewVerdict.FAILURE: "failure"}
LONGEST_DESCRIPTION = 140


@dataclass(frozen=True, slots=True)
class GitHub:
    """A GitHub server: `url` has its pages and repositories, `server` is its API."""

    place: str
    url: str
    server: RestServer

    def change(self, project: str, number: int) -> Change:
        """Return the current state of a pull request; OutsideError if the answer is invalid."""
        found = payload_of(self.place, self.server.get(f"repos/{project}/pulls/{number}"))
        title, body = found.text("title"), found.text("body")
        return Change(
            id=ChangeId(self.place, project, number),
            revision=revision_in(self.place, found, "head", "sha"),
            ref=f"refs/pull/{number}/head",
            branch=found.text("base", "ref"),
            subject=title,
            message=f"{title}\n\n{body}",
            author=found.author(("user", "login")),
            url=f"{self.url.rstrip('/')}/{project}/pull/{number}",
            is_open=found.text("state") == "open",
            is_merged=found.get("merged") is True,
        )

    def number_in(self, url: str) -> tuple[str, int] | None:
        """Return project and number of the pull request at a URL of this server."""
        return numbered(_ADDRESS.fullmatch(below(self.url, url)))

    def git_url(self, project: str) -> str:
        """Return the URL from which git fetches a project and its pull requests."""
        return f"{self.url.rstrip('/')}/{project}"

    def report(self, report: ReviewReport) -> None:
        """Set the status of the commit."""
        change = report.change
        self.server.post(
            f"repos/{change.id.project}/statuses/{change.revision}",
            {
                "state": _STATES.get(report.verdict, "error"),
                "target_url": report.link,
                "description": report.summary[:LONGEST_DESCRIPTION],
                "context": f"rdo/{report.target}",
            },
        )
