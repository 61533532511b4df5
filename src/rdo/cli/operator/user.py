"""`rdo user`: manage the users of the API of `rdo serve`, and their rights."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.errors import ConfigError
from rdo.model.text.dates import minute

if TYPE_CHECKING:
    from rdo.access.accounts import Accounts
    from rdo.access.roles import Role

ROLES = ("reader", "ci", "promoter", "admin")
_ALL = "*"
_password_option = click.option(
    "--password-file",
    metavar="FILE",
    type=click.Path(allow_dash=True, dir_okay=False, path_type=Path),
    help="Read the password from the first line of FILE; - is standard input.",
)
_target_option = click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Target that the role is for. Default: all targets.",
)


@click.group()
def user() -> None:
    """Add and remove users of the API, their roles, passwords and tokens.

    A reader reads what `serve.protect-read` protects; ci also reports results; a promoter also
    promotes; an admin may do everything.
    """


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="reader", show_default=True)
@_target_option
@_password_option
@click.option("--password", "asks", is_flag=True, help="Ask for a password, for basic auth.")
@click.pass_obj
def add(
    app: App, name: str, role: str, target: str | None, password_file: Path | None, asks: bool
) -> None:
    """Add the user NAME with a role, or change the role of a user on a target.

    Without a password the user has tokens only. DLRN's clients send a password, or a token in its
    place.

    \b
    rdo user add zuul --role ci
    rdo user add promoter --role promoter --target master-el9 --password-file -
    """
    password = _password(password_file) if asks or password_file else ""
    _accounts(app).add(name, {target or _ALL: _role(role)}, password)
    output.say(f"{name} is {role} on {target or 'all targets'}")
    if not password:
        output.say(f"next: rdo user token {name}", err=True)


@user.command()
@click.argument("name", required=False)
@click.option("--for", "purpose", metavar="WHAT", default="", help="What the token is used for.")
@click.option("--role", type=click.Choice(ROLES), help="Limit the token to a lower role.")
@click.option(
    "--target",
    metavar="T",
    default="",
    shell_complete=complete.targets,
    help="Limit the token to one target.",
)
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(0, 3650),
    default=365,
    show_default=True,
    help="Days until it expires; 0: never.",
)
@click.option("--list", "lists", is_flag=True, help="List the tokens of NAME, or all.")
@click.option("--revoke", metavar="ID", type=int, help="Revoke a token, at once.")
@output.json_option
@click.pass_obj
def token(
    app: App,
    name: str | None,
    purpose: str,
    role: str | None,
    target: str,
    days: int,
    lists: bool,
    revoke: int | None,
    as_json: bool,
) -> None:
    """Make a token for the user NAME and print it; it is shown only this once.

    \b
    rdo user token zuul --for "check jobs" --target master-el9
    rdo user token --list
    rdo user token --revoke 3
    """
    accounts = _accounts(app, reads_only=lists)
    if revoke is not None:
        done = accounts.revoke(revoke)
        output.show(done, as_json, f"token {done.id} of {done.user} is revoked")
    elif lists:
        rows = accounts.tokens(name or "")
        columns = ("id", "user", "for", "target", "role", "expires", "state")
        cells = [
            (
                one.id,
                one.user,
                one.purpose,
                one.target or "all",
                one.role or "the user's",
                _shown(one.expires, "never"),
                "revoked" if one.revoked else "valid" if one.is_valid(app.now()) else "expired",
            )
            for one in rows
        ]
        output.show(rows, as_json, output.Table(columns, cells))
    elif not name:
        raise click.UsageError("name a user, or use --list or --revoke")
    else:
        made = accounts.new_token(
            name,
            purpose=purpose,
            target=target,
            role=_role(role) if role else None,
            days=days or None,
        )
        output.show(made, as_json, made.token)


@user.command()
@click.argument("name")
@_password_option
@click.option("--none", "ends", is_flag=True, help="Remove the password: tokens only.")
@click.pass_obj
def passwd(app: App, name: str, password_file: Path | None, ends: bool) -> None:
    """Set the password of the user NAME; the old one is refused at once.

    \b
    rdo user passwd promoter
    """
    _accounts(app).set_password(name, "" if ends else _password(password_file))
    output.say(f"{name} has {'no password' if ends else 'a new password'}")


@user.command("list")
@output.json_option
@click.pass_obj
def list_(app: App, as_json: bool) -> None:
    """List the users with their roles."""
    rows = _accounts(app, reads_only=True).users()
    cells = [
        (
            one.name,
            ", ".join(f"{role} on {_place(target)}" for target, role in one.roles.items()),
            "yes" if one.has_password else "no",
            one.tokens,
            minute(one.created),
        )
        for one in rows
    ]
    columns = ("user", "roles", "password", "tokens", "since")
    output.show(rows, as_json, output.Table(columns, cells) if cells else "there is no user yet")


@user.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_obj
def remove(app: App, name: str, yes: bool) -> None:
    """Remove the user NAME with all tokens; votes and promotions keep the name.

    \b
    rdo user remove zuul --yes
    """
    output.confirm(f"remove the user {name} with all tokens?", yes=yes)
    _accounts(app).remove(name)
    output.say(f"{name} is removed")


@user.command()
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="Maximum number of entries.",
)
@output.json_option
@click.pass_obj
def audit(app: App, limit: int, as_json: bool) -> None:
    """Show who did what through the API, and what was done to users, newest first."""
    rows = _accounts(app, reads_only=True).audit(limit)
    cells = [
        (minute(one.at), one.actor, one.act, one.target, one.detail, one.address) for one in rows
    ]
    columns = ("when", "who", "what", "target", "detail", "from")
    output.show(rows, as_json, output.Table(columns, cells) if cells else "nothing yet")


def _accounts(app: App, *, reads_only: bool = False) -> "Accounts":
    from rdo.access.accounts import Accounts

    app.reads_only = reads_only
    return Accounts(app.store, app.settings.targets, app.user, app.now())


def _role(name: str) -> "Role":
    from rdo.access.roles import Role

    return Role(name)


def _password(file: Path | None) -> str:
    """Return the password from a file, or ask for it twice."""
    if file is None:
        if not sys.stdin.isatty():
            raise ConfigError(
                "cannot ask for a password without a terminal", hint="pass --password-file FILE"
            )
        return str(click.prompt("password", hide_input=True, confirmation_prompt=True))
    text = sys.stdin.readline() if str(file) == "-" else file.read_text()
    first = text.partition("\n")[0].rstrip("\r")
    if not first:
        raise ConfigError(f"the password in {file} is empty")
    return first


def _place(target: str) -> str:
    return "all targets" if target == _ALL else target


def _shown(when: datetime | None, none: str) -> str:
    return minute(when) if when else none
