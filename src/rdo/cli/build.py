"""`rdo build`: build one spec or SRPM on a platform of this machine."""

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.progress import live
from rdo.errors import OutsideError, RefusedError
from rdo.model.build import BUILD_LOG, Built, Failed, FailureReason

if TYPE_CHECKING:
    from rdo.builders.rooms.room import Room
    from rdo.builders.rooms.rpmbuild import Stage
    from rdo.distgit.local_build import LocalBuild
    from rdo.distgit.local_builds import LocalOutcome
    from rdo.model.build import Outcome
    from rdo.roots.kept_roots import KeptRoots

log = logging.getLogger(__name__)


def _shell(when: str) -> "Callable[[Room, Outcome], None] | None":
    """Return a hook that opens a shell in a build's root: after a failure, always, or never."""
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


def _keeping(
    job: "LocalBuild", kept: "KeptRoots", then: "Callable[[Room, Outcome], None] | None"
) -> "Callable[[Room, Outcome], None]":
    """Return a hook that keeps the root of a failed build, after calling `then`."""
    from rdo.distgit.local_builds import place_of

    def at_end(room: "Room", outcome: "Outcome") -> None:
        if then:
            then(room, outcome)
        if isinstance(outcome, Failed):
            name = kept.keep(room.root, place_of(job.source))
            output.say(f"its root is kept; enter it: rdo platform shell --kept {name}", err=True)

    return at_end


def _of_platform(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    """Refuse an architecture that the platform does not have: each platform has exactly one."""
    platform = ctx.params["platform"]
    if value and not platform.endswith(f"-{value}"):
        raise click.BadParameter(
            f"platform {platform} is not for {value}; choose another one with --platform"
            " (rdo platform list shows them)"
        )


def _repositories(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[Path | str, ...]:
    """Return folders as paths, and URLs unchanged; a missing folder is a usage error."""
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
    help="Let the build use the network; what it downloads is not verified.",
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
@click.option(
    "--keep-root",
    is_flag=True,
    help="Keep the root if the build fails, for `rdo platform shell --kept`.",
)
@click.option(
    "--until",
    type=click.Choice(["compile", "install", "files"]),
    help="Stop after %build, after %install and %check, or after the check of %files; only the"
    " SRPM is made.",
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
    keep_root: bool,
    until: str | None,
    as_json: bool,
) -> None:
    """Build each of SOURCES in a fresh root: a .src.rpm, or a .spec with its sources beside it.

    BuildRequires come from the platform, from each --repo, from --target, and from PyPI; the
    build itself runs without privileges, and without network unless --enable-network is given.
    With several sources, each gets a folder of its own in --results.

    \b
    rdo build python-foo.spec
    rdo build python-foo-1.0-1.src.rpm --shell
    rdo build liba.src.rpm appb.src.rpm --chain
    """
    from rdo.builders.rooms.rpmbuild import Stage

    options = BuildOptions(
        platform,
        results,
        defines,
        target,
        repositories,
        additional,
        has_network,
        chain,
        minutes,
        log_mb,
        source_date,
        shell or "never",
        keep_root,
        Stage(until or "all"),
    )

    def tell(one: "LocalOutcome") -> None:
        if not as_json:
            output.show(None, False, people(one))

    ended = build_sources(ctx.obj, sources, options, tell)
    if as_json:
        rows = [row_of(one) for one in ended]
        output.show(rows if len(sources) > 1 else rows[0], as_json)
    ctx.exit(exit_code([one.outcome for one in ended]))


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """The options of `rdo build`: how sources are built here."""

    platform: str
    results: Path
    defines: tuple[str, ...] = ()
    target: str | None = None
    repositories: tuple[Path | str, ...] = ()
    additional: tuple[str, ...] = ()
    has_network: bool = False
    is_chain: bool = False
    minutes: int = 60
    log_mb: int = 200
    source_date: int | None = None
    shell: str = "never"
    keeps_root: bool = False
    stage: "Stage | None" = None


def build_sources(
    app: App,
    sources: Sequence[Path],
    options: BuildOptions,
    tell: Callable[["LocalOutcome"], None],
) -> list["LocalOutcome"]:
    """Build each source in a fresh root, print each outcome, and return all outcomes.

    Raises the errors of `check_sources` and `build_local`.
    """
    from rdo.builders.rooms.rpmbuild import Stage
    from rdo.distgit.local_build import LocalBuild, build_local
    from rdo.distgit.local_builds import build_each, check_sources, place_of, repositories_of
    from rdo.roots.kept_roots import KeptRoots
    from rdo.trunk.admitted import LocalAdmission

    app.reads_only = True  # reads the store of --target only
    target, platform = options.target, options.platform
    check_sources(sources)
    if target:
        app.settings.target(target)
    folders = [one for one in options.repositories if isinstance(one, Path)]
    urls = [one for one in options.repositories if isinstance(one, str)]
    # A shell needs the terminal for itself.
    shown = contextlib.nullcontext() if options.shell != "never" else live("preparing the build")
    with shown, repositories_of(folders, urls) as given:
        base = given.added_to(app.platforms.create(platform))
        dependencies = app.bridges.of_target(target) if target else app.bridges.local(platform)
        workshop = app.workplaces.workshop(
            dependencies, minutes=options.minutes, log_mb=options.log_mb
        )
        own = app.repositories(target, "current") if target else ()
        jobs = [
            LocalBuild(
                source,
                options.results / place_of(source) if len(sources) > 1 else options.results,
                options.defines,
                (*given.folders, *own),
                options.source_date,
                options.additional,
                options.has_network,
                options.stage or Stage.ALL,
            )
            for source in sources
        ]
        at_end = _shell(options.shell)
        kept = KeptRoots.beside(app.settings.roots)
        admit = LocalAdmission.opened(app, platform, target).of

        def build_one(job: LocalBuild) -> "Outcome":
            log.info("building %s", job.source.name)
            there = replace(workshop, base=base)
            last = _keeping(job, kept, at_end) if options.keeps_root else at_end
            return build_local(job, there, dependencies, at_end=last, admit=admit)

        ended = []
        for one in build_each(jobs, build_one, is_chain=options.is_chain):
            ended.append(one)
            tell(one)
    return ended


def exit_code(outcomes: Sequence["Outcome | None"]) -> int:
    """Return 1 for a failure, 6 if only external problems are left, 5 if no source fits here."""
    failed = [one for one in outcomes if isinstance(one, Failed)]
    excluded = [one for one in failed if one.reason is FailureReason.ARCHITECTURE]
    if len(failed) > len(excluded):
        is_outside = all(one.reason.is_spurious for one in failed if one not in excluded)
        return OutsideError.exit_code if is_outside else 1
    return RefusedError.exit_code if excluded and len(excluded) == len(outcomes) else 0


def row_of(one: "LocalOutcome") -> dict[str, object]:
    """Return the outcome of a build as JSON data."""
    log_file = one.job.results / BUILD_LOG
    match one.outcome:
        case Built(rpms):
            return {"outcome": "built", "rpms": rpms, "log": log_file}
        case Failed(reason, detail):
            return {"outcome": "failed", "reason": reason, "detail": detail, "log": log_file}
    return {"outcome": "not tried", "source": one.job.source}


def people(one: "LocalOutcome") -> str:
    """Return the outcome of a build as text for people."""
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
