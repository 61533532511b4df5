"""`rdo promotion check`: what is wrong with a repository as a whole."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from rdo import atomic
from rdo.app import App
from rdo.checks.findings import QUESTIONS, CheckAnswer, Defect
from rdo.checks.junit import junit
from rdo.cli import complete, output
from rdo.cli.repo.options import opened, repository_argument, target_option
from rdo.promotion import checking
from rdo.promotion.compositions import find
from rdo.publish.names import CONSISTENT


@click.command()
@repository_argument()
@target_option
@click.option(
    "--against",
    metavar="REPOSITORY",
    shell_complete=complete.repositories,
    help=f"What hosts have now. Default: {CONSISTENT}, if there is one.",
)
@click.option(
    "--junit",
    "report",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the result as JUnit's XML.",
)
@output.json_option
@click.pass_context
def check(
    ctx: click.Context,
    repository: str,
    target: str | None,
    against: str | None,
    report: Path | None,
    as_json: bool,
) -> None:
    """Check REPOSITORY with the base system and the dependencies that hosts have.

    Every RPM must be installable, no RPM may be there twice, and, compared with what hosts have
    now, nothing may be gone that another package requires, nor be older. Exit code 1: something
    is wrong.

    \b
    rdo promotion check current
    rdo promotion check current --against consistent@2026-11-20 --junit check.xml
    """
    app: App = ctx.obj
    target_of = opened(app, target)
    found = find(target_of, repository)
    before = find(target_of, against) if against else None
    if before is None and target_of.tree.leads(CONSISTENT):
        before = find(target_of, CONSISTENT)
    around = checking.Surroundings(*app.workplaces.base_repositories(target_of.platform))
    answers = checking.check(target_of, found, around, against=before)
    if report:
        atomic.write_file(report, junit(f"{target_of.name} {repository}", answers))
    is_good = not any(one.findings for one in answers)
    places = [one.path for one in found.repositories]
    answer = {
        "target": target_of.name,
        "repository": places,
        "against": [one.path for one in before.repositories] if before else [],
        "passed": is_good,
        "checks": answers,
    }
    output.show(answer, as_json, "\n".join(answer_lines(answers)))
    ctx.exit(0 if is_good else 1)


def answer_lines(answers: Iterable[CheckAnswer]) -> list[str]:
    """Return the answers of checks for people."""
    return [line for one in answers for line in _lines(one)]


def _lines(one: CheckAnswer) -> Iterator[str]:
    state = "skipped" if one.skipped else "passed" if one.passed else "failed"
    yield f"{state}: {QUESTIONS[one.check]}" + (f" ({one.skipped})" if one.skipped else "")
    for finding in one.findings:
        yield from _finding(finding)


def _finding(finding: Defect) -> Iterator[str]:
    who = f" ({', '.join(finding.maintainers)})" if finding.maintainers else ""
    yield f"  {finding.package}{who}: {finding.what}"
    yield from (f"    {sentence}" for sentence in finding.chain)
    if finding.remedy:
        yield f"    next: {finding.remedy}"
