"""The `rdo` command: its groups, which are loaded when used, and its exit codes."""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rdo import __version__
from rdo.cancellation import heed_lost_signals
from rdo.cli import colors, output
from rdo.cli.endings import (
    EX_USAGE,
    INTERRUPTED,
    Complaint,
    bug,
    of_the_system,
    without_its_libraries,
)
from rdo.cli.lazy import Lazy, LazyGroup
from rdo.cli.log_lines import configure_logging, is_watched
from rdo.errors import UserError

if TYPE_CHECKING:
    from rdo.app import App

log = logging.getLogger(__name__)

EXIT_CODES = """\b
Exit codes:
  0  success, or nothing to do
  1  a package fails to build (FTBFS), or its metadata is wrong
  2  wrong configuration, metadata or usage
  3  an external program failed or is missing
  4  not found
  5  refused
  6  only external problems are left: a server is unreachable, or a failure
     will be retried
"""


COMMANDS: dict[str, Lazy] = {
    "build": Lazy("rdo.cli.build", "build", "Build a spec or an SRPM on this machine."),
    "builder": Lazy("rdo.cli.operator.builder", "builder", "List and check the builders."),
    "cache": Lazy(
        "rdo.cli.operator.cache", "cache", "Show the size of rdo's caches, and clean them."
    ),
    "completion": Lazy("rdo.cli.completion", "completion", "Print a shell's completion script."),
    "config": Lazy(
        "rdo.cli.operator.config", "config", "Show the configuration, or import DLRN's."
    ),
    "db": Lazy("rdo.cli.operator.db", "db", "Back up, restore and check the database."),
    "deploy": Lazy("rdo.cli.deploy", "deploy", "Install a cloud with packstack's answer files."),
    "distgit": Lazy(
        "rdo.cli.operator.distgit", "distgit", "Serve distgits, and check pushes to them."
    ),
    "doctor": Lazy(
        "rdo.cli.operator.doctor",
        "doctor",
        "Check machine and configuration, and show how to fix them.",
    ),
    "help": Lazy("rdo.cli.help", "help_", "Print the help of a command."),
    "lab": Lazy(
        "rdo.cli.operator.lab", "lab", "Start test hosts made of a target's RPMs, and use them."
    ),
    "lookaside": Lazy(
        "rdo.cli.operator.lookaside",
        "lookaside",
        "Serve a lookaside cache, as rpkg uses it.",
    ),
    "notify": Lazy("rdo.cli.operator.notify", "notify", "Notify people of failures and fixes."),
    "platform": Lazy(
        "rdo.cli.operator.platform", "platform", "Make base layers, and roots to install into."
    ),
    "info": Lazy("rdo.cli.info.group", "info", "Show, check and edit the distribution's metadata."),
    "pkg": Lazy("rdo.cli.pkg.group", "pkg", "Work on a distgit: versions, patches, fixes."),
    "init": Lazy("rdo.cli.operator.init", "init", "Make a folder with rdo.toml and metadata."),
    "promotion": Lazy(
        "rdo.cli.promotion.group", "promotion", "Check repositories, and promote them to users."
    ),
    "repo": Lazy("rdo.cli.repo.group", "repo", "Work on the repositories that hosts install from."),
    "reproduce": Lazy("rdo.cli.trunk.reproduce", "reproduce", "Repeat a build exactly."),
    "review": Lazy("rdo.cli.trunk.review", "review", "Build open reviews, and vote on them."),
    "serve": Lazy("rdo.cli.operator.serve", "serve", "Serve DLRN's API and rdo's own by HTTP."),
    "systemd": Lazy("rdo.cli.operator.systemd", "systemd", "Run a factory's rounds from systemd."),
    "trunk": Lazy("rdo.cli.trunk.group", "trunk", "Follow the upstreams: poll, build, publish."),
    "update": Lazy("rdo.cli.update", "update", "Test updates, and push them to users."),
    "user": Lazy("rdo.cli.operator.user", "user", "Manage the users of the API."),
    "why": Lazy("rdo.cli.trunk.why", "why", "Explain why a package is or is not built."),
}


def _options(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> dict[str, str]:
    """Parse `--set KEY=VALUE` into a mapping."""
    for text in texts:
        if "=" not in text:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE")
    return {key: value for key, _, value in (text.partition("=") for text in texts)}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "-C",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Read rdo.toml from DIR. Default: RDO_CONFIG, the current folder, or one above it.",
)
@click.option(
    "--set",
    "options",
    metavar="KEY=VALUE",
    multiple=True,
    callback=_options,
    help="Override a value of rdo.toml, e.g. targets.master-deb12.workers=4 (repeatable).",
)
@click.option(
    "--color",
    type=click.Choice(colors.WHEN),
    default="auto",
    show_default=True,
    help="When to use colours; auto: on a terminal, unless NO_COLOR is set.",
)
@click.option("-q", "--quiet", is_flag=True, help="Log warnings and errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Log each program that is run.")
@click.option("--debug", is_flag=True, help="Log everything, with times and tracebacks.")
@click.version_option(__version__, prog_name="rdo", message="%(prog)s %(version)s")
@click.pass_context
def cli(
    ctx: click.Context,
    folder: Path | None,
    options: dict[str, str],
    color: str,
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:  # one parameter per option
    """Run an RPM distribution of fast-moving upstream projects.

    \b
    A first build:
      rdo init demo
      rdo -C demo doctor
      rdo -C demo trunk run
    """
    colors.set_when(ctx, color)
    configure_logging(verbose=verbose, debug=debug, quiet=quiet, times=not is_watched())
    if ctx.resilient_parsing:
        return
    ctx.obj = _app(folder, options)
    ctx.call_on_close(ctx.obj.close)


def _app(folder: Path | None, options: dict[str, str]) -> "App":
    from rdo.app import App

    return App(folder, options)


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    with click.Context(cli) as around:  # for errors, which are printed after the command's own
        colors.set_when(around, colors.asked(args))
        ended = _run(args)
        if isinstance(ended, int):
            return ended
        as_json = output.is_asked_for_json(args)
        output.complain(ended.message, ended.hint, ended.exit_code, as_json=as_json)
        return ended.exit_code


def _run(args: Sequence[str]) -> int | Complaint:
    """Run one command line; return its exit code or the error that ended it."""
    try:
        code: Any = cli.main(args=list(args), prog_name="rdo", standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        log.debug("traceback", exc_info=error)
        if not error.exit_code:  # there was nothing left to do
            output.say(str(error), err=True)
            return 0
        return Complaint(str(error), error.exit_code, error.hint)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "rdo"
        said = error.format_message().rstrip(".")
        return Complaint(said, EX_USAGE, f"{path} --help shows how to use it")
    except click.ClickException as error:
        return Complaint(error.format_message(), EX_USAGE)
    except (click.Abort, KeyboardInterrupt):
        return Complaint("interrupted", INTERRUPTED)
    except OSError as error:
        return of_the_system(error)
    except ImportError as error:
        return without_its_libraries(error) or bug()
    except Exception:  # noqa: BLE001 - the top: every exception here is a bug of ours
        return bug()
    return code if isinstance(code, int) else 0


def main() -> NoReturn:
    """Run the program with the command line of the process.

    If called through a link named fedpkg, it behaves as that program. The umask is set so that the
    build user and a web server can read the files that rdo makes.
    """
    heed_lost_signals()
    os.umask(os.umask(0o022) & ~0o055)
    if Path(sys.argv[0]).name == "fedpkg":
        from rdo.cli.pkg.fedpkg import program

        sys.exit(program.run(sys.argv[1:]))
    sys.exit(run(sys.argv[1:]))
