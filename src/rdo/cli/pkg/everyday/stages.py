"""`rdo pkg srpm`, `prep`, `compile`, `install`, `verify-files` and `local`."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rdo.cli import output
from rdo.cli.pkg.everyday.lookaside import site_of, site_option
from rdo.cli.pkg.group import app_here, desk_in_git, dry_run_option, platform_option
from rdo.errors import RefusedError

if TYPE_CHECKING:
    from rdo.distgit.local_builds import LocalOutcome
    from rdo.distgit.verb.desk import Desk

_offline = click.option("--offline", is_flag=True, help="Do not download anything.")
release_option = click.option(
    "--release",
    metavar="BRANCH",
    default="",
    help="Branch whose distribution to assume, such as f42 or epel9. Default: the current one.",
)
_define = click.option(
    "--define",
    "-D",
    "defines",
    multiple=True,
    metavar="'NAME VALUE'",
    help="Define a macro, as rpmbuild -D does (repeatable).",
)


def take_sources(here: "Desk", site: str, *, is_offline: bool = False) -> None:
    """Download listed sources that are missing here; raises RefusedError if offline."""
    from rdo.distgit.everyday.sources import plan, take

    wanted = plan(here)
    if wanted.missing and is_offline:
        names = ", ".join(entry.name for entry, _ in wanted.missing)
        raise RefusedError(f"missing here: {names}", hint="run rdo pkg sources")
    if wanted.missing:
        take(here, site_of(here, site), wanted)


def macros_of(here: "Desk", release: str, defines: tuple[str, ...]) -> Mapping[str, str]:
    """Return the macros of the branch, and those of --define."""
    from rdo.distgit.everyday.identity import branch_dist

    pairs = (one.split(None, 1) for one in defines if one.strip())
    given = {name: value[0] if value else "%{nil}" for name, *value in pairs}
    return {**branch_dist(here, release).macros, **given}


def _show_plan(here: "Desk", what: str, *, as_json: bool) -> None:
    """Print what the verb would do: the downloads, and then `what`."""
    from rdo.distgit.everyday.sources import plan

    missing = [entry.name for entry, _ in plan(here).missing]
    lines = [*(f"would download {name}" for name in missing), f"would {what}"]
    row = {"dry_run": True, "downloads": missing, "would": what}
    output.show(row, as_json, "\n".join(lines))


def _nvr(here: "Desk", release: str) -> str:
    from rdo.distgit.everyday.identity import verrel

    return verrel(here, None, release).nvr


@click.command()
@_offline
@click.option(
    "--outdir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the SRPM. Default: the distgit.",
)
@release_option
@_define
@site_option
@dry_run_option
@output.json_option
def srpm(
    offline: bool,
    outdir: Path | None,
    release: str,
    defines: tuple[str, ...],
    site: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make the source RPM, in a sandbox; files of the lookaside cache are downloaded first."""
    from rdo.distgit.everyday.stages import make_srpm

    here = desk_in_git(as_json=as_json)
    place = outdir or here.folder
    if dry_run:
        _show_plan(here, f"make {place}/{_nvr(here, release)}.src.rpm", as_json=as_json)
        return
    take_sources(here, site, is_offline=offline)
    made = make_srpm(here, place, macros_of(here, release, defines))
    output.show({"srpm": made}, as_json, f"Wrote: {made}")


