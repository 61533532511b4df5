"""`rdo lookaside`: the server side of a lookaside cache, for rpkg, fedpkg and `rdo pkg`."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.cli import output
from rdo.cli.operator.listening import check_proxies, listening_options
from rdo.cli.progress import live
from rdo.errors import NotFoundError

if TYPE_CHECKING:
    from rdo.lookaside.storage import Storage

log = logging.getLogger(__name__)

_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
_layout = click.option(
    "--layout",
    type=click.Choice(["fedora", "centos"]),
    default="fedora",
    show_default=True,
    help="Layout of the paths.",
)


@click.group()
def lookaside() -> None:
    """Serve and maintain a lookaside cache, a folder with the source files of distgits."""


def _storage(folder: Path, layout: str, file_mb: int = 0, package_mb: int = 0) -> "Storage":
    from rdo.lookaside.layout import Layout
    from rdo.lookaside.storage import MOST_BYTES, Storage

    _check_folder(folder)
    return Storage(
        folder.resolve(), Layout(layout), file_mb * 10**6 or MOST_BYTES, package_mb * 10**6
    )


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise NotFoundError(f"{folder} is not a folder", hint=f"mkdir -p {folder}")


@lookaside.command()
@_folder
@listening_options(8081)
@_layout
@click.option(
    "--users",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Users who may upload: lines NAME:HASH, with hashes of `openssl passwd -6`.",
)
@click.option("--anybody", is_flag=True, help="Let anybody who reaches the server upload.")
@click.option(
    "--max-file",
    metavar="MB",
    type=click.IntRange(1),
    default=8000,
    show_default=True,
    help="Largest size of a file.",
)
@click.option(
    "--max-package",
    metavar="MB",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Largest size of all files of a package; 0: unlimited.",
)
def serve(
    folder: Path,
    host: str,
    port: int,
    layout: str,
    users: Path | None,
    user_header: str,
    proxies: tuple[str, ...],
    anybody: bool,
    max_file: int,
    max_package: int,
) -> None:  # one parameter per option
    """Serve the files in DIR, and accept uploads, until SIGTERM or Ctrl-C.

    Without --users, --user-header and --anybody it accepts no uploads, as on a mirror that rsync
    fills. Uploads go to /upload.cgi. Put a proxy with TLS in front of it.

    \b
    openssl passwd -6 | sed 's/^/alice:/' >> users
    rdo lookaside serve /srv/lookaside --users users
    """
    from rdo.web.lookaside.application import lookaside as application
    from rdo.web.lookaside.uploaders import Uploaders, read_users
    from rdo.web.serving import listen, url_of
    from rdo.web.serving import serve as serve_application

    check_proxies(user_header, proxies)
    storage = _storage(folder, layout, max_file, max_package)
    storage.remove_abandoned()
    hashes = read_users(users) if users else {}
    uploaders = Uploaders(hashes, user_header, frozenset(proxies), anybody)
    with listen(host, port) as listener:
        log.info("serving %s at %s", folder, url_of(listener))
        serve_application(application(storage, uploaders), listener)
    log.info("the server has ended")


@lookaside.command()
@_folder
@_layout
@output.json_option
@click.pass_context
def verify(ctx: click.Context, folder: Path, layout: str, as_json: bool) -> None:
    """Compare every file in DIR with the hash in its path. Exit code 1: some are damaged."""
    from rdo.lookaside.care import verify as look

    with live("reading the files"):
        health = look(_storage(folder, layout), lambda path: log.debug("%s", path))
    lines = [
        *(f"damaged: {path}" for path in health.damaged),
        *(f"path does not fit the layout: {path}" for path in health.strays),
        f"{health.files} files, {len(health.damaged)} damaged, {len(health.strays)} strays",
    ]
    output.show(health, as_json, "\n".join(lines))
    if health.damaged:
        ctx.exit(1)


@lookaside.command()
@_folder
@click.option(
    "--distgits",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with the repositories of all distgits that use this cache.",
)
@_layout
@click.option(
    "--days",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    help="Keep files uploaded in the last DAYS days.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be removed.")
@output.json_option
def gc(
    folder: Path, distgits: Path, layout: str, days: float, dry_run: bool, as_json: bool
) -> None:
    """Remove the files in DIR that no commit of any distgit names."""
    from rdo.lookaside.care import unnamed

    storage = _storage(folder, layout)
    _check_folder(distgits)
    with live("reading the distgits"):
        found = list(unnamed(storage, distgits.resolve(), days=days))
    for file in found if not dry_run else ():
        storage.remove(file)
    size = output.size(sum(file.size for file in found))
    did = "would remove" if dry_run else "removed"
    value = {"removed": [file.path for file in found], "dry_run": dry_run}
    lines = [*(f"{did} {file.path}" for file in found), f"{did} {len(found)} files, {size}"]
    output.show(value, as_json, "\n".join(lines))
