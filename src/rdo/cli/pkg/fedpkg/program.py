"""The program `fedpkg`, which runs when `rdo` is called through a link of that name.

Flags before the verb, error messages and exit codes are fedpkg's. For a verb or flag that is not
supported, the error gives the reason.
"""

import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from rdo import __version__
from rdo.cli import output
from rdo.cli.endings import EX_USAGE
from rdo.cli.log_lines import configure_logging
from rdo.cli.pkg.fedpkg.verbs import ADDED, NOT_HERE, refusal
from rdo.cli.pkg.group import SECTIONS, VERBS, PkgGroup, set_setting
from rdo.distgit.verb.problems import NothingToDoError
from rdo.errors import RefusedError, UserError
from rdo.model.text.url import without_secret

log = logging.getLogger(__name__)


class FedpkgGroup(PkgGroup):
    """The verbs, with fedpkg's flags converted to ours."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        verb = args[0] if args else ""
        if why := NOT_HERE.get(verb):
            raise RefusedError(f"{verb} is not supported: {why}")
        if why := refusal(verb, args[1:]):
            raise RefusedError(why)
        added = ADDED.get(verb, ())
        name, command, rest = super().resolve_command(ctx, [verb, *args[1:], *added])
        return name, command, [*self._before_verb(ctx, command), *rest]

    def _before_verb(self, ctx: click.Context, command: click.Command | None) -> list[str]:
        """Return the flags before the verb that belong to the verb."""
        known = {option for one in (command.params if command else ()) for option in one.opts}
        words: list[str] = []
        if (release := ctx.params.get("release")) and "--release" in known:
            words += ["--release", str(release)]
        if ctx.params.get("dry_run"):
            if "--dry-run" not in known:
                raise RefusedError("--dry-run is not supported for a verb that changes nothing")
            words.append("--dry-run")
        if config := ctx.params.get("config"):
            words += ["--site", _site(config)] if "--site" in known else []
        elif "--anonymous" in known:
            words += ["--site", "fedora"]
        return words


def _site(config: Path) -> str:
    """Return the first site in a file; raises RefusedError if there is no site, or no file."""
    from rdo.distgit.everyday import sites

    if not config.is_file():
        raise RefusedError(f"there is no file {config}")
    known = sites.load(Path.home(), extra=config)
    found = [name for name, file in known.files.items() if file == str(config)]
    if not found:
        raise RefusedError(f"{config} describes no site")
    return found[0]


@click.group(
    cls=FedpkgGroup,
    lazy=VERBS,
    sections=SECTIONS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--config", "-C", "--user-config", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Show what a verb would do.")
@click.option("--release", default="", help="Branch whose distribution to assume, such as f42.")
@click.option("--name", default="", help="Name of the package.")
@click.option("--namespace", default="", help="Namespace of the package, such as rpms.")
@click.option("--user", default="", help="Your account at the site.")
@click.option("--path", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--verbose", "-v", is_flag=True, help="Show more of what is done.")
@click.option("--debug", "-d", is_flag=True, help="Show all that is done.")
@click.option("-q", "quiet", is_flag=True, help="Show warnings and results only.")
@click.version_option(__version__, message="%(version)s")
@click.pass_context
def fedpkg(
    ctx: click.Context,
    config: Path | None,
    dry_run: bool,  # noqa: ARG001 - it goes to the verb, as `release` does
    release: str,  # noqa: ARG001
    name: str,
    namespace: str,
    user: str,
    path: Path | None,
    verbose: bool,
    debug: bool,
    quiet: bool,
) -> None:
    """Work in dist-git: the verbs of rdo pkg, under fedpkg's name and with its flags."""
    configure_logging(verbose=verbose, debug=debug, quiet=quiet)
    for key, value in (("name", name), ("namespace", namespace), ("user", user)):
        set_setting(ctx, key, value)
    set_setting(ctx, "path", str(path.absolute()) if path else "")
    set_setting(ctx, "sites_file", str(config.absolute()) if config else "")
    if ctx.invoked_subcommand is None:
        output.say(ctx.get_help())


def run(args: Sequence[str]) -> int:
    """Run one command line and return the exit code that fedpkg would return."""
    configure_logging()
    as_json = output.is_asked_for_json(args)
    place = _place_of_verb(args)
    verb = "".join(args[place : place + 1])
    try:
        if why := refusal("", list(args[:place])):
            raise RefusedError(why)  # noqa: TRY301 - told as all others are
        words = ["--help"] if list(args[:1]) == ["help"] else list(args)
        with fedpkg.make_context("fedpkg", words) as ctx:
            code: Any = fedpkg.invoke(ctx)
        sys.stdout.flush()
    except NothingToDoError as error:
        output.say(str(error))
        return 0
    except UserError as error:
        log.debug("traceback", exc_info=error)
        return _complain(error, verb, as_json=as_json)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.UsageError as error:
        error.show()
        return EX_USAGE
    except (click.Abort, KeyboardInterrupt):
        return 1
    except BrokenPipeError:
        output.leave_a_reader_that_is_gone()
        return 0
    except Exception:  # noqa: BLE001 - the top: whatever comes here is a bug of ours
        output.say(without_secret(traceback.format_exc()), err=True, nl=False)
        return 1
    return code if isinstance(code, int) else 0


def _place_of_verb(args: Sequence[str]) -> int:
    """Return the index of the verb, or the number of words if there is none."""
    found = (at for at, word in enumerate(args) if word in VERBS or word in NOT_HERE)
    return next(found, len(args))


def _complain(error: UserError, verb: str, *, as_json: bool) -> int:
    """Print an error as fedpkg does, and return its exit code."""
    if as_json:
        output.complain(str(error), error.hint, 1, as_json=True)
        return 1
    name = verb.replace("-", "_")
    said = f"Could not execute {name}: {error}" if name else str(error)
    output.say(said, err=True)
    if error.hint:
        output.say(f"  {error.hint}", err=True)
    return 1
