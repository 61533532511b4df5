"""`rdo info verify` and `review`: check the metadata, or the entry of one package."""

from pathlib import Path

import click

from rdo import atomic
from rdo.app.metadata import user_cache
from rdo.cli import complete, output
from rdo.cli.info.options import Asked, metadata_options
from rdo.cli.output_file import OutputFile
from rdo.errors import ConfigError
from rdo.metadata import Fault, Level, MetadataError, queries
from rdo.metadata.checking import reports
from rdo.metadata.checking.online import unreachable
from rdo.metadata.checking.verify import verify as verify_all

FORMATS = ("text", "github", "sarif")


@click.command()
@click.option(
    "--online", is_flag=True, help="Also ask every upstream and distgit for its branches."
)
@click.option(
    "--release",
    "releases",
    shell_complete=complete.releases,
    multiple=True,
    metavar="TAG",
    help="Ask only for branches of this release (repeatable).",
)
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.option(
    "--baseline", type=click.Path(path_type=Path), help="File of known faults to leave out."
)
@click.option(
    "--write-baseline",
    type=OutputFile(),
    help="Write the faults found to this file, and stop.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="Output format.",
)
@metadata_options
@output.json_option
def verify(
    asked: Asked,
    online: bool,
    releases: tuple[str, ...],
    strict: bool,
    baseline: Path | None,
    write_baseline: Path | None,
    form: str,
    as_json: bool,
) -> None:
    """Check the metadata. Exit code 2: it has errors.

    \b
    rdo info verify --info .
    rdo info verify --info . --format github --baseline known-faults.txt
    rdo info verify --online --release flamingo
    """
    found = _faults(asked, online, releases)
    if write_baseline:
        atomic.write_file(write_baseline, reports.baseline(found))
        output.show(None, False, f"wrote {write_baseline}: {reports.count(found) or 'no faults'}")
        return
    if baseline:
        found = reports.new_since(found, _text(baseline))
    _show(found, form, as_json)
    bad = found if strict else [fault for fault in found if fault.level is Level.ERROR]
    if bad:
        raise ConfigError(f"the metadata has {reports.count(found)}")


def _faults(asked: Asked, online: bool, releases: tuple[str, ...]) -> list[Fault]:
    try:
        distribution = asked.load().located
    except MetadataError as error:
        return list(error.faults)
    found = verify_all(distribution)
    return found + unreachable(distribution, releases) if online else found


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the baseline {file}: {error}") from error


def _show(found: list[Fault], form: str, as_json: bool) -> None:
    if form == "sarif":
        output.show(reports.sarif(found), True)
    elif form == "github":
        output.show(None, False, reports.github(found))
    else:
        first = sorted(found, key=lambda fault: fault.level is not Level.ERROR)
        rows = list(reports.together(first))
        people = output.Table(("level", "where", "rule", "fault"), rows)
        output.show(found, as_json, people if found else "no faults found")


@click.command()
@click.argument("package", shell_complete=complete.entries)
@click.option("--offline", is_flag=True, help="Do not contact the upstream or the distgit.")
@metadata_options
@output.json_option
def review(asked: Asked, package: str, offline: bool, as_json: bool) -> None:
    """List what a package under review still needs to be accepted. Exit code 1: any step is left.

    \b
    Example: rdo info review oslo.new
    """
    from rdo.metadata.checking.review import review as review_package

    asked.app.reads_only = True
    distribution = asked.load()
    project = str(queries.named(distribution.entries(), package)["project"])
    steps = review_package(
        distribution,
        package,
        built=asked.app.good_builds(project),
        mirrors=None if offline else user_cache() / "review",
    )
    rows = [("done" if x.is_done else "to do", x.name, x.detail) for x in steps]
    output.show(steps, as_json, output.Table(("state", "step", "detail"), rows))
    if not all(step.is_done for step in steps):
        click.get_current_context().exit(1)
