"""DLRN's own pages, at its paths below `/TARGET/api/`: its votes, and its list of builds."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from starlette.responses import RedirectResponse, Response

from rdo.pages import votes as made
from rdo.pages.votes import CountedVotes, VotedOn, VotesPage, query
from rdo.promotion.views.repository_page import shown_vote
from rdo.store import Store
from rdo.store.given.votes import CONSISTENT_JOB, Vote, VoteFilter
from rdo.web.answers import ApiError
from rdo.web.pages.answering import HEADERS, Handler, PageRequest, html
from rdo.web.pages.target_pages import TargetPages

_AT_ONCE = 100
_COMMITS, _AGGREGATES = "civotes.html", "civotes_agg.html"
_NO_COMMIT = "Please specify either commit_hash+distro_hash, component or ci_name as parameters."
_NO_AGGREGATE = "Please specify either ref_hash or ci_name as parameters."
_WORDS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class VotePages:
    """DLRN's pages of one target; `pages` are its other pages."""

    pages: TargetPages

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of each page by its path below the target's name."""
        return {
            "api/report.html": self.report,
            f"api/{_COMMITS}": self.commits,
            "api/civotes_detail.html": self.of_commit,
            f"api/{_AGGREGATES}": self.aggregates,
            "api/civotes_agg_detail.html": self.of_aggregate,
        }

    def report(self, _asked: PageRequest) -> Response:
        """Redirect to the list of builds."""
        return RedirectResponse("../report.html", 307, headers=HEADERS)

    def commits(self, asked: PageRequest) -> Response:
        """Show which commits jobs have voted on."""
        return self._counted(asked, VoteFilter(on_build=True), _AGGREGATES)

    def aggregates(self, asked: PageRequest) -> Response:
        """Show which aggregates jobs have voted on."""
        return self._counted(asked, VoteFilter(on_build=False), _COMMITS)

    def of_commit(self, asked: PageRequest) -> Response:
        """Show the votes on a commit or component, or of a job; ApiError if none is given."""
        commit, distro = asked.text("commit_hash"), asked.text("distro_hash")
        component, job = asked.text("component"), asked.text("ci_name")
        wanted = VoteFilter(on_build=True, component=component or None, job=job or None)
        if commit and distro:
            with self._store.read() as at:
                build = at.builds.published_of(self._target, commit, distro)
            wanted = replace(wanted, build_id=build.id if build else 0)
        elif not (component or job):
            raise ApiError(400, _NO_COMMIT)
        return self._single(asked, wanted, _AGGREGATES)

    def of_aggregate(self, asked: PageRequest) -> Response:
        """Show the votes on an aggregate, or of a job; ApiError if neither is given."""
        ref_hash, job = asked.text("ref_hash"), asked.text("ci_name")
        if not (ref_hash or job):
            raise ApiError(400, _NO_AGGREGATE)
        wanted = VoteFilter(on_build=False, ref_hash=ref_hash or None, job=job or None)
        return self._single(asked, wanted, _COMMITS)

    def _counted(self, asked: PageRequest, wanted: VoteFilter, others: str) -> Response:
        found, older = self._votes(asked, wanted)
        grouped: dict[str, list[Vote]] = {}
        for vote in found:
            if vote.job != CONSISTENT_JOB:
                grouped.setdefault(_subject(vote).query, []).append(vote)
        rows = [
            CountedVotes(
                _subject(votes[0]),
                sum(one.success for one in votes),
                sum(not one.success for one in votes),
                max(one.timestamp for one in votes),
            )
            for votes in grouped.values()
        ]
        rows.sort(key=lambda row: row.last, reverse=True)
        return html(made.counted(self.pages.head(asked), VotesPage(others, older), rows))

    def _single(self, asked: PageRequest, wanted: VoteFilter, others: str) -> Response:
        wanted = replace(wanted, success=_WORDS.get(asked.text("success").lower()))
        found, older = self._votes(asked, wanted)
        rows = [(_subject(vote), shown_vote(vote)) for vote in found]
        told = ", ".join(f"{name} {text}" for name, text in _filters(asked).items())
        it = VotesPage(others, older, f"Only those of {told}." if told else "")
        return html(made.single(self.pages.head(asked), it, rows))

    def _votes(self, asked: PageRequest, wanted: VoteFilter) -> tuple[Collection[Vote], str]:
        """Return a page of votes, and the query of the next one."""
        offset = asked.asked_number("offset") or 0
        with self._store.read() as at:
            found = at.votes.listed(self._target, wanted, offset=offset, limit=_AT_ONCE + 1)
        more = query(**_filters(asked), offset=offset + _AT_ONCE)
        return found[:_AT_ONCE], more if len(found) > _AT_ONCE else ""

    @property
    def _target(self) -> str:
        return self.pages.watched.name

    @property
    def _store(self) -> Store:
        return self.pages.guard.service.store


def _subject(vote: Vote) -> VotedOn:
    """Return what a vote is about, with the URL of its votes."""
    commit, ballot = vote.commit, vote.ballot
    if commit is None or ballot.build_id is None:
        return VotedOn(ballot.ref_hash, f"civotes_agg_detail.html{query(ref_hash=ballot.ref_hash)}")
    hashes = query(commit_hash=commit.upstream_hash, distro_hash=commit.distgit_hash)
    return VotedOn(
        f"{commit.upstream_hash[:12]}_{commit.distgit_hash[:8]}",
        f"civotes_detail.html{hashes}",
        commit.package,
        ballot.component or "",
        ballot.build_id,
    )


def _filters(asked: PageRequest) -> dict[str, str]:
    names = ("commit_hash", "distro_hash", "component", "ci_name", "ref_hash", "success")
    return {name: text for name in names if (text := asked.text(name))}