@click.command()
@_offline
@release_option
@_define
@site_option
@dry_run_option
@output.json_option
def prep(
    offline: bool,
    release: str,
    defines: tuple[str, ...],
    site: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Unpack and patch the sources here; %prep runs in a sandbox.

    Replaces a folder from an earlier run; refuses to replace anything else.
    """
    from rdo.distgit.everyday.stages import prepare

    here = desk_in_git(as_json=as_json)
    if dry_run:
        _show_plan(here, f"run %prep of {here.spec.path.name} in a sandbox", as_json=as_json)
        return
    take_sources(here, site, is_offline=offline)
    made = prepare(here, macros_of(here, release, defines))
    output.show({"folders": made}, as_json, "\n".join(f"prepared {path.name}" for path in made))


@dataclass(frozen=True, slots=True, kw_only=True)
class _InRoot:
    """The options of a verb that builds in a fresh root."""

    platform: str
    release: str
    defines: tuple[str, ...]
    with_: tuple[str, ...]
    without: tuple[str, ...]
    site: str
    shell: bool
    dry_run: bool
    as_json: bool

    def build(self, here: "Desk", results: Path, **how: Any) -> "LocalOutcome":
        """Build the distgit as it is; `how` is the rest of `BuildOptions`."""
        from rdo.cli.build import BuildOptions, build_sources

        defines = (*self.defines, *conditions(self.with_, self.without))
        macros = defines_of(here, self.release, defines)
        options = BuildOptions(self.platform, results, macros, **how)
        [one] = build_sources(app_here(), [here.spec.file], options, lambda _: None)
        return one


def _root_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a verb that builds in a fresh root."""
    for option in (
        output.json_option,
        dry_run_option,
        site_option,
        click.option(
            "--shell", is_flag=True, help="Open a shell in the root at the end, to look around."
        ),
        click.option("--without", multiple=True, metavar="NAME", help="Disable a %bcond."),
        click.option("--with", "with_", multiple=True, metavar="NAME", help="Enable a %bcond."),
        _define,
        release_option,
        platform_option,
    ):
        command = option(command)
    return command


@click.command("compile")
@_root_options
@click.pass_context
def compile_(ctx: click.Context, /, **options: Any) -> None:
    """Build up to %build, in a fresh root with the BuildRequires."""
    _until(ctx, "compile", _InRoot(**options))


@click.command()
@_root_options
@click.pass_context
def install(ctx: click.Context, /, **options: Any) -> None:
    """Build up to %install and %check, in a fresh root with the BuildRequires."""
    _until(ctx, "install", _InRoot(**options))


@click.command()
@_root_options
@click.pass_context
def verify_files(ctx: click.Context, /, **options: Any) -> None:
    """Check, in a fresh root, that the %files sections match what %install leaves."""
    _until(ctx, "files", _InRoot(**options))


def _until(ctx: click.Context, stage: str, asked: _InRoot) -> None:
    from rdo.builders.rooms.rpmbuild import Stage
    from rdo.cli.build import exit_code, people, row_of

    here = desk_in_git(as_json=asked.as_json)
    if asked.dry_run:
        place = f"a root of {asked.platform}, up to the stage {stage}"
        what = f"build {_nvr(here, asked.release)} in {place}"
        _show_plan(here, what, as_json=asked.as_json)
        return
    take_sources(here, asked.site)
    with tempfile.TemporaryDirectory(prefix="rdo-results-") as results:
        shell = "always" if asked.shell else "never"
        one = asked.build(here, Path(results), shell=shell, stage=Stage(stage))
        code = exit_code([one.outcome])
        if code:
            kept = here.folder / f".build-{stage}.log"
            log = one.job.results / "rpmbuild.log"
            if log.is_file():
                kept.write_bytes(log.read_bytes())
                here.clone.exclude("/.build-*.log")
            said = people(one).replace(str(log), str(kept))
        else:
            said = f"{stage}: done"
        output.show(row_of(one) if asked.as_json else None, asked.as_json, said)
    ctx.exit(code)


def conditions(with_: tuple[str, ...], without: tuple[str, ...]) -> tuple[str, ...]:
    """Return the macros that `rpmbuild --with NAME --without NAME` defines."""
    return (*(f"_with_{name} 1" for name in with_), *(f"_without_{name} 1" for name in without))


def defines_of(here: "Desk", release: str, defines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the macros of a branch and the given ones, in the form of `rpmbuild --define`."""
    found = macros_of(here, release, defines)
    return tuple(f"{name} {value}" for name, value in found.items())


@click.command()
@_root_options
@click.pass_context
def local(ctx: click.Context, /, **options: Any) -> None:
    """Build the RPMs in a fresh root, and leave them here: the SRPM, and a folder for each arch.

    The log is `.build-VERSION-RELEASE.log`.
    """
    from rdo.cli.build import exit_code, people, row_of
    from rdo.distgit.everyday.identity import verrel
    from rdo.distgit.everyday.stages import place_results

    asked = _InRoot(**options)
    here = desk_in_git(as_json=asked.as_json)
    found = verrel(here, None, asked.release)
    if asked.dry_run:
        what = f"build {found.nvr} in a root of {asked.platform}"
        _show_plan(here, what, as_json=asked.as_json)
        return
    take_sources(here, asked.site)
    with tempfile.TemporaryDirectory(prefix="rdo-results-") as results:
        one = asked.build(here, Path(results), shell="failed" if asked.shell else "never")
        vr = f"{found.ver}-{found.rel}"
        placed = place_results(here, Path(results), Path(results, "rpmbuild.log"), vr)
        code = exit_code([one.outcome])
        log = here.folder / f".build-{vr}.log"
        lines = [f"Wrote: {path}" for path in placed]
        if code:
            lines.append(people(one).partition("\nlog: ")[0])
        row = {**row_of(one), "rpms": placed, "log": log}
        output.show(row, asked.as_json, "\n".join([*lines, f"log: {log}"]))
    ctx.exit(code)
