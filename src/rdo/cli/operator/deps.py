"""`rdo platform deps`: show and change what was bridged from PyPI and Debian."""

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.lazy import LazyGroup
from rdo.errors import NotFoundError

_target = click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Target to use (optional if there is only one).",
)


@click.group(cls=LazyGroup)
def deps() -> None:
    """Show and change the packages that a target takes from PyPI and Debian.

    \b
    rdo platform deps list
    rdo platform deps why python-ldap
    rdo platform deps add 'python3dist(pymysql) >= 1' openssl
    rdo platform deps drop pymysql
    """


@deps.command("list")
@_target
@output.json_option
@click.pass_obj
def list_deps(app: App, target: str | None, as_json: bool) -> None:
    """List the bridged packages."""
    entries = app.bridges.locked(app.settings.only_target(target))
    rows = [(one.name, one.version, one.origin, one.sha256[:12]) for one in entries]
    output.show(entries, as_json, output.Table(("name", "version", "from", "sha256"), rows))


@deps.command()
@click.argument("name")
@_target
@output.json_option
@click.pass_obj
def why(app: App, name: str, target: str | None, as_json: bool) -> None:
    """Show which build requires NAME, or which bridged package does."""
    from rdo.bridge.lock_file import LockFile, reasons

    lock_file = app.bridges.lock_file(app.settings.only_target(target))
    found = reasons(LockFile.read(lock_file), name)
    if not found:
        raise NotFoundError(f"{name} is not bridged")
    output.show(found, as_json, "\n".join(str(one) for one in found))


@deps.command()
@click.argument("requirements", nargs=-1, required=True)
@_target
@output.json_option
@click.pass_context
def add(
    ctx: click.Context, requirements: tuple[str, ...], target: str | None, as_json: bool
) -> None:
    """Bridge packages that meet REQUIREMENTS: RPM dependencies such as `python3dist(pymysql)`.

    `@NAME` is a set of packages of the platform: `@host` is what a host of a lab has, `@services`
    are the databases, brokers, networks and hypervisors below a cloud.
    """
    from rdo.roots.platform.definition import with_sets

    app: App = ctx.obj
    chosen = app.settings.only_target(target)
    platform = app.platforms.find(app.settings.target(chosen).platform)
    needs = with_sets(platform, requirements)
    provision = app.bridges.of_target(chosen).provide(needs)
    if as_json or provision.provided:
        lines = [f"provided: {need}" for need in provision.provided]
        output.show(provision, as_json, "\n".join(lines))
    if provision.missing:
        raise NotFoundError(f"neither PyPI nor Debian provides {', '.join(provision.missing)}")


@deps.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@_target
@output.json_option
@click.pass_obj
def drop(app: App, name: str, yes: bool, target: str | None, as_json: bool) -> None:
    """Remove NAME and what only it needed; a build that requires NAME bridges it again."""
    output.confirm(f"drop {name}?", yes=yes)
    dropped = app.bridges.of_target(app.settings.only_target(target)).drop(name)
    lines = [f"dropped {one.name} {one.version}" for one in dropped]
    output.show(dropped, as_json, "\n".join(lines))


@click.command()
@_target
@output.json_option
@click.pass_obj
def update(app: App, target: str | None, as_json: bool) -> None:
    """Update all bridged packages of a target from PyPI and Debian."""
    from rdo.bridge.lock_file import version_changes

    before, after = app.bridges.of_target(app.settings.only_target(target)).update()
    changes = version_changes(before, after)
    people = "\n".join(f"{one.name}: {one.before} -> {one.after}" for one in changes)
    output.show(changes, as_json, people or "nothing has changed")
