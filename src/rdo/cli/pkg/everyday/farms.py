"""`rdo pkg build`, `scratch-build`, `chain-build`, `copr-build`, `kojibuild`, `cbsbuild`."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rdo.cli import output
from rdo.cli.pkg.everyday.lookaside import known_site, site_option
from rdo.cli.pkg.everyday.stages import macros_of, release_option, take_sources
from rdo.cli.pkg.group import app_here, desk_in_git, dry_run_option, platform_option
from rdo.errors import RefusedError
from rdo.model.build import Built, Failed

if TYPE_CHECKING:
    from rdo.distgit.verb.desk import Desk
    from rdo.model.build import Outcome

_SRPM = click.option(
    "--srpm",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Build this source RPM, or without FILE one that is made from the local changes.",
)


def farm_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every verb that builds at a farm."""
    for option in (
        dry_run_option,
        output.json_option,
        site_option,
        click.option("--nowait", is_flag=True, help="Do not wait for the build to end."),
        click.option(
            "--builder",
            default="",
            metavar="NAME",
            help="Builder of rdo.toml. Default: the site's, or the only one.",
        ),
    ):
        command = option(command)
    return command


def _branch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the farm options, and those of a verb that builds the checked-out branch."""
    return farm_options(platform_option(release_option(command)))


_target = click.option(
    "--target", default="", help="Target at the farm. Default: the branch's, or the builder's."
)


@click.command()
@_branch_options
@_target
@click.option("--scratch", is_flag=True, help="Make a scratch build, which is not kept.")
@_SRPM
@click.pass_context
def build(ctx: click.Context, /, **options: Any) -> None:
    """Build the pushed commit on the farm that the site or rdo.toml names.

    \b
    rdo pkg build
    rdo pkg build --scratch --srpm
    """
    ctx.exit(build_at_farm(**options))


@click.command()
@_branch_options
@_target
@_SRPM
@click.pass_context
def scratch_build(ctx: click.Context, /, **options: Any) -> None:
    """Make a scratch build of the pushed commit on the farm; with --srpm, of local changes."""
    ctx.exit(build_at_farm(scratch=True, **options))


@click.command()
@_branch_options
@_target
@click.option("--scratch", is_flag=True, help="Make a scratch build, which is not kept.")
@_SRPM
@click.pass_context
def kojibuild(ctx: click.Context, /, **options: Any) -> None:
    """Build in the Koji hub that rdo.toml names."""
    ctx.exit(build_at_farm(kind="koji", **options))


@click.command()
@_branch_options
@_target
@click.option("--scratch", is_flag=True, help="Make a scratch build, which is not kept.")
@click.pass_context
def cbsbuild(ctx: click.Context, /, **options: Any) -> None:
    """Build in CentOS's build system, the builder `cbs` of rdo.toml, from a source RPM."""
    options["builder"] = options["builder"] or "cbs"
    ctx.exit(build_at_farm(srpm="", **options))


@click.command()
@_branch_options
@click.argument("project", required=False, default="")
@click.pass_context
def copr_build(ctx: click.Context, /, **options: Any) -> None:
    """Build in Copr's PROJECT (OWNER/NAME; default: the builder's), from a source RPM."""
    ctx.exit(build_at_farm(kind="copr", srpm="", **options))


def build_at_farm(
    *,
    builder: str,
    nowait: bool,
    release: str,
    platform: str,
    site: str,
    dry_run: bool,
    as_json: bool,
    srpm: str | None,
    target: str = "",
    scratch: bool = False,
    project: str = "",
    kind: str = "",
) -> int:
    """Build this distgit on a farm, show the outcome, and return the exit code."""
    from rdo.distgit.everyday import farm_builds
    from rdo.distgit.everyday.identity import verrel

    here = desk_in_git(as_json=as_json)
    app = app_here()
    known = known_site(here, site)
    choice = farm_builds.choose(app.settings, known, builder=builder, kind=kind)
    has_srpm = srpm is not None or choice.kind != "koji"
    if srpm is None:
        farm_builds.require_pushed(here)
    options = farm_builds.options_of(
        here,
        known,
        choice,
        target=target,
        project=project,
        is_scratch=scratch,
        has_srpm=has_srpm,
    )
    found = verrel(here, known, release)
    nvr = found.nvr
    where = options.get("koji_target") or project or choice.builder
    here.say(f"Building {nvr} for {where}")
    if dry_run:
        row = {"nvr": nvr, "builder": choice.builder, "dry_run": True, **options}
        said = f"would be built by {choice.builder}, from {options.get('source_url') or 'an SRPM'}"
        output.show(row, as_json, said)
        return 0
    farm_builds.ignore_results(here, found)
    with tempfile.TemporaryDirectory(prefix="rdo-srpm-") as scratch_folder:
        made = None
        if options.get("source_url") is None:
            made = _srpm(here, srpm or "", site, release, Path(scratch_folder))
        opened = app.workplaces.of_srpm(
            choice.builder, made, options, target=choice.target, platform=platform
        )
        folder = farm_builds.results_folder(here, found)
        run = farm_builds.FarmBuildRun(here, opened, folder, found.repo_name)
        submitted, outcome = run.run(waits=not nowait)
    row = {
        "nvr": nvr,
        "builder": choice.builder,
        "task": submitted.number if submitted else "",
        "page": submitted.page if submitted else "",
        **row_of_outcome(outcome),
    }
    output.show(row, as_json, said_of(outcome, nvr, folder))
    return code_of(outcome)


