"""The commands `dlrn`, `dlrn-purge`, `dlrn-remote` and `dlrn-user`, for scripts that call them.

Each converts DLRN's options to those of `rdo`, and the exit code of `rdo` to DLRN's. Options
without an effect in rdo are reported on stderr; options that rdo cannot support are refused.
"""

import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import click

from rdo import __version__
from rdo.access.accounts import Accounts
from rdo.access.roles import Role
from rdo.app import App
from rdo.cancellation import heed_lost_signals
from rdo.cli import output
from rdo.cli.endings import Complaint, bug, of_the_system
from rdo.cli.log_lines import configure_logging
from rdo.cli.main import run as run_rdo
from rdo.dlrn.formats import DlrnStatus
from rdo.errors import ConfigError, RefusedError, UserError
from rdo.model.text.url import without_secret
from rdo.trunk.care import steering
from rdo.trunk.context import Trunk, open_trunk
from rdo.trunk.importing.importing import import_commits

_MINUS_ONE = 255  # DLRN exits with -1, which a shell sees as this
_ALWAYS = {
    "order": "packages are always built in dependency order",
    "use_public": "builds can always use what is published",
    "verbose_build": "rdo trunk log -f PACKAGE follows a build",
    "verbose_mock": "rdo trunk log -f PACKAGE follows a build",
}
_NOT_HERE = {
    "local": "rdo never works in the clones; rdo trunk try PACKAGE --source DIR builds a work tree",
    "dev": "rdo trunk try PACKAGE builds a change without publishing it",
    "run": "the builder `command` of rdo.toml runs a program for each build",
    "no_repo": "rdo publishes each build",
    "build_env": "builds get no environment; the spec and the platform decide",
    "config_override": "rdo --set KEY=VALUE overrides a value of rdo.toml",
}
_CONFIG = "Folder or file of DLRN's configuration; rdo.toml is read from the same folder."
Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """The configuration to use, and the target."""

    config: Path | None
    target: str | None
    metadata: str | None = None

    def app(self) -> App:
        """Open the factory."""
        options = {"metadata.source": self.metadata} if self.metadata else {}
        return App(self._folder(), options)

    def words(self) -> list[str]:
        """Return the options of `rdo` with the same meaning."""
        words = ["-C", str(folder)] if (folder := self._folder()) else []
        return words + (["--set", f"metadata.source={self.metadata}"] if self.metadata else [])

    def of_target(self) -> list[str]:
        """Return the option that names the target."""
        return ["--target", self.target] if self.target else []

    def trunk(self, app: App) -> Trunk:
        """Open the target. Raises ConfigError if there are several and none is named."""
        return open_trunk(app, app.settings.only_target(self.target))

    def _folder(self) -> Path | None:
        """Return the folder of rdo.toml; None to find it in the usual way."""
        if self.config is None:
            return None
        folder = self.config if self.config.is_dir() else self.config.parent
        if not (folder / "rdo.toml").is_file():
            raise ConfigError(
                f"there is no rdo.toml beside {self.config}",
                hint=f"rdo config import {self.config} --into {folder}",
            )
        return folder


def _of_place(command: Command) -> Command:
    """Add the options that choose the configuration."""
    config = click.option("--config-file", type=click.Path(path_type=Path), help=_CONFIG)
    target = click.option(
        "--target", metavar="T", help="Target of rdo.toml. Optional if there is only one."
    )
    debug = click.option("--debug", is_flag=True, help="Log everything.")
    return debug(target(config(command)))


_info_repo = click.option("--info-repo", metavar="DIR", help="Read the metadata from DIR.")


