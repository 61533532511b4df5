"""`rdo promotion check`: find what is wrong with a repository as a whole."""

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import click

from rdo import atomic
from rdo.app import App
from rdo.app.targets import OpenTarget
from rdo.checks.findings import CheckAnswer, Defect, question
from rdo.checks.junit import junit
from rdo.checks.results import reason
from rdo.cli import complete, output
from rdo.cli.output_file import OutputFile
from rdo.cli.progress import live
from rdo.cli.repo.options import opened, repository_argument, target_option
from rdo.model.text.dates import minute_utc
from rdo.promotion import checked, checking
from rdo.promotion.compositions import find
from rdo.publish.names import CONSISTENT

again_option = click.option(
    "--again", is_flag=True, help="Run every check again, even if an earlier answer is still valid."
)


@click.command()
@repository_argument()
@target_option
@click.option(
    "--against",
    metavar="REPOSITORY",
    shell_complete=complete.repositories,
    help=f"Repository that hosts use now. Default: {CONSISTENT}, if there is one.",
)
@click.option(
    "--only",
    metavar="CHECK",
    multiple=True,
    help="Run only this check (repeatable), such as installable, install, or a job of the target.",
)
@click.option("--skip", metavar="CHECK", multiple=True, help="Leave this check out (repeatable).")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also run the expensive checks and the target's jobs.",
)
@again_option
@click.option("--show", is_flag=True, help="Show the newest known answers; run nothing.")
@click.option(
    "--junit",
    "report",
    metavar="FILE",
    type=OutputFile(),
    help="Also write the result as JUnit's XML.",
)
@output.json_option
@click.pass_context
def check(
    ctx: click.Context,
    repository: str,
    target: str | None,
    against: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    everything: bool,
    again: bool,
    show: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Check REPOSITORY with the base system and the dependencies that hosts have.

    Every RPM must be installable and intact. No RPM may be there twice, and no two may have the
    same path with different content. Compared with the repository that hosts use now, no package
    may be older, and nothing that a package requires may be missing. With --all, rdo also installs
    the packages, tests the upgrade to them, and runs the target's jobs. Exit code 1: a check found
    something.

    \b
    rdo promotion check current
    rdo promotion check current --against consistent@2026-11-20 --junit check.xml
    rdo promotion check current --all
    rdo promotion check current --show
    """
    app: App = ctx.obj
    is_reader = show or not os.access(app.settings.data, os.W_OK)
    target_of = opened(app, target, reads_only=is_reader)
    subject = _subject(app, target_of, repository, against, is_known=show)
    if show:
        answers = checked.known_answers(target_of, subject.composition)
    else:
        section = app.settings.target(target_of.name)
        asked = checked.wanted(section, only=only, skip=skip, everything=everything, again=again)
        with live(f"checking {repository}"):
            answers = checked.check(subject, asked, by=app.user)
    if report:
        atomic.write_file(report, junit(f"{target_of.name} {repository}", answers))
    is_good = not any(one.findings for one in answers)
    output.show(_answer(subject, answers), as_json, "\n".join(_people(subject, answers)))
    ctx.exit(0 if is_good else 1)


def _subject(
    app: App, target: OpenTarget, repository: str, against: str | None, *, is_known: bool
) -> checking.Subject:
    found = find(target, repository)
    before = find(target, against) if against else None
    if before is None and target.tree.leads(CONSISTENT):
        before = find(target, CONSISTENT)
    around = checking.Surroundings("") if is_known else checking.surroundings(app, target)
    return checking.Subject(target, found, around, before)


def _answer(subject: checking.Subject, answers: tuple[CheckAnswer, ...]) -> dict[str, object]:
    """Return the answers as JSON data."""
    before = subject.against
    return {
        "target": subject.opened.name,
        "repository": [one.path for one in subject.composition.repositories],
        "against": [one.path for one in before.repositories] if before else [],
        "passed": not any(one.findings for one in answers),
        "checks": answers,
    }


def _people(subject: checking.Subject, answers: tuple[CheckAnswer, ...]) -> Iterator[str]:
    if not answers:
        yield f"{subject.composition.label} was never checked; run rdo promotion check"
        return
    yield from answer_lines(answers)
    seconds = sum(one.seconds for one in answers if one.checked is None)
    yield f"{summary(answers)} ({seconds:.1f} s)"


def summary(answers: Collection[CheckAnswer]) -> str:
    """Return how many checks passed and failed; a skipped check is in neither number.

    >>> summary([CheckAnswer("installable"), CheckAnswer("signed", skipped="no key")])
    '2 checks: 1 passed, 1 skipped'
    """
    failed = [one.check for one in answers if one.findings]
    skipped = sum(bool(one.skipped) and not one.findings for one in answers)
    parts = [f"{sum(one.passed for one in answers)} passed"]
    parts += [f"{skipped} skipped"] if skipped else []
    parts += [f"{len(failed)} failed ({', '.join(failed)})"] if failed else []
    return f"{len(answers)} check{'s' if len(answers) != 1 else ''}: {', '.join(parts)}"


def answer_lines(answers: Iterable[CheckAnswer]) -> list[str]:
    """Return the answers of checks as text for people."""
    return [line for one in answers for line in _lines(one)]


def _lines(one: CheckAnswer) -> Iterator[str]:
    state = "skipped" if one.skipped else "passed" if one.passed else "failed"
    remarks = [one.skipped or (reason(one) if one.passed else "")]
    if one.checked:
        remarks.append(f"checked {minute_utc(one.checked)} by {one.by}")
    said = "; ".join(filter(None, remarks))
    yield f"{state}: {question(one.check)}" + (f" ({said})" if said else "")
    for finding in one.findings:
        yield from _finding(finding)
    if one.log and one.findings:
        yield f"  log: {one.log}"


def _finding(finding: Defect) -> Iterator[str]:
    who = f" ({', '.join(finding.maintainers)})" if finding.maintainers else ""
    yield f"  {finding.package}{who}: {finding.what}"
    yield from (f"    {sentence}" for sentence in finding.chain)
    if finding.remedy:
        yield f"    next: {finding.remedy}"
