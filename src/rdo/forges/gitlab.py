"""GitLab's REST API: the current state of a merge request, and the status of its commit."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from rdo.forges.rest import RestServer
from rdo.forges.reviews import ReviewReport, below, numbered, payload_of, revision_in
from rdo.model.review import Change, ChangeId, ReviewVerdict

_ADDRESS = re.compile(r"(?P<project>.+?)(?:/-)?/merge_requests/(?P<number>\d{1,15})(?:/.*)?")
_STATES = {ReviewVerdict.SUCCESS: "success", ReviewVerdict.FAILURE: "failed"}
LONGEST_DESCRIPTION = 255


@dataclass(frozen=True, slots=True)
class GitLab:
    """A GitLab server, with its pages, repositories and API below one URL."""

    place: str
    server: RestServer

    def change(self, project: str, number: int) -> Change:
        """Return the current state of a merge request; OutsideError if the answer is invalid."""
        path = f"api/v4/projects/{quote(project, safe='')}/merge_requests/{number}"
        found = payload_of(self.place, self.server.get(path))
        title, state = found.text("title"), found.text("state")
        return Change(
            id=ChangeId(self.place, project, number),
            revision=revision_in(self.place, found, "sha"),
            ref=f"refs/merge-requests/{number}/head",
            branch=found.text("target_branch"),
            subject=title,
            message=f"{title}\n\n{found.text('description')}",
            author=found.author(("author", "username")),
            url=f"{self.git_url(project)}/-/merge_requests/{number}",
            is_open=state == "opened",
            is_merged=state == "merged",
        )

    def number_in(self, url: str) -> tuple[str, int] | None:
        """Return project and number of the merge request at a URL of this server."""
        return numbered(_ADDRESS.fullmatch(below(self.server.url, url)))

    def git_url(self, project: str) -> str:
        """Return the URL from which git fetches a project and its merge requests."""
        return f"{self.server.url.rstrip('/')}/{project}"

    def report(self, report: ReviewReport) -> None:
        """Set the status of the commit; without a verdict, that of a cancelled job."""
        change = report.change
        project = quote(change.id.project, safe="")
        self.server.post(
            f"api/v4/projects/{project}/statuses/{change.revision}",
            {
                "state": _STATES.get(report.verdict, "canceled"),
                "target_url": report.link,
                "description": report.summary[:LONGEST_DESCRIPTION],
                "name": f"rdo/{report.target}",
            },
        )
