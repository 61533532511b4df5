"""`rdo repo sign-key` and `rdo repo sign`: manage a target's keys, and sign older RPMs."""

import logging
from pathlib import Path

import click

from rdo import atomic
from rdo.app import App
from rdo.cli import output
from rdo.cli.output_file import OutputFile
from rdo.cli.repo.options import target_option
from rdo.model.text.dates import minute
from rdo.promotion import signing
from rdo.promotion.signing import TargetKey

log = logging.getLogger(__name__)

_EXPIRES = click.option(
    "--expires",
    metavar="TIME",
    default="2y",
    show_default=True,
    help="When the key expires: 2y, 18m, 90d, a date such as 2028-11-30, or never.",
)
_NAME = click.option(
    "--name",
    metavar="NAME",
    default="",
    help="User id of the key, as users see it. Default: the project's name and the target's.",
)


@click.group("sign-key")
def sign_key() -> None:
    """Make, show and replace the key that signs a target's RPMs and repositories.

    \b
    rdo repo sign-key create --target master-deb12
    """


@sign_key.command()
@target_option
@_NAME
@_EXPIRES
@output.json_option
@click.pass_obj
def create(app: App, target: str | None, name: str, expires: str, as_json: bool) -> None:
    """Make the first key of a target.

    The key has no passphrase, and only this user can read it. RPMs are signed from the
    next round on, once rdo.toml has [targets.NAME.signing]; rdo repo sign signs older ones.

    \b
    rdo repo sign-key create --target master-deb12 --expires 2y
    """
    target = app.settings.only_target(target)
    made = signing.create_key(app, target, user_id=name, expires=_time(expires))
    _show_made(app, target, made, as_json)


@sign_key.command()
@target_option
@_NAME
@_EXPIRES
@output.json_option
@click.pass_obj
def rotate(app: App, target: str | None, name: str, expires: str, as_json: bool) -> None:
    """Make a new key that signs from now on.

    Signatures by earlier keys stay valid: .repo files and rdo-release name all keys. Build
    rdo-release again, so that hosts get the new key before it is the only one.

    \b
    rdo repo sign-key rotate --target master-deb12
    """
    target = app.settings.only_target(target)
    made = signing.rotate_key(app, target, user_id=name, expires=_time(expires))
    _show_made(app, target, made, as_json)


@sign_key.command()
@target_option
@output.json_option
@click.pass_obj
def show(app: App, target: str | None, as_json: bool) -> None:
    """Show the keys of a target, the current one first, and how many RPMs each has signed.

    \b
    rdo repo sign-key show --target master-deb12
    """
    app.reads_only = True
    keys = signing.target_keys(app, app.settings.only_target(target))
    rows = [
        (
            one.fingerprint,
            one.state,
            one.user_id,
            minute(one.created),
            minute(one.expires) if one.expires else "never",
            one.rpms,
        )
        for one in keys
    ]
    columns = ("key", "state", "name", "created", "expires", "rpms")
    output.show(keys, as_json, output.Table(columns, rows))


@sign_key.command("export")
@target_option
@click.option(
    "--output",
    "-o",
    "place",
    metavar="FILE",
    type=OutputFile(),
    help="File to write. Default: standard output.",
)
@click.pass_obj
def export_(app: App, target: str | None, place: Path | None) -> None:
    """Print the public keys of a target, as rpm --import and dnf read them.

    \b
    rdo repo sign-key export --output RPM-GPG-KEY
    """
    app.reads_only = True
    text = signing.exported_keys(app, app.settings.only_target(target))
    if place:
        atomic.write_file(place, text)
    else:
        output.say(text.decode(), nl=False)


@click.command()
@click.argument("repositories", metavar="[REPOSITORY]...", nargs=-1)
@target_option
@click.option(
    "--instead-of",
    metavar="FINGERPRINT",
    multiple=True,
    help="Also replace signatures by this key, which is no longer trusted (repeatable).",
)
@click.option("--dry-run", is_flag=True, help="Print how many RPMs would be signed.")
@output.json_option
@click.pass_obj
def sign(
    app: App,
    repositories: tuple[str, ...],
    target: str | None,
    instead_of: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Sign the RPMs that a target published before it had a key.

    Then rewrites in place the repositories that names lead to, and each REPOSITORY. Older
    repositories stay as they are. It can be interrupted and started again.

    \b
    rdo repo sign --target master-deb12
    """
    target = app.settings.only_target(target)
    keys = frozenset(one.upper() for one in instead_of)
    if dry_run:
        count = signing.count_not_signed(app, target, keys)
        output.show({"rpms": count}, as_json, f"{count} RPMs would be signed")
        return
    done = signing.sign_published(app, target, keys, repositories)
    for name in done.lost:
        log.warning("%s is not in the pool; run: rdo trunk verify --repair", name)
    for why in done.left:
        log.warning("not signed: %s", why)
    lines = [f"signed {done.rpms} RPMs", *(f"  {path}" for path in done.repositories)]
    output.show(done, as_json, "\n".join(lines))


def _time(text: str) -> str:
    return "0" if text == "never" else text


def _show_made(app: App, target: str, made: TargetKey, as_json: bool) -> None:
    lines = [f"{made.fingerprint}  {made.user_id}", f"  public key: {made.url}"]
    if app.settings.signing_of(target) is None:
        lines.append(f"to sign with it, add to rdo.toml: [targets.{target}.signing]")
    output.show(made, as_json, "\n".join(lines))