@click.command(context_settings={"max_content_width": 100})
@_of_place
@_info_repo
@click.option("--config-override", multiple=True, hidden=True)
@click.option("--build-env", multiple=True, hidden=True)
@click.option("--local", is_flag=True, hidden=True)
@click.option("--dev", is_flag=True, hidden=True)
@click.option("--run", hidden=True)
@click.option("--no-repo", is_flag=True, hidden=True)
@click.option("--order", is_flag=True, hidden=True)
@click.option("--use-public", is_flag=True, hidden=True)
@click.option("--verbose-build", is_flag=True, hidden=True)
@click.option("--verbose-mock", is_flag=True, hidden=True)
@click.option("--head-only", is_flag=True, help="Build only the newest commit of each package.")
@click.option("--project-name", multiple=True, metavar="P", help="Package to build (repeatable).")
@click.option("--package-name", multiple=True, metavar="P", help="Package to build (repeatable).")
@click.option("--log-commands", is_flag=True, help="Log each program that is run.")
@click.option("--sequential", is_flag=True, help="Build one package at a time.")
@click.option("--status", is_flag=True, help="Print the status of packages.")
@click.option("--recheck", is_flag=True, help="Queue the failed commit of the named packages.")
@click.option("--force-recheck", is_flag=True, help="With --recheck, also one that succeeded.")
@click.option("--stop", is_flag=True, help="Start no build after the first failure.")
@click.version_option(__version__, message="%(version)s")
@click.pass_context
def dlrn(
    ctx: click.Context,
    /,
    config_file: Path | None,
    target: str | None,
    debug: bool,
    info_repo: str | None,
    project_name: tuple[str, ...],
    package_name: tuple[str, ...],
    head_only: bool,
    log_commands: bool,
    sequential: bool,
    status: bool,
    recheck: bool,
    force_recheck: bool,
    stop: bool,
    **others: Any,
) -> None:
    """Do one round, as `rdo trunk run`; exit codes are DLRN's."""
    _refuse(others)
    if project_name and package_name:
        raise ConfigError("--project-name and --package-name exclude each other")
    place, names = _Place(config_file, target, info_repo), (*project_name, *package_name)
    configure_logging(verbose=log_commands, debug=debug)
    if status:
        _with_trunk(place, lambda trunk: _show_status(trunk, names))
        return
    if recheck:
        if not names:
            raise ConfigError("--recheck needs --package-name or --project-name")
        ctx.exit(_with_trunk(place, lambda trunk: _recheck(trunk, names, force=force_recheck)))
    words = [*place.words(), *(["-v"] if log_commands else []), *(["--debug"] if debug else [])]
    words += ["trunk", "run", *place.of_target()]
    words += [word for name in names for word in ("--package", name)]
    words += ["--head-only"] if head_only else []
    words += ["--workers", "1"] if sequential else []
    words += ["--stop"] if stop else []
    ctx.exit(_code_of_round(run_rdo(words)))


def _refuse(others: dict[str, Any]) -> None:
    """Report options that have no effect here.

    Raises RefusedError for one that is not supported.
    """
    for name, why in _NOT_HERE.items():
        if others.get(name):
            raise RefusedError(f"--{name.replace('_', '-')} is not supported", hint=why)
    for name, why in _ALWAYS.items():
        if others.get(name):
            output.say(f"--{name.replace('_', '-')} does nothing: {why}", err=True)


def _code_of_round(code: int) -> int:
    """Return DLRN's exit code for a round: 2 if every failure will be retried.

    >>> [_code_of_round(code) for code in (0, 1, 6, 2, 130)]
    [0, 1, 2, 1, 130]
    """
    return {0: 0, 1: 1, 6: 2, 130: 130}.get(code, 1)


def _with_trunk(place: _Place, act: Callable[[Trunk], int]) -> int:
    with contextlib.closing(place.app()) as app:
        return act(place.trunk(app))


def _show_status(trunk: Trunk, names: Sequence[str]) -> int:
    """Print the status of packages in DLRN's format."""
    with trunk.store.read() as at:
        states = {one.package: one for one in at.packages.states(trunk.name)}
    for name in [trunk.package(one).name for one in names] or trunk.packages:
        newest = states[name].newest if name in states else None
        word = DlrnStatus.of(newest.outcome if newest else None)
        output.say(f"{'rpm':>9} {name} {word}")
    return 0


def _recheck(trunk: Trunk, names: Sequence[str], *, force: bool) -> int:
    """Queue failed commits once more; return 1 if one of them has succeeded, as DLRN does."""
    code = 0
    for name in names:
        try:
            steering.recheck(trunk, [trunk.package(name).name], force=force)
        except RefusedError as error:
            output.say(str(error), err=True)
            code = 1
    return code


@click.command("dlrn-purge", context_settings={"max_content_width": 100})
@_of_place
@click.option("--older-than", metavar="DAYS", required=True, help="Keep what is younger than DAYS.")
@click.option("-y", "yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed.")
@click.option("--exclude-dirs", hidden=True)
@click.pass_context
def dlrn_purge(
    ctx: click.Context,
    config_file: Path | None,
    target: str | None,
    debug: bool,
    older_than: str,
    yes: bool,
    dry_run: bool,
    exclude_dirs: str | None,
) -> None:
    """Remove old builds and repositories, as `rdo trunk purge`."""
    place = _Place(config_file, target)
    if exclude_dirs:
        output.say(
            "--exclude-dirs does nothing: repositories that a name leads to are always kept",
            err=True,
        )
    words = [*place.words(), *(["--debug"] if debug else []), "trunk", "purge", *place.of_target()]
    words += ["--older-than", older_than, *(["--yes"] if yes else [])]
    ctx.exit(run_rdo([*words, *(["--dry-run"] if dry_run else [])]))


