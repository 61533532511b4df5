"""`rdo builder`: list the configured builders, and check that they work."""

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.lazy import LazyGroup
from rdo.cli.progress import live


@click.group(cls=LazyGroup)
def builder() -> None:
    """Show where packages are built, and check that they can be.

    \b
    rdo builder list
    rdo builder check cbs
    """


@builder.command("list")
@output.json_option
@click.pass_obj
def list_(app: App, as_json: bool) -> None:
    """List the builders, and which targets and packages use them."""
    from rdo.app.builder_check import list_builders

    found = list_builders(app.settings)
    rows = [
        (
            one.name,
            one.kind,
            one.workers or "the target's",
            ", ".join([*one.targets, *(f"{each.target}: {each.package}" for each in one.packages)]),
        )
        for one in found
    ]
    output.show(found, as_json, output.Table(("name", "kind", "workers", "builds"), rows))


@builder.command()
@click.argument("name")
@click.option(
    "--target",
    shell_complete=complete.targets,
    help="Target to check it for. Default: the first that uses it.",
)
@click.option("--no-build", is_flag=True, help="Skip the trivial build.")
@output.json_option
@click.pass_obj
def check(app: App, name: str, target: str | None, no_build: bool, as_json: bool) -> None:
    """Check that builder NAME can be used and what it may do, and time a trivial build.

    \b
    rdo builder check cbs
    rdo builder check root --target master-deb12 --no-build
    """
    from rdo.app.builder_check import check_builder, target_for

    app.settings.builder(name)
    chosen = target_for(app.settings, name, target)
    with live(f"checking builder {name}"):
        found = check_builder(app.workplaces, name, chosen, has_build=not no_build)
    lines = [f"builder {found.name} ({found.kind}) can be used for target {found.target}"]
    lines += [f"  {right}" for right in found.rights]
    if found.seconds is not None:
        lines.append(f"  a trivial build took {found.seconds:.1f} s")
    output.show(found, as_json, "\n".join(lines))
