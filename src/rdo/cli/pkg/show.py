"""Verbs of `rdo pkg` that only show something."""

from pathlib import Path

import click

from rdo.cli import output
from rdo.cli.pkg.group import VERBS, desk, desk_in_git


@click.command()
@output.json_option
def pkgenv(as_json: bool) -> None:
    """Show what rdo knows about this distgit: version, branches, patches, Release style."""
    from rdo.distgit.verb import environment

    here = desk_in_git()
    report = environment.report(here, environment.package_env(here))
    output.show(report, as_json, environment.as_text(report))


@click.command()
@output.json_option
def status(as_json: bool) -> None:
    """Show the action in progress, its arguments and its progress."""
    from rdo.distgit.verb import state

    found = state.load(desk().folder)
    output.show(found, as_json, state.as_text(found))


@click.command()
@output.json_option
def patchlog(as_json: bool) -> None:
    """Show the patches branch: its commits since the version, newest first."""
    from rdo.distgit.patches.patch_log import patch_log

    here = desk_in_git()
    found = patch_log(here)
    output.show(found, as_json, str(found))


@click.command()
@click.argument("spec", type=click.Path(path_type=Path), required=False)
@click.option(
    "--lint-checks", default="", metavar="CHECKS", help="Checks to run: sanity, rpmlint.  [all]"
)
@click.option(
    "--error-level",
    default="E",
    show_default=True,
    metavar="{E,W,-}",
    help="Fail (exit code 5, as rdopkg 23) on errors, on warnings too, or never.",
)
@output.json_option
def lint(spec: Path | None, lint_checks: str, error_level: str, as_json: bool) -> None:
    """Check the spec: find patches that would be lost, and run rpmlint."""
    from rdo.distgit import lint as linting
    from rdo.spec.file import SpecFile

    checks = [] if lint_checks in {"", "all"} else lint_checks.split(",")
    hints = linting.lint(spec or Path(SpecFile.find(Path.cwd()).path.name), checks)
    output.show(hints, as_json, linting.report(hints))
    linting.require(hints, error_level)


@click.command()
@output.json_option
def conf(as_json: bool) -> None:
    """Show the settings and the files they come from."""
    settings = desk().settings
    lines = ["No rdopkg config files found, using default config:"]
    if settings.files:
        lines = ["Following config files were read:", *(f"- {file}" for file in settings.files)]
    lines += ["", *(f"{name}: {value}" for name, value in settings.values.items())]
    output.show(settings, as_json, "\n".join(lines))


@click.command()
@output.json_option
def actions(as_json: bool) -> None:
    """Show all actions, and the steps of those that may stop and wait for you."""
    from rdo.distgit.verb.state import STEPS

    rows = {name: list(STEPS.get(name.replace("-", "_"), ())) for name in VERBS}
    lines = []
    for name, steps in rows.items():
        lines += [name, *(f"  {step}" for step in steps)]
    output.show(rows, as_json, "\n".join(lines))


@click.command()
def autocomplete() -> None:
    """Show how to enable shell completion."""
    output.say(
        "Make sure following line is somewhere in your bash config:\n\n"
        '    eval "$(_RDOPKG_COMPLETE=bash_source rdopkg)"\n\n'
        "For zsh use zsh_source, for fish fish_source; `rdo completion` is for rdo itself."
    )


@click.command()
@output.json_option
def doctor(as_json: bool) -> None:
    """Check that this machine has what the verbs need.

    Exit code 3 (1 as rdopkg): a program is missing that the verbs cannot work without.
    """
    from rdo.distgit import health

    found = health.examine(desk())
    rows = [(x.state, x.name, x.detail) for x in found]
    output.show(found, as_json, output.Table(("state", "what", "detail"), rows))
    health.require(found)