@click.command("dlrn-remote", context_settings={"max_content_width": 100})
@_of_place
@_info_repo
@click.option("--repo-url", metavar="URL", required=True, help="Repository of the other instance.")
def dlrn_remote(
    config_file: Path | None,
    target: str | None,
    debug: bool,
    info_repo: str | None,
    repo_url: str,
) -> None:
    """Import a commit that another instance has built."""
    configure_logging(debug=debug)

    def act(trunk: Trunk) -> int:
        import_commits(trunk, repo_url, [repo_url])  # the caller may read anything anyway
        return 0

    _with_trunk(_Place(config_file, target, info_repo), act)


@click.group("dlrn-user", context_settings={"max_content_width": 100})
@_of_place
@click.pass_context
def dlrn_user(
    ctx: click.Context, config_file: Path | None, target: str | None, debug: bool
) -> None:
    """Manage the users of the API; each may do everything on the target, as in DLRN."""
    configure_logging(debug=debug)
    ctx.obj = _Place(config_file, target)


_username = click.option("--username", required=True, help="User name.")


@dlrn_user.command()
@_username
@click.option("--password", help="Password. Default: ask for it.")
@click.pass_obj
def create(place: _Place, username: str, password: str | None) -> None:
    """Create a user."""
    word = password or output.ask(f"Enter password for {username}", is_secret=True)

    def act(accounts: Accounts, target: str) -> str:
        accounts.add(username, {target: Role.ADMIN}, word)
        return f"User {username} successfully created"

    _with_accounts(place, act)


@dlrn_user.command()
@_username
@click.option("--force", is_flag=True, help="Do not ask for confirmation.")
@click.pass_obj
def delete(place: _Place, username: str, force: bool) -> None:
    """Delete a user."""
    question = f"Are you sure you want to delete user {username}? If so, type YES to continue."
    if not force and output.ask(question) != "YES":
        raise RefusedError("Action not confirmed, exiting")

    def act(accounts: Accounts, _target: str) -> str:
        accounts.remove(username)
        return f"User {username} deleted"

    _with_accounts(place, act)


@dlrn_user.command()
@_username
@click.option("--password", required=True, help="New password.")
@click.pass_obj
def update(place: _Place, username: str, password: str) -> None:
    """Change the password of a user."""

    def act(accounts: Accounts, _target: str) -> str:
        accounts.set_password(username, password)
        return f"User {username} updated"

    _with_accounts(place, act)


def _with_accounts(place: _Place, act: Callable[[Accounts, str], str]) -> None:
    with contextlib.closing(place.app()) as app:
        target = app.settings.only_target(place.target)
        accounts = Accounts(app.store, app.settings.targets, app.user, app.now())
        output.say(act(accounts, target), err=True)


def run(command: click.Command, args: Sequence[str], *, failed: int = 1) -> int:
    """Run one of the commands and return its exit code; an error returns `failed`."""
    try:
        code: Any = command.main(args=list(args), prog_name=command.name, standalone_mode=False)
    except UserError as error:
        output.complain(str(error), error.hint, failed, as_json=False)
        return failed
    except click.ClickException as error:
        output.complain(without_secret(error.format_message()), "", 2, as_json=False)
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except OSError as error:
        return _report_error(of_the_system(error), failed)
    except Exception:  # noqa: BLE001 - the top: every exception here is a bug of ours
        return _report_error(bug(), failed)
    return code if isinstance(code, int) else 0


def _report_error(end: int | Complaint, failed: int) -> int:
    """Print the error that ends the command, if there is one, and return the exit code."""
    if isinstance(end, int):
        return end
    output.complain(end.message, end.hint, failed, as_json=False)
    return failed


def main() -> NoReturn:
    """Run `dlrn`."""
    heed_lost_signals()
    sys.exit(run(dlrn, sys.argv[1:]))


def main_purge() -> NoReturn:
    """Run `dlrn-purge`."""
    heed_lost_signals()
    sys.exit(run(dlrn_purge, sys.argv[1:]))


def main_remote() -> NoReturn:
    """Run `dlrn-remote`."""
    heed_lost_signals()
    sys.exit(run(dlrn_remote, sys.argv[1:]))


def main_user() -> NoReturn:
    """Run `dlrn-user`."""
    heed_lost_signals()
    sys.exit(run(dlrn_user, sys.argv[1:], failed=_MINUS_ONE))
