"""`rdo build`: build one spec or SRPM on a platform of this machine."""

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.progress import live
from rdo.errors import OutsideError, RefusedError
from rdo.model.build import BUILD_LOG, Built, Failed, FailureReason

if TYPE_CHECKING:
    from rdo.builders.room import Room
    from rdo.distgit.local_builds import LocalOutcome
    from rdo.model.build import Outcome

log = logging.getLogger(__name__)


def _shell(when: str) -> "Callable[[Room, Outcome], None] | None":
    """Return what opens a shell in a build's root: if it failed, always, or never."""
    if when == "never":
        return None

    def open_shell(room: "Room", outcome: "Outcome") -> None:
        is_failed = isinstance(outcome, Failed)
        if is_failed or when == "always":
            how = "failed" if is_failed else "ended"
            said = f"the build {how}; opening a shell in its root (leave it with exit)"
            output.say(said, err=True)
            room.root.hand_over("bash", cwd="/builddir/BUILD")

    return open_shell


def _of_platform(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    """Refuse an architecture that is not the platform's: a platform has exactly one."""
    platform = ctx.params["platform"]
    if value and not platform.endswith(f"-{value}"):
        raise click.BadParameter(
            f"platform {platform} is not for {value}; choose another one with --platform"
            " (rdo platform list shows them)"
        )


def _repositories(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[Path | str, ...]:
    """Return folders as paths, and URLs as they are; a folder that is missing is wrong usage."""
    for value in values:
        if "://" not in value and not Path(value).is_dir():
            raise click.BadParameter(f"{value!r} is neither a folder nor a URL")
    return tuple(value if "://" in value else Path(value) for value in values)


@click.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--platform",
    "-P",
    "-r",
    is_eager=True,
    shell_complete=complete.platforms,
    default="deb12-x86_64",
    show_default=True,
    help="Platform to build on.",
)
@output.results_option("Folder for RPMs and logs.")
@click.option(
    "--define",
    "-D",
    "defines",
    multiple=True,
    help="Define a macro, as rpmbuild -D does (repeatable).",
)
@click.option(
    "--target",
    shell_complete=complete.targets,
    help="Use the packages and dependencies of this target. Default: none.",
)
@click.option(
    "--repo",
    "--addrepo",
    "-a",
    "repositories",
    multiple=True,
    metavar="FOLDER|URL",
    callback=_repositories,
    help="Folder of RPMs, with or without repodata, or URL of a repository, that provides"
    " BuildRequires (repeatable).",
)
@click.option(
    "--additional-package",
    "additional",
    multiple=True,
    metavar="PACKAGE",
    help="Install this too, although the spec does not require it (repeatable).",
)
@click.option(
    "--arch",
    metavar="ARCH",
    expose_value=False,
    callback=_of_platform,
    help="Architecture, which must be the platform's.",
)
@click.option(
    "--enable-network",
    "has_network",
    is_flag=True,
    help="Let the build reach the network; what it fetches there is not checked by anybody.",
)
@click.option(
    "--chain",
    is_flag=True,
    help="Build the sources in this order, each with the RPMs of those before it.",
)
@click.option("--minutes", default=60, show_default=True, help="Time limit in minutes.")
@click.option("--log-mb", default=200, show_default=True, help="Maximum log size in MB.")
@click.option(
    "--source-date",
    type=int,
    metavar="SECONDS",
    help="Set SOURCE_DATE_EPOCH, the latest time in the packages.",
)
@click.option(
    "--shell", "shell", flag_value="failed", help="Open a shell in the root if the build fails."
)
@click.option(
    "--shell-always",
    "shell",
    flag_value="always",
    help="Open a shell in the root after the build, even if it succeeded.",
)
@output.json_option
@click.pass_context
def build(  # one parameter per option
    ctx: click.Context,
    sources: tuple[Path, ...],
    platform: str,
    results: Path,
    defines: tuple[str, ...],
    target: str | None,
    repositories: tuple[Path | str, ...],
    additional: tuple[str, ...],
    has_network: bool,
    chain: bool,
    minutes: int,
    log_mb: int,
    source_date: int | None,
    shell: str | None,
    as_json: bool,
) -> None:
    """Build each of SOURCES in a fresh root: a .src.rpm, or a .spec with its sources beside it.

    BuildRequires come from the platform, from each --repo, from --target, and from PyPI; the
    build itself runs without privileges, and without network unless --enable-network is given. Of
    several sources each has a folder of its own in --results.

    \b
    rdo build python-foo.spec
    rdo build python-foo-1.0-1.src.rpm --shell
    rdo build liba.src.rpm appb.src.rpm --chain
    """
    from rdo.distgit.local_build import LocalBuild, build_local
    from rdo.distgit.local_builds import build_each, check_sources, place_of, repositories_of
    from rdo.trunk.admitted import LocalAdmission

    app: App = ctx.obj
    app.reads_only = True  # of a target
    check_sources(sources)
    if target:
        app.settings.target(target)
    folders = [one for one in repositories if isinstance(one, Path)]
    urls = [one for one in repositories if isinstance(one, str)]
    # A shell needs the terminal for itself.
    shown = contextlib.nullcontext() if shell else live("preparing the build")
    with shown, repositories_of(folders, urls) as given:
        base = given.added_to(app.platforms.create(platform))
        dependencies = app.bridges.of_target(target) if target else app.bridges.local(platform)
        workshop = app.workplaces.workshop(dependencies, minutes=minutes, log_mb=log_mb)
        own = app.repositories(target, "current") if target else ()
        jobs = [
            LocalBuild(
                source,
                results / place_of(source) if len(sources) > 1 else results,
                defines,
                (*given.folders, *own),
                source_date,
                additional,
                has_network,
            )
            for source in sources
        ]
        at_end = _shell(shell or "never")
        admit = LocalAdmission.opened(app, platform, target).of

        def build_one(job: LocalBuild) -> "Outcome":
            log.info("building %s", job.source.name)
            there = replace(workshop, base=base)
            return build_local(job, there, dependencies, at_end=at_end, admit=admit)

        ended = []
        for one in build_each(jobs, build_one, is_chain=chain):
            ended.append(one)
            if not as_json:
                output.show(None, False, _people(one))
    if as_json:
        rows = [_row(one) for one in ended]
        output.show(rows if len(sources) > 1 else rows[0], as_json)
    ctx.exit(_exit_code([one.outcome for one in ended]))


def _exit_code(outcomes: Sequence["Outcome | None"]) -> int:
    """Return 1 for a failure, 6 if only external ones are left, 5 if no source is for here."""
    failed = [one for one in outcomes if isinstance(one, Failed)]
    excluded = [one for one in failed if one.reason is FailureReason.ARCHITECTURE]
    if len(failed) > len(excluded):
        is_outside = all(one.reason.is_spurious for one in failed if one not in excluded)
        return OutsideError.exit_code if is_outside else 1
    return RefusedError.exit_code if excluded and len(excluded) == len(outcomes) else 0


def _row(one: "LocalOutcome") -> dict[str, object]:
    """Return a build's end for programs."""
    log_file = one.job.results / BUILD_LOG
    match one.outcome:
        case Built(rpms):
            return {"outcome": "built", "rpms": rpms, "log": log_file}
        case Failed(reason, detail):
            return {"outcome": "failed", "reason": reason, "detail": detail, "log": log_file}
    return {"outcome": "not tried", "source": one.job.source}


def _people(one: "LocalOutcome") -> str:
    """Return a build's end for people."""
    from rdo.logs.reader import one_line

    log_file = one.job.results / BUILD_LOG
    match one.outcome:
        case Built(rpms):
            return "".join(f"built {path}\n" for path in rpms) + f"log: {log_file}"
        case Failed(reason, detail):
            what = "not built" if reason is FailureReason.ARCHITECTURE else "failed"
            lines = [f"{what} ({reason}): {one_line(detail)}"]
            if detail.startswith("nothing provides"):
                lines.append("  build it first, then add --repo FOLDER, or build both with --chain")
            return "\n".join([*lines, f"log: {log_file}"])
    return f"not tried: {one.job.source}"
