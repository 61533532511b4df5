"""`rdo pkg sources`, `upload`, `new-sources` and `sites`: the files of a lookaside cache."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rdo.cli import output
from rdo.cli.pkg.group import desk, desk_in_git, effect_options, setting
from rdo.errors import NotFoundError, RefusedError

if TYPE_CHECKING:
    from rdo.distgit.everyday.sites import DistgitSite
    from rdo.distgit.verb.desk import Desk

site_option = click.option(
    "--site",
    metavar="NAME",
    default="",
    help="Dist-git site of this distgit. Default: git config rdo.site, or the remote origin's.",
)
_files = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
_offline = click.option("--offline", is_flag=True, help="Do not contact the cache.")


def site_of(here: "Desk", name: str) -> "DistgitSite":
    """Return the site of a distgit: the named one, or that of its remote origin."""
    from rdo.distgit.everyday import sites

    given = setting("sites_file")
    known = sites.load(Path.home(), extra=Path(given) if given else None)
    return known.of(here.clone, name)[1].in_namespace(setting("namespace"))


def known_site(here: "Desk", name: str) -> "DistgitSite | None":
    """Return the site of a distgit; None if none is named and its remote is on none."""
    try:
        return site_of(here, name)
    except NotFoundError:
        if name:
            raise
        return None


@click.command()
@click.option(
    "--outdir",
    "--target",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to download into. Default: the distgit.",
)
@click.option(
    "--force",
    is_flag=True,
    envvar="RPKG_SOURCES_FORCE",
    help="Also download the files that the spec does not use.",
)
@_offline
@click.option("--dry-run", is_flag=True, help="Show what would be downloaded.")
@site_option
@output.json_option
def sources(
    outdir: Path | None, force: bool, offline: bool, dry_run: bool, site: str, as_json: bool
) -> None:
    """Download the files that the list `sources` names from the lookaside cache.

    A file gets its name only after its hash was verified. An interrupted download is resumed.

    \b
    rdo pkg sources
    rdo pkg sources --outdir ~/rpmbuild/SOURCES
    """
    from rdo.distgit.everyday.sources import plan, take

    here = desk_in_git(as_json=as_json)
    if outdir is not None and not dry_run:
        outdir.mkdir(parents=True, exist_ok=True)
    wanted = plan(here, folder=outdir, is_forced=force)
    names = [entry.name for entry, _ in wanted.missing]
    if names and offline:
        raise RefusedError(
            f"missing here: {', '.join(names)}", hint="run rdo pkg sources without --offline"
        )
    if names and not dry_run:
        take(here, site_of(here, site), wanted)
    lines = [
        *(f"Not downloading already downloaded {name}" for name in wanted.present),
        *(f"Not downloading unused {name}" for name in wanted.unused),
        *(f"{'would download' if dry_run else 'downloaded'} {name}" for name in names),
    ]
    shown = {"downloaded": names, "present": wanted.present, "unused": wanted.unused}
    output.show(shown | {"dry_run": dry_run}, as_json, "\n".join(lines) or "no sources")


@click.command()
@_files
@_offline
@site_option
@effect_options
def upload(files: tuple[Path, ...], offline: bool, site: str, dry_run: bool) -> None:
    """Upload files to the lookaside cache, and add them to the list `sources`."""
    _upload("upload", files, offline=offline, site=site, dry_run=dry_run, is_new_list=False)


@click.command()
@_files
@_offline
@site_option
@effect_options
def new_sources(files: tuple[Path, ...], offline: bool, site: str, dry_run: bool) -> None:
    """Upload files to the lookaside cache, and list only them in `sources`."""
    _upload("new-sources", files, offline=offline, site=site, dry_run=dry_run, is_new_list=True)


def _upload(
    verb: str,
    files: tuple[Path, ...],
    *,
    offline: bool,
    site: str,
    dry_run: bool,
    is_new_list: bool,
) -> None:
    from rdo.distgit.everyday.sources import upload as send
    from rdo.distgit.verb.actions import change

    here = desk()
    found = [file.absolute() for file in files]  # a dry run has another folder
    chosen = site_of(here, site)

    def act(there: Any) -> None:
        send(there, chosen, found, is_new_list=is_new_list, is_offline=offline)

    change(here, verb, act, is_dry=dry_run)


@click.command("import")
@click.argument("srpm", type=click.Path(path_type=Path))
@click.option("--skip-diffs", is_flag=True, help="Do not show what was staged.")
@click.option("--offline", is_flag=True, help="Upload no archives.")
@click.option(
    "--do-not-check-specfile-name",
    "has_any_name",
    is_flag=True,
    help="Import a spec even if its name is not the package's.",
)
@site_option
@effect_options
def import_srpm(
    srpm: Path, skip_diffs: bool, offline: bool, has_any_name: bool, site: str, dry_run: bool
) -> None:
    """Replace the files here with those of a source RPM, and stage them.

    Archives go into the lookaside cache, text into git. README.md, gating.yaml, tests and changelog
    stay. Nothing is committed; rdo pkg undo reverts it.
    """
    from rdo.distgit.everyday.import_srpm import take_over
    from rdo.distgit.verb.actions import change

    here = desk_in_git()
    file, known = srpm.absolute(), known_site(here, site)

    def act(there: Any) -> None:
        take_over(there, file, known, is_offline=offline, has_any_name=has_any_name)
        if not skip_diffs and not dry_run:
            there.say(there.clone.plumb("diff", "--cached", "--no-ext-diff", "--no-color"))
        there.say("New content staged and uploaded." if not offline else "New content staged.")
        there.say(f"Commit if happy or revert with: {there.program} undo")

    change(here, "import", act, is_dry=dry_run, is_clean=True)


@click.command("sites")
@click.argument("name", required=False, default="")
@output.json_option
def show_sites(name: str, as_json: bool) -> None:
    """List the known dist-git sites, or show one.

    Sites of your own are files in ~/.config/rdo/sites; docs/how-to/from-fedpkg.md shows the format.
    """
    from rdo.distgit.everyday import sites

    known = sites.load(Path.home())
    if name:
        values = known.get(name).model_dump(mode="json", by_alias=True)
        rows = [(key, ", ".join(it) if isinstance(it, list) else it) for key, it in values.items()]
        output.show(values, as_json, output.Table(("KEY", "VALUE"), rows))
        return
    table = [(one, it.title, it.upload or "-", known.files[one]) for one, it in known.sites.items()]
    value = [
        {"name": one, "title": it.title, "upload": it.upload, "file": known.files[one]}
        for one, it in known.sites.items()
    ]
    output.show(value, as_json, output.Table(("NAME", "TITLE", "UPLOAD", "FROM"), table))
