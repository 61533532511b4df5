"""`rdo repo evidence`: export what a build was made from, for other programs."""

from pathlib import Path

import click

from rdo import atomic
from rdo.app import App
from rdo.cli import output
from rdo.cli.output_file import OutputFile
from rdo.cli.repo.options import opened, target_option
from rdo.errors import RefusedError


@click.command("evidence")
@click.argument("build", metavar="BUILD|RPM")
@target_option
@click.option(
    "--format",
    "kind",
    type=click.Choice(["cyclonedx", "spdx", "provenance"]),
    default="cyclonedx",
    show_default=True,
    help="The document to write.",
)
@click.option("--sign", is_flag=True, help="Sign a provenance with the target's key (DSSE).")
@click.option(
    "-o",
    "--output",
    "file",
    metavar="FILE",
    type=OutputFile(),
    help="Write to FILE. Default: standard output.",
)
@click.pass_obj
def evidence(
    app: App, build: str, target: str | None, kind: str, sign: bool, file: Path | None
) -> None:
    """Show what a build was made from: a bill of materials, or SLSA's provenance.

    BUILD is the number of a build; RPM is the file name of an RPM that a build made.

    \b
    rdo repo evidence 4711
    rdo repo evidence python3-nova-30.0.0-0.1.noarch.rpm --format provenance --sign
    """
    from rdo.promotion.evidence.documents import document

    chosen = opened(app, target)
    if sign and kind != "provenance":
        raise click.UsageError("--sign is for --format provenance")
    if sign and chosen.tree.signer is None:
        raise RefusedError(
            f"{chosen.name} has no key to sign with", hint="rdo repo sign-key create makes one"
        )
    text = document(chosen, build, kind, chosen.tree.signer if sign else None)
    if file:
        atomic.write_file(file, f"{text}\n")
    else:
        output.say(text)
