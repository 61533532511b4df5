"""`rdo platform`: manage the base layers of this machine, and make roots to install into."""

import json
from dataclasses import fields
from pathlib import Path

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.lazy import LazyGroup
from rdo.cli.operator.deps import deps, update
from rdo.cli.output_file import OutputFile
from rdo.cli.progress import live


@click.group(cls=LazyGroup)
def platform() -> None:
    """Make, list and enter the platforms that packages are built on.

    \b
    rdo platform create deb12-x86_64
    rdo platform create deb12-x86_64 --root /srv/try --target master-deb12
    rdo platform deps why python-ldap
    """


platform.add_command(deps)
platform.add_command(update)


@platform.command("list")
@output.json_option
@click.pass_obj
def list_platforms(app: App, as_json: bool) -> None:
    """List the known platforms, and which have been made on this machine."""
    from rdo.roots.platform import platform_list

    found = platform_list.list_platforms(app.platforms)
    rows = [(one.platform, "yes" if one.made else "no", one.definition) for one in found]
    output.show(found, as_json, output.Table(("platform", "made here", "definition"), rows))


@platform.command()
@click.argument("name", shell_complete=complete.platforms)
@output.json_option
@click.pass_obj
def show(app: App, name: str, as_json: bool) -> None:
    """Show a platform's definition and its layers."""
    from rdo.roots.platform import platform_list

    found = platform_list.show_platform(app.platforms, name)
    values = ((field.name, getattr(found, field.name)) for field in fields(found))
    output.show(found, as_json, "\n".join(f"{key:12} {_shown(value)}" for key, value in values))


def _shown(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


@platform.command()
@click.argument("name", shell_complete=complete.platforms)
@click.option(
    "--from-definition",
    "definition",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Read the definition of the platform from this file, and keep it beside the base layer.",
)
@click.option(
    "--refresh",
    is_flag=True,
    help="Make the base layer again if the distribution's repositories have changed.",
)
@click.option(
    "--root",
    "folder",
    type=click.Path(path_type=Path),
    help="Also make a fresh root in this new folder, to install packages into.",
)
@click.option(
    "--target",
    shell_complete=complete.targets,
    help="Configure this target's repositories in the fresh root.",
)
@click.option(
    "--name",
    "link",
    default="consistent",
    show_default=True,
    help="Name of the target's repository to use.",
)
@click.option(
    "--repo",
    "repos",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Copy this .repo file into the fresh root (repeatable).",
)
@output.json_option
@click.pass_obj
def create(
    app: App,
    name: str,
    definition: Path | None,
    refresh: bool,
    folder: Path | None,
    target: str | None,
    link: str,
    repos: tuple[Path, ...],
    as_json: bool,
) -> None:  # one parameter per option
    """Make the base layer of platform NAME, unless it exists.

    \b
    rdo platform create el9s-x86_64
    rdo platform create mine-x86_64 --from-definition mine.toml
    """
    if target:
        app.settings.target(target)
    from rdo.roots.install_root import check_new, create_install_root

    if folder:
        check_new(folder)
    with live(f"making {name}"):
        base = app.platforms.create(name, definition, refresh=refresh)
    made = {"platform": name, "base": base.tree, "root": folder}
    if folder is None:
        output.show(made, as_json, f"{name}: {base.tree}")
        return
    files = {path.name: path.read_text() for path in repos}
    if target:
        files |= app.local_repo_files(target, link)
    with live(f"making {folder}"):
        create_install_root(base, folder, files)
    how = f"{folder}: install with: dnf --installroot={folder.resolve()} install PACKAGE"
    output.show(made, as_json, how)


@platform.command()
@click.argument("name", shell_complete=complete.platforms)
@click.option(
    "--record",
    "file",
    type=OutputFile(),
    help="Also write what was found into this file, as JSON.",
)
@output.json_option
@click.pass_context
def check(ctx: click.Context, name: str, file: Path | None, as_json: bool) -> None:
    """Check that the repositories of platform NAME have every name that rdo expects.

    Exit code 1: a package that builds need is missing, or its version differs from the definition.
    Other names that the distribution lacks are only listed.

    \b
    rdo platform check el9s-x86_64
    rdo platform check el9s-x86_64 --record el9s.json
    """
    from rdo import atomic
    from rdo.roots.platform.platform_check import check_platform, faults

    app: App = ctx.obj
    with live(f"checking the repositories of {name}"):
        found = check_platform(app.platforms.find(name), app.platforms.folder / "cache")
    if file:
        recorded = json.dumps(output.plain(found), indent=1, ensure_ascii=False)
        atomic.write_file(file, f"{recorded}\n".encode())
    lacking = [one for one in found if one.fault]
    rows = [(one.name, one.where, "yes" if one.is_needed else "no", one.fault) for one in lacking]
    output.show(found, as_json, output.Table(("name", "of", "needed", "fault"), rows))
    output.say(f"{len(found) - len(lacking)} of {len(found)} names are as expected", err=True)
    ctx.exit(1 if faults(found) else 0)


@platform.command()
@click.argument("name", required=False, shell_complete=complete.platforms)
@click.option(
    "--user", is_flag=True, help="Enter as the build user, without privileges. Default: root."
)
@click.option(
    "--kept",
    metavar="ROOT",
    help="Enter a root that `rdo build --keep-root` has kept, instead of a platform's.",
)
@click.argument("command", nargs=-1)
@click.pass_context
def shell(
    ctx: click.Context, name: str | None, user: bool, kept: str | None, command: tuple[str, ...]
) -> None:
    """Open a shell, or run COMMAND, in a temporary root of platform NAME.

    With --kept, NAME is the kept root of a failed build, and changes in it persist.
    `rdo cache clean roots` removes kept roots.

    \b
    rdo platform shell deb12-x86_64 -- rpm -q gcc
    rdo platform shell --kept python-foo --user
    """
    app: App = ctx.obj
    if kept:
        from rdo.roots.kept_roots import KeptRoots

        words = [name, *command] if name else ["bash", "-l"]
        with KeptRoots.beside(app.settings.roots).entered(kept) as place:
            ctx.exit(place.hand_over(*words, privileged=not user, cwd="/builddir/BUILD"))
    if not name:
        raise click.UsageError("name a platform, or a kept root with --kept")
    from rdo.roots.build_root import build_root
    from rdo.roots.content import ContentStore

    base = app.platforms.base(name)
    content = ContentStore(app.platforms.content)
    with build_root(base, content, app.settings.roots) as root:
        argv = command or ("bash", "-l")
        ctx.exit(root.hand_over(*argv, privileged=not user, cwd="/builddir"))


@platform.command()
@click.argument("name", shell_complete=complete.platforms)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@output.json_option
@click.pass_obj
def remove(app: App, name: str, yes: bool, as_json: bool) -> None:
    """Remove the layers of platform NAME from this machine."""
    output.confirm(f"remove the layers of {name}?", yes=yes)
    removed = app.platforms.remove(name)
    output.show({"removed": removed}, as_json, "\n".join(f"removed {path}" for path in removed))
