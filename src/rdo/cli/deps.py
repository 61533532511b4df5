"""`rdo platform deps`: what was bridged from PyPI and Debian, why, and other choices."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import output
from rdo.errors import ConfigError, NotFoundError

if TYPE_CHECKING:
    from rdo.bridge.dependencies import Dependencies
    from rdo.bridge.lock_file import LockedPackage

_target = click.option("--target", metavar="T", help="A target of rdo.toml; not needed for one.")


@click.group()
def deps() -> None:
    """What a target's packages need and nobody of its release or base provides.

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
    """Show what is bridged."""
    entries = _entries(app, target)
    rows = [(one.name, one.version, one.origin, one.sha256[:12]) for one in entries]
    output.show(entries, as_json, output.Table(("name", "version", "from", "sha256"), rows))


@deps.command()
@click.argument("name")
@_target
@output.json_option
@click.pass_obj
def why(app: App, name: str, target: str | None, as_json: bool) -> None:
    """Say which requirement brought NAME, or which bridged package needs it."""
    from rdo.bridge.lock_file import reasons

    found = reasons(_entries(app, target), name)
    if not found:
        raise NotFoundError(f"{name} is not bridged")
    output.show(found, as_json, "\n".join(str(one) for one in found))


@deps.command()
@click.argument("requirements", nargs=-1, required=True)
@_target
@click.pass_context
def add(ctx: click.Context, requirements: tuple[str, ...], target: str | None) -> None:
    """Bridge what meets REQUIREMENTS, RPM dependencies such as `python3dist(pymysql)`."""
    provision = _open(ctx.obj, target).provide(requirements)
    for need in provision.provided:
        click.echo(f"provided: {need}")
    if provision.missing:
        raise NotFoundError(f"nothing provides {', '.join(provision.missing)}")


@deps.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_target
@click.pass_obj
def drop(app: App, name: str, yes: bool, target: str | None) -> None:
    """Remove NAME and what only it needed; the next build that asks brings it again."""
    output.confirm(f"drop {name}?", yes=yes)
    for one in _open(app, target).drop(name):
        click.echo(f"dropped {one.name} {one.version}")


@click.command()
@_target
@output.json_option
@click.pass_obj
def update(app: App, target: str | None, as_json: bool) -> None:
    """Choose all bridged packages of a target again, by today's PyPI and Debian."""
    before, after = _open(app, target).update()
    changes = _changes(before, after)
    people = "\n".join(f"{name}: {old} -> {new}" for name, old, new in changes)
    rows = [{"name": name, "before": old, "after": new} for name, old, new in changes]
    output.show(rows, as_json, people or "nothing has changed")


def _changes(
    before: Sequence["LockedPackage"], after: Sequence["LockedPackage"]
) -> list[tuple[str, str | None, str | None]]:
    old = {one.name: one.version for one in before}
    new = {one.name: one.version for one in after}
    names = sorted({*old, *new})
    return [
        (name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)
    ]


def _entries(app: App, target: str | None) -> tuple["LockedPackage", ...]:
    """What is bridged, read without a platform."""
    from rdo.bridge.lock_file import LockFile

    return LockFile.read(app.bridges.lock_file(_target_name(app, target))).entries


def _open(app: App, target: str | None) -> "Dependencies":
    return app.bridges.of_target(_target_name(app, target))


def _target_name(app: App, target: str | None) -> str:
    names = list(app.settings.targets)
    if target is None and len(names) != 1:
        raise ConfigError(
            "there are several targets" if names else "there is no target", hint="--target T"
        )
    name = target or names[0]
    app.settings.target(name)  # or it says what the targets are called
    return name
