"""`rdo update`: submit builds for testing, and push them to users."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.errors import ConfigError, RefusedError

if TYPE_CHECKING:
    from rdo.updates.checking import UpdateChecker, UpdateFinding
    from rdo.updates.pushing import PushedUpdate
    from rdo.updates.repository import Update, UpdateRepository

DEFAULT_FILE = "up.yml"
UPDATE_HELP = "Clone of the update repository. Default: RDO_UPDATE_REPO, or the current folder."
_IN_REVIEW = "review"
_repository = click.option(
    "--update-repo",
    "-u",
    "folder",
    metavar="DIR",
    envvar="RDO_UPDATE_REPO",
    type=click.Path(path_type=Path),
    default=Path(),
    help=UPDATE_HELP,
)
_sources = click.option(
    "--source",
    "folders",
    metavar="NAME=PLACE",
    multiple=True,
    help="Where the build source NAME is: a folder with RPMs, or a server's URL (repeatable).",
)
_base = partial(
    click.option,
    "--base",
    metavar="PATH",
    envvar="RDO_UPDATE_BASE",
    help="Start of the paths of users' repositories; REPO/DIST follows. RDO_UPDATE_BASE sets it.",
)
_key = click.option(
    "--key-of",
    metavar="TARGET",
    shell_complete=complete.targets,
    help="Sign RPMs and the repositories' metadata with the key of this target.",
)
_no_availability = click.option(
    "--no-availability", "-a", is_flag=True, help="Do not look for the builds in their sources."
)
_file = click.argument(
    "file", required=False, default=DEFAULT_FILE, type=click.Path(path_type=Path)
)


@click.group()
def update() -> None:
    """Submit builds as updates, test them, and push them to users.

    An update is a file. It moves between the folders `updates`, `ready`, `pushed`, `failed` and
    `rollback` of a git repository, as in RDO's update repository.

    \b
    rdo update new --build foo-1.2-1.el9 --source master-el9 --repo antelope --dist el9s
    rdo update check
    rdo update submit -u ~/rdo-update
    rdo update push -u ~/rdo-update --base /srv/openstack-
    """


@update.command()
@_file
@click.option("--build", "nvr", default="", metavar="NVR", help="NAME-VERSION-RELEASE.")
@click.option(
    "--package",
    default="",
    metavar="NAME",
    help="Instead of --build: the newest good build of this package in the target --source.",
)
@click.option(
    "--source", required=True, help="Build source that has it: a target, koji, cbs, copr-USER."
)
@click.option(
    "--repo", default="", metavar="RELEASE", help="Release that it is for. Default: the target's."
)
@click.option(
    "--dist", default="", help="Base system of the release that it is for. Default: the target's."
)
@click.option("--tag", default="", help="Separate part of the repository.")
@click.option("--arch", default="", help="Architecture the build is limited to.")
@click.option("--notes", default="", help="What the update is about, in a new file.")
@output.json_option
@click.pass_obj
def new(
    app: App,
    file: Path,
    nvr: str,
    package: str,
    source: str,
    repo: str,
    dist: str,
    tag: str,
    arch: str,
    notes: str,
    as_json: bool,
) -> None:  # one parameter per option
    """Add a build to FILE (up.yml); create FILE if it does not exist.

    \b
    rdo update new --package python-greet --source master-deb12 --notes "Greet in colour"
    """
    from rdo.atomic import write_file
    from rdo.updates.build_sources import OwnTarget
    from rdo.updates.update_file import TO_FILL, UpdateBuild, with_build

    if bool(nvr) == bool(package):
        raise ConfigError("pass --build NVR or --package NAME")
    is_target = app.configuration.file is not None and source in app.settings.targets
    if is_target:
        settings = app.settings.target(source)
        repo, dist = repo or settings.release, dist or settings.platform.rpartition("-")[0]
    if not repo or not dist:
        raise ConfigError(f"{source} is not a target of this factory; pass --repo and --dist")
    if package and not is_target:
        raise ConfigError(
            f"{source} is not a target of this factory", hint="pass the NVR with --build"
        )
    nvr = nvr or OwnTarget(app, source).newest(package)
    build = UpdateBuild(nvr, source, repo, dist, tag, arch)
    made = with_build(file, build, notes)
    write_file(file, str(made))
    said = "" if TO_FILL not in made.notes else f"; write its notes in place of {TO_FILL}"
    output.show(made, as_json, f"{file}: {build}{said}")


def _checker(
    app: App, folders: Sequence[str], base: str | None, *, asks_sources: bool = True
) -> "UpdateChecker":
    from rdo.app.metadata import user_cache
    from rdo.updates.build_sources import BuildSources, SourceFolder
    from rdo.updates.checking import UpdateChecker

    named, servers = {}, {}
    for text in folders:
        name, separator, place = text.partition("=")
        if separator and place.startswith(("http://", "https://")):
            servers[name] = place.rstrip("/")
        elif separator and Path(place).is_dir():
            named[name] = SourceFolder(Path(place))
        else:
            raise ConfigError(f"--source {text}: not NAME=FOLDER or NAME=URL")
    has_settings = app.configuration.file is not None
    kept = user_cache() / "updates"
    sources = BuildSources(app if has_settings else None, named, kept, servers)
    releases = app.distribution.releases if has_settings and app.settings.metadata else ()
    return UpdateChecker(releases, sources, base, asks_sources)


@update.command()
@_file
@_sources
@_base()
@_no_availability
@output.json_option
@click.pass_context
def check(
    ctx: click.Context,
    file: Path,
    folders: tuple[str, ...],
    base: str | None,
    no_availability: bool,
    as_json: bool,
) -> None:
    """Check FILE: releases, dists, builds, and the RPMs that users have. Exit code 1: errors."""
    from rdo.updates.update_file import read_update

    checker = _checker(ctx.obj, folders, base, asks_sources=not no_availability)
    found = checker.check(read_update(file))
    output.show(found, as_json, _findings_text(found))
    if _has_errors(found):
        ctx.exit(1)


def _findings_text(found: "Sequence[UpdateFinding]") -> str:
    return "\n".join(map(str, found)) or "nothing is wrong"


def _has_errors(found: "Sequence[UpdateFinding]") -> bool:
    from rdo.updates.checking import FindingWeight

    return any(one.weight is FindingWeight.ERROR for one in found)


def repository_at(folder: Path) -> "UpdateRepository":
    """Return the update repository in a folder; raises RefusedError if it is not one."""
    from rdo.updates.repository import UpdateRepository

    repository = UpdateRepository(folder)
    repository.check()
    return repository


@update.command()
@_file
@_repository
@_sources
@_base()
@_no_availability
@click.option("--push", "has_push", is_flag=True, help="Push the commit to the remote origin.")
@click.option(
    "--review",
    is_flag=True,
    help="Put it up for review instead: on Gerrit, or as a branch update/ID of origin.",
)
@click.option("--keep", is_flag=True, help="Keep FILE. Default: it is removed.")
@output.json_option
@click.pass_context
def submit(
    ctx: click.Context,
    file: Path,
    folder: Path,
    folders: tuple[str, ...],
    base: str | None,
    no_availability: bool,
    has_push: bool,
    review: bool,
    keep: bool,
    as_json: bool,
) -> None:  # one parameter per option
    """Check FILE, and commit it to the update repository under a new id.

    With --review nothing is committed here; the update is committed when the review is accepted.
    A repository with a .gitreview has its reviews on Gerrit.
    """
    done = submit_file(
        ctx.obj,
        Submission(file, folder, folders, base, not no_availability, has_push, review, keep),
    )
    lines = [*map(str, done.findings), f"{done.update.id}: {done.where}"]
    output.show(done.update, as_json, "\n".join(lines))


@dataclass(frozen=True, slots=True)
class Submission:
    """A file to be submitted to the update repository in `folder`, and how."""

    file: Path
    folder: Path
    sources: Sequence[str] = ()
    base: str | None = None
    asks_sources: bool = True
    is_pushed: bool = False
    is_review: bool = False
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """The result of submitting a file: the update, where it is now, and the warnings about it."""

    update: "Update"
    where: str
    findings: "Sequence[UpdateFinding]"


def submit_file(app: App, wanted: Submission) -> Submitted:
    """Check a file and submit it; raises RefusedError, and changes nothing, if it has errors."""
    from rdo.updates.update_file import read_update

    file = wanted.file
    content = read_update(file)
    checker = _checker(app, wanted.sources, wanted.base, asks_sources=wanted.asks_sources)
    found = checker.check(content)
    if _has_errors(found):
        raise RefusedError(f"{file} was not submitted:\n{_findings_text(found)}")
    repository = repository_at(wanted.folder)
    if wanted.is_review:
        proposed = repository.propose(content)
        made, where = proposed.update, f"for review, {proposed.place}"
    else:
        made = repository.add(content)
        where = made.path
        if wanted.is_pushed:
            repository.send()
    if not wanted.is_kept:
        file.unlink()
    return Submitted(made, where, found)


@update.command("list")
@click.argument("state", required=False, default="")
@_repository
@output.json_option
def list_(state: str, folder: Path, as_json: bool) -> None:
    """List the updates of a STATE: updates, ready, pushed, failed, rollback. Default: all.

    The state `review` lists the updates on branches of origin that `submit --review` made.
    """
    from rdo.updates.state import UpdateState

    if state and state not in (_IN_REVIEW, *UpdateState):
        raise ConfigError(f"no state {state}; use {_IN_REVIEW}, {', '.join(UpdateState)}")
    repository = repository_at(folder)
    proposed = repository.proposed() if state in ("", _IN_REVIEW) else []
    found = [one for one in repository.updates() if state in ("", one.state)]
    rows = [(one.id, _IN_REVIEW, _builds(one), _first(one)) for one in proposed]
    rows += [(one.id, one.state, _builds(one), _first(one)) for one in found]
    found = [*proposed, *found]
    output.show(found, as_json, output.Table(("ID", "STATE", "BUILDS", "NOTES"), rows))


def _builds(one: "Update") -> str:
    return ", ".join(dict.fromkeys(build.id for build in one.file.builds)) if one.file else "-"


def _first(one: "Update") -> str:
    return next(iter(one.file.notes.splitlines()), "") if one.file else one.fault


@update.command()
@click.argument("name", metavar="ID")
@_repository
@output.json_option
def show(name: str, folder: Path, as_json: bool) -> None:
    """Show an update: its state, its file, and the RPMs that it gave to users."""
    repository = repository_at(folder)
    found = repository.get(name)
    files = repository.pushed_files(found)
    lines = [f"{found.path}: {found.state.meaning}", *([found.fault] if found.fault else [])]
    lines += [str(found.file).rstrip()] if found.file else []
    output.show({"update": found, "files": files}, as_json, "\n".join([*lines, *files]))


@update.command()
@click.argument("name", metavar="ID")
@click.argument("state", type=click.Choice(["ready", "failed", "updates"]))
@_repository
@click.option("--because", default="", metavar="TEXT", help="Reason, for the commit.")
@output.json_option
def move(name: str, state: str, folder: Path, because: str, as_json: bool) -> None:
    """Move an update to another state, after it was tested."""
    from rdo.updates.state import UpdateState

    repository = repository_at(folder)
    found = repository.get(name)
    if found.state is UpdateState.PUSHED:
        raise RefusedError(f"{name} is pushed", hint=f"rdo update rollback {name}")
    message = f"Move {found.id} to {state}" + (f"\n\n{because}" if because else "")
    moved = repository.move(found, UpdateState(state), message)
    output.show(moved, as_json, f"{moved.id}: {moved.path}")


@update.command("test")
@click.argument("name", metavar="ID")
@_repository
@_sources
@_base(required=True)
@click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Also use the repositories that hosts of this target have besides its own.",
)
@click.option(
    "--with",
    "others",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another yum repository that users have (repeatable).",
)
@click.option("--arch", default="x86_64", show_default=True, help="Architecture of hosts.")
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the repositories of the update below DIR, to install from.",
)
@output.json_option
@click.pass_context
def try_(
    ctx: click.Context,
    name: str,
    folder: Path,
    folders: tuple[str, ...],
    base: str,
    target: str | None,
    others: tuple[Path, ...],
    arch: str,
    keep: Path | None,
    as_json: bool,
) -> None:  # one parameter per option
    """Test whether an update's RPMs and everything that users have can be installed together.

    A requirement that no named repository provides counts as missing, so name the other
    repositories that users have. Exit code 1: something cannot be installed.
    """
    from rdo.solver import SolverRepository
    from rdo.updates.trying import UpdateTrial

    update_file = repository_at(folder).get(name).content()
    base_repositories: tuple[SolverRepository, ...] = ()
    if target:
        arch, base_repositories = ctx.obj.workplaces.host_repositories(target)
    more = [SolverRepository(f"with-{number}", one) for number, one in enumerate(others)]
    sources = _checker(ctx.obj, folders, base).sources
    trial = UpdateTrial(sources, base, arch, (*base_repositories, *more), keep)
    tried = trial.run(update_file)
    lines = [f"{one.place}: {defect.what}" for one in tried for defect in one.defects]
    lines += [f"{one.place}: kept in {one.folder}" for one in tried if one.folder]
    count = sum(len(one.defects) for one in tried)
    lines.append(f"{name}: {count} findings in {len(tried)} repositories")
    output.show(tried, as_json, "\n".join(lines))
    if count:
        ctx.exit(1)


@update.command()
@click.argument("names", metavar="[ID]...", nargs=-1)
@_repository
@_sources
@_base(required=True)
@_key
@click.option("--dry-run", is_flag=True, help="Show what would be pushed.")
@output.json_option
@click.pass_context
def push(
    ctx: click.Context,
    names: tuple[str, ...],
    folder: Path,
    folders: tuple[str, ...],
    base: str,
    key_of: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:  # one parameter per option
    """Push updates that are ready (default: all of them) into users' yum repositories.

    Run an interrupted push again to complete it. Exit code 1: some updates could not be pushed.
    """
    done = push_updates(ctx.obj, folder, base, names, folders, key_of=key_of, is_dry=dry_run)
    did = "would be pushed" if dry_run else "pushed"
    lines = [
        f"{one.id}: not pushed: {one.fault}"
        if one.fault
        else f"{one.id}: {did}, {len(one.files)} RPMs"
        for one in done
    ]
    failed = sum(1 for one in done if one.fault)
    lines.append(f"{len(done) - failed} updates {did}, {failed} not")
    output.show(done, as_json, "\n".join(lines))
    if failed:
        ctx.exit(1)


def push_updates(
    app: App,
    folder: Path,
    base: str,
    names: Sequence[str] = (),
    sources: Sequence[str] = (),
    *,
    key_of: str | None = None,
    is_dry: bool = False,
) -> "list[PushedUpdate]":
    """Push the named updates of a repository, or all that are ready."""
    from rdo.updates.state import UpdateState

    repository = repository_at(folder)
    chosen = [repository.get(name) for name in names]
    chosen = chosen or [one for one in repository.updates() if one.state is UpdateState.READY]
    pushed: list[PushedUpdate] = _pusher(app, repository, sources, base, key_of).push(
        chosen, is_dry=is_dry
    )
    return pushed


def _pusher(
    app: App, repository: "UpdateRepository", folders: Sequence[str], base: str, key_of: str | None
) -> Any:
    from rdo.updates.pushing import Pusher

    signer = app.target(key_of).tree.signer if key_of else None
    if key_of and signer is None:
        raise RefusedError(
            f"{key_of} has no key", hint=f"rdo repo sign-key create --target {key_of}"
        )
    return Pusher(repository, _checker(app, folders, base), base, signer)


@update.command()
@click.argument("name", metavar="ID")
@_repository
@_base(required=True)
@_key
@output.json_option
@click.pass_context
def rollback(
    ctx: click.Context, name: str, folder: Path, base: str, key_of: str | None, as_json: bool
) -> None:
    """Take a pushed update back: users no longer get its RPMs."""
    repository = repository_at(folder)
    files = _pusher(ctx.obj, repository, (), base, key_of).rollback(repository.get(name))
    output.show({"id": name, "files": files}, as_json, f"{name}: {len(files)} RPMs taken back")