def _srpm(
    here: "Desk",
    given: str,
    site: str,
    release: str,
    folder: Path,
) -> Path:
    """Return the given source RPM, or make one."""
    from rdo.distgit.everyday.stages import make_srpm

    if given:
        if not Path(given).is_file():
            raise RefusedError(f"there is no file {given}")
        return Path(given).absolute()
    take_sources(here, site)
    return make_srpm(here, folder, macros_of(here, release, ()))


def row_of_outcome(outcome: "Outcome | None") -> dict[str, object]:
    """Return an outcome as JSON data; None: the build still runs on the farm."""
    match outcome:
        case None:
            return {"outcome": "submitted"}
        case Built(rpms):
            return {"outcome": "built", "rpms": rpms}
        case Failed(reason, detail):
            return {"outcome": "failed", "reason": reason, "detail": detail}
    return {"outcome": "failed", "detail": f"waits for {', '.join(outcome.needs)}"}


def said_of(outcome: "Outcome | None", nvr: str, folder: Path) -> str:
    """Return an outcome as text for people."""
    row = row_of_outcome(outcome)
    if outcome is None:
        return f"{nvr} was submitted"
    if isinstance(outcome, Built):
        return f"{nvr} was built; its RPMs and logs are in {folder}"
    return f"{nvr} failed ({row.get('reason', 'waiting')}): {row['detail']}\nlogs: {folder}"


def code_of(outcome: "Outcome | None") -> int:
    """Return the exit code: 1 for a failure, 6 for one that the package did not cause."""
    if outcome is None or isinstance(outcome, Built):
        return 0
    return 6 if isinstance(outcome, Failed) and outcome.reason.is_spurious else 1


@click.command()
@_branch_options
@_target
@click.argument("packages", nargs=-1, required=True)
@click.pass_context
def chain_build(
    ctx: click.Context,
    builder: str,
    nowait: bool,
    release: str,
    platform: str,
    site: str,
    dry_run: bool,
    as_json: bool,
    target: str,
    packages: tuple[str, ...],
) -> None:
    """Build PACKAGES on the farm one after the other, and then the package of this distgit.

    A colon begins a new group, which is built when those before it are in the farm's repository.

    \b
    rdo pkg chain-build liba libb : appc
    """
    from rdo.distgit.everyday import farm_builds
    from rdo.distgit.everyday.identity import verrel

    if nowait:
        raise RefusedError("chain-build has to wait for each package", hint="leave out --nowait")
    here = desk_in_git(as_json=as_json)
    app = app_here()
    known = known_site(here, site)
    choice = farm_builds.choose(app.settings, known, builder=builder, kind="koji")
    if known is None or not known.anonymous:
        raise RefusedError("chain-build needs a site with repositories", hint="choose it by --site")
    farm_builds.require_pushed(here)
    own = farm_builds.package_name(here, known)
    chain = farm_builds.groups(packages, own)
    sources = {
        one: farm_builds.source_of_branch(here, known, one) for group in chain for one in group
    }
    wanted = farm_builds.farm_target(here, known, target)
    found = verrel(here, known, release)
    if not dry_run:
        farm_builds.ignore_results(here, found)
    rows: list[dict[str, object]] = []
    for package, source in sources.items():
        if dry_run:
            rows.append({"package": package, "source": source, "outcome": "not tried"})
            continue
        here.say(f"Building {package} for {wanted or choice.builder}")
        keys = {"source_url": source} | ({"koji_target": wanted} if wanted else {})
        opened = app.workplaces.of_srpm(
            choice.builder, None, keys, target=choice.target, platform=platform
        )
        folder = farm_builds.results_folder(here, found) / "chain" / package
        _, outcome = farm_builds.FarmBuildRun(here, opened, folder, package).run()
        rows.append({"package": package, "source": source, **row_of_outcome(outcome)})
        if code_of(outcome):
            break
    done = len([row for row in rows if row["outcome"] == "built"])
    table = output.Table(
        ("package", "outcome", "source"),
        [(str(row["package"]), str(row["outcome"]), str(row["source"])) for row in rows],
    )
    output.show(rows, as_json, table)
    ctx.exit(0 if dry_run or done == len(sources) else 1)
