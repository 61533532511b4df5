"""`rdo cache`: show and clean the caches."""

from collections.abc import Sequence

import click

from rdo.app import App
from rdo.app.cache import NEEDLESS, Cached, CacheKind
from rdo.cli import output
from rdo.cli.lazy import LazyGroup

_KINDS = [str(kind) for kind in CacheKind]


@click.group(cls=LazyGroup)
def cache() -> None:
    """Show the size of rdo's caches, and clean them.

    \b
    rdo cache size
    rdo cache clean
    rdo cache clean wheels content --yes
    """


@cache.command()
@output.json_option
@click.pass_obj
def size(app: App, as_json: bool) -> None:
    """Show the size of each of rdo's caches on this machine.

    FREES is what `rdo cache clean KIND` would remove now; mirrors and targets are cleaned by
    `rdo trunk purge`.
    """
    app.reads_only = True
    found = app.cache.sizes()
    rows = [(one.kind, output.size(one.size), _frees(one), one.content) for one in found]
    output.show(found, as_json, output.Table(("kind", "size", "frees", "content"), rows))


@cache.command()
@click.argument("kinds", nargs=-1, metavar="[KIND]...", type=click.Choice(_KINDS))
@click.option("--all", "is_all", is_flag=True, help="Clean every kind.")
@click.option("--dry-run", is_flag=True, help="Print what would be removed, and its size.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@output.json_option
@click.pass_obj
def clean(
    app: App, kinds: tuple[str, ...], is_all: bool, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Remove cached files that no build needs. Default: downloads, old layers and images.

    KIND is one that `rdo cache size` shows. By default, cleans downloads, and the layers and
    images that are no longer used. After `clean content`, `wheels` or `debian` the next builds
    take longer. Files that a running build or lab uses stay, and so does everything published.

    \b
    rdo cache clean --dry-run
    rdo cache clean wheels content --yes
    """
    chosen = [*CacheKind] if is_all else [CacheKind(kind) for kind in kinds] or [*NEEDLESS]
    found = app.cache.clean(chosen, dry_run=True)
    is_done = dry_run or not any(one.removable for one in found)
    if not (is_done or as_json):
        _show(found)
    if not is_done:
        output.confirm("remove all this?", yes=yes)
        found = app.cache.clean(chosen, dry_run=False)
    if as_json:
        output.show(found, as_json)
    elif is_done:
        _show(found)
    else:
        output.say(f"removed {output.size(sum(one.frees for one in found))}")


def _show(found: Sequence[Cached]) -> None:
    rows = [(one.kind, len(one.removable), _frees(one), one.content) for one in found]
    output.show(found, False, output.Table(("kind", "entries", "frees", "content"), rows))


def _frees(one: Cached) -> str:
    return "in use" if one.is_busy else output.size(one.frees)
