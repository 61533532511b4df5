"""`rdo pkg coprbuild`: build for a release in Copr, and add the build to an update file."""

import platform
from pathlib import Path

import click

from rdo.cli import output
from rdo.cli.pkg.everyday.farms import build_at_farm, farm_options
from rdo.cli.pkg.everyday.lookaside import known_site
from rdo.cli.pkg.group import app_here, desk_in_git
from rdo.cli.pkg.info import info_file_option, load_metadata, local_info_option


@click.command()
@farm_options
@click.option(
    "--release",
    "-r",
    default="",
    help="Release of the metadata to build for. Default: the first one that has the branch.",
)
@click.option(
    "--dist",
    "-d",
    default="",
    help="Base system of the release. Default: the first one that has the branch.",
)
@click.option(
    "--update-file",
    "-f",
    metavar="FILE",
    default="up.yml",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Update file that the build is added to.",
)
@click.option(
    "--no-update-file", "-F", is_flag=True, help="Do not add the build to an update file."
)
@click.option(
    "--skip-build",
    "-s",
    is_flag=True,
    help="Do not build; add the build that is already in Copr to the update file.",
)
@click.option("--user", "-u", default="", help="Owner of the project. Default: the builder's.")
@local_info_option
@info_file_option
@click.pass_context
def coprbuild(
    ctx: click.Context,
    builder: str,
    nowait: bool,
    site: str,
    dry_run: bool,
    as_json: bool,
    release: str,
    dist: str,
    update_file: Path,
    no_update_file: bool,
    skip_build: bool,
    user: str,
    local_info: str,
    info_file: str,
) -> None:  # one parameter per option
    """Build in Copr's project rdo-RELEASE-DIST, and add the build to an update file.

    \b
    rdo pkg coprbuild
    rdo pkg coprbuild -r antelope -d el9s
    """
    from rdo.atomic import write_file
    from rdo.distgit.everyday import farm_builds
    from rdo.distgit.everyday.identity import branch_of, verrel
    from rdo.updates.build_sources import COPR
    from rdo.updates.update_file import UpdateBuild, with_build

    here = desk_in_git(as_json=as_json)
    app = app_here()
    choice = farm_builds.choose(app.settings, None, builder=builder, kind="copr")
    found, repo = load_metadata(local_info, info_file).repo_of(branch_of(here), release, dist)
    owner = user or app.workplaces.copr_owner(choice.builder)
    nvr = verrel(here, known_site(here, site), repo.name).nvr
    entry = UpdateBuild(nvr, f"{COPR}{owner}", found.name, repo.name)
    made = None if no_update_file else with_build(update_file, entry)
    if not skip_build:
        code = build_at_farm(
            builder=choice.builder,
            nowait=nowait,
            release=repo.name,
            platform=f"{repo.name}-{platform.machine()}",
            site=site,
            dry_run=dry_run,
            as_json=as_json,
            srpm="",
            project=f"{owner}/rdo-{found.name}-{repo.name}",
            kind="copr",
        )
        if code or nowait:
            ctx.exit(code)
    if made and not dry_run:
        write_file(update_file, str(made))
    if made and not (as_json and not skip_build):  # JSON output is printed only once
        done = "would be added" if dry_run else "added"
        output.show(entry, as_json, f"{update_file}: {done}: {entry}")
