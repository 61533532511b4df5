"""The `rdo` command: its groups, which are loaded when used, its logging and its exit codes."""

import errno
import logging
import os
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from rdo import __version__, log_context
from rdo.cli import colors, output
from rdo.cli.lazy import Lazy, LazyGroup
from rdo.errors import OutsideError, UserError
from rdo.model.text.terminal_text import on_terminal
from rdo.model.text.url import without_secret

if TYPE_CHECKING:
    from rdo.app import App

log = logging.getLogger(__name__)

EX_USAGE = 2
EX_SOFTWARE = 70
INTERRUPTED = 130
_OF_THE_USER = {
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP),
}
"""Errors of a place that the user has named, or may not use."""

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
    "builder": Lazy(
        "rdo.cli.operator.builder", "builder", "Show where packages are built, and check it."
    ),
    "cache": Lazy(
        "rdo.cli.operator.cache", "cache", "Show the size of rdo's caches, and clean them."
    ),
    "completion": Lazy("rdo.cli.completion", "completion", "Print a shell's completion script."),
    "config": Lazy(
        "rdo.cli.operator.config", "config", "Show the configuration, or import DLRN's."
    ),
    "db": Lazy("rdo.cli.operator.db", "db", "Back up, restore and check the database."),
    "deploy": Lazy("rdo.cli.deploy", "deploy", "Install a cloud: read and show its answers."),
    "distgit": Lazy(
        "rdo.cli.operator.distgit", "distgit", "Serve distgits, and judge what is pushed to them."
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
        "Serve source files to distgits, as rpkg's cache.",
    ),
    "notify": Lazy("rdo.cli.operator.notify", "notify", "Notify people of failures and fixes."),
    "platform": Lazy(
        "rdo.cli.operator.platform", "platform", "Make base layers, and roots to install into."
    ),
    "info": Lazy("rdo.cli.info.group", "info", "Show, check and edit the distribution's metadata."),
    "pkg": Lazy("rdo.cli.pkg.group", "pkg", "Work on a distgit: versions, patches, fixes."),
    "init": Lazy("rdo.cli.operator.init", "init", "Make a folder with rdo.toml and metadata."),
    "promotion": Lazy(
        "rdo.cli.promotion.group", "promotion", "Find out whether a repository can be trusted."
    ),
    "repo": Lazy("rdo.cli.repo.group", "repo", "Work on the repositories that hosts install from."),
    "reproduce": Lazy("rdo.cli.trunk.reproduce", "reproduce", "Repeat a build exactly."),
    "review": Lazy("rdo.cli.trunk.review", "review", "Build open reviews of others, and vote."),
    "serve": Lazy("rdo.cli.operator.serve", "serve", "Serve DLRN's API and our own by HTTP."),
    "systemd": Lazy("rdo.cli.operator.systemd", "systemd", "Run a factory's rounds from systemd."),
    "trunk": Lazy("rdo.cli.trunk.group", "trunk", "Follow the upstreams: poll, build, publish."),
    "update": Lazy("rdo.cli.update", "update", "Hand builds over to be tested, and push them."),
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


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to the current stderr, which a live display may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class ContextFormatter(logging.Formatter):
    """`openstack-nova@1a2b3c4: warning: message`; info lines carry no level."""

    def __init__(self, *, times: bool) -> None:
        super().__init__(
            "%(asctime)s %(message)s" if times else "%(message)s", "%Y-%m-%d %H:%M:%SZ"
        )
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname.lower() if record.levelno >= logging.WARNING else ""
        shown = logging.makeLogRecord(record.__dict__)
        said = f"{level}: " if level else ""
        shown.msg = f"{log_context.current.get()}{said}{record.getMessage()}"
        shown.args = ()
        text = on_terminal(without_secret(super().format(shown)))
        if level and colors.is_colored(sys.stderr):
            return text.replace(said, f"{colors.paint(level, colors.of_state(level))}: ", 1)
        return text


def is_watched() -> bool:
    """Whether a person or systemd's journal reads the log, so that its lines need no times."""
    return colors.is_for_people() or "JOURNAL_STREAM" in os.environ


def configure_logging(
    *, verbose: bool = False, debug: bool = False, quiet: bool = False, times: bool = False
) -> None:
    """Send the log to stderr: what was done, each program if `verbose`, everything if `debug`.

    With `times`, each line begins with its moment in UTC, as it always does with `debug`.
    """
    handler = StderrHandler()
    handler.setFormatter(ContextFormatter(times=debug or times))
    root = logging.getLogger()
    root.handlers = [old for old in root.handlers if not isinstance(old, StderrHandler)]
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if debug else logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs URLs, a webhook's is a secret
    usual = logging.WARNING if quiet else logging.INFO
    logging.getLogger("rdo").setLevel(logging.DEBUG if verbose or debug else usual)


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


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error that ends the program, with its remedy and its exit code."""

    message: str
    exit_code: int
    hint: str = ""


def _run(args: Sequence[str]) -> int | Complaint:
    """Run one command line; return its exit code, or what is wrong."""
    try:
        code: Any = cli.main(args=list(args), prog_name="rdo", standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        log.debug("traceback", exc_info=error)
        if not error.exit_code:  # nothing was left to do
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
    except Exception:  # noqa: BLE001 - the top: every exception here is a bug of ours
        return bug()
    return code if isinstance(code, int) else 0


def of_the_system(error: OSError) -> int | Complaint:
    """Return what is wrong with a place that the user has named, or with the disk."""
    if isinstance(error, BrokenPipeError):
        output.leave_a_reader_that_is_gone()
        return 0
    if error.errno in _OF_THE_USER and error.filename:
        log.debug("traceback", exc_info=error)
        return Complaint(f"{error.filename}: {error.strerror}", EX_USAGE)
    full = full_disk(error)
    return Complaint(str(full), full.exit_code, full.hint) if full else bug()


def full_disk(error: OSError) -> OutsideError | None:
    """Return what to tell about a disk that is full; None for any other error of the system."""
    if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return None
    place = f": {error.filename}" if error.filename else ""
    remedy = "free some space and run the command again"
    return OutsideError(f"no space left on the disk{place}", hint=remedy)


def bug() -> Complaint:
    """Print the traceback of the current exception."""
    output.say(without_secret(traceback.format_exc()), err=True, nl=False)
    said = "this is a bug in rdo; please report it with the lines above"
    return Complaint(said, EX_SOFTWARE)


def main() -> NoReturn:
    """Run the program with the command line of the process.

    Through a link named fedpkg it is that program. The build user, and a web server, read files
    that rdo makes, so a umask does not hide them.
    """
    os.umask(os.umask(0o022) & ~0o055)
    if Path(sys.argv[0]).name == "fedpkg":
        from rdo.cli.pkg.fedpkg import program

        sys.exit(program.run(sys.argv[1:]))
    sys.exit(run(sys.argv[1:]))
