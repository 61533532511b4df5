"""`rdo promotion vote` and `votes`: the verdicts of jobs on repositories."""

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.repo.options import opened, repository_argument, target_option
from rdo.model.text.dates import minute
from rdo.model.vote import JobVerdict
from rdo.promotion.deciding import votes as service
from rdo.promotion.deciding.votes import Voted

_COMPONENT = click.option(
    "--component",
    metavar="C",
    help="Component of the repository. Default for a name: all components together.",
)


@click.command()
@repository_argument("what", "REPOSITORY|COMMIT|AGGREGATE")
@target_option
@click.option("--job", metavar="JOB", required=True, help="Job that votes.")
@click.option("--success", "verdict", flag_value=JobVerdict.SUCCESS, help="The job succeeded.")
@click.option("--failure", "verdict", flag_value=JobVerdict.FAILURE, help="The job failed.")
@click.option(
    "--in-progress", "verdict", flag_value=JobVerdict.IN_PROGRESS, help="The job has begun."
)
@click.option("--url", metavar="URL", default="", help="Page of the job's result.")
@click.option("--notes", metavar="TEXT", default="", help="Remark of the job.")
@_COMPONENT
@output.json_option
@click.pass_obj
def vote(
    app: App,
    what: str,
    target: str | None,
    job: str,
    verdict: str | None,
    url: str,
    notes: str,
    component: str | None,
    as_json: bool,
) -> None:  # one parameter per option
    """Record the verdict of a job on a repository, named as for rdo repo show.

    COMMIT is the upstream hash that a repository was made for, or its first digits. With components
    a name means its aggregate; the hash of an aggregate is in NAME/delorean.repo.md5.

    \b
    rdo promotion vote consistent --job weirdo-scenario001 --success --url https://ci.example/1
    rdo promotion vote 1a2b3c4d --job tempest --failure --component network
    """
    if verdict is None:
        raise click.UsageError("pass --success, --failure or --in-progress")
    target_of = opened(app, target, reads_only=False)
    ballot = service.find_ballot(target_of, what, component)
    cast = service.vote(
        target_of, ballot, job, JobVerdict(verdict), by=app.user, url=url, notes=notes
    )
    [said] = [one for one in service.votes_on(target_of, ballot) if one.vote.id == cast.id]
    output.show(_row(said), as_json, f"{job}: {cast.verdict} on {said.on}")


@click.command()
@click.argument("what", required=False, metavar="[REPOSITORY|COMMIT|AGGREGATE]")
@target_option
@click.option("--job", metavar="JOB", help="List only the votes of this job.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="Maximum number of votes.",
)
@_COMPONENT
@output.json_option
@click.pass_obj
def votes(
    app: App,
    what: str | None,
    target: str | None,
    job: str | None,
    limit: int,
    component: str | None,
    as_json: bool,
) -> None:
    """List the votes on a repository, the newest first, or the last votes of the target.

    \b
    rdo promotion votes consistent
    rdo promotion votes --job tempest
    """
    target_of = opened(app, target)
    if what is None:
        found = service.last_votes(target_of, job=job, limit=limit)
    else:
        on = service.votes_on(target_of, service.find_ballot(target_of, what, component))
        found = tuple(one for one in on if job is None or one.vote.job == job)[:limit]
    people = output.Table(
        ("when", "job", "verdict", "on", "by", "url"),
        [
            (
                minute(one.vote.timestamp),
                one.vote.job,
                one.vote.verdict,
                one.on,
                one.vote.user or "rdo",
                one.vote.url,
            )
            for one in found
        ],
    )
    output.show(list(map(_row, found)), as_json, people if found else "no vote yet")


def _row(one: Voted) -> dict[str, object]:
    """Return a vote as JSON data; hashes have the names of DLRN's API."""
    vote, commit = one.vote, one.vote.commit
    return {
        "job": vote.job,
        "verdict": vote.verdict,
        "timestamp": vote.timestamp,
        "on": one.on,
        "component": vote.ballot.component,
        "commit_hash": commit.upstream_hash if commit else None,
        "distro_hash": commit.distgit_hash if commit else None,
        "extended_hash": commit.extended_hash if commit else None,
        "ref_hash": vote.ballot.ref_hash or None,
        "url": vote.url,
        "notes": vote.notes,
        "user": vote.user,
    }
