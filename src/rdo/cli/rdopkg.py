"""The command `rdopkg`: the verbs of `rdo pkg` under rdopkg's name, with its exit codes."""

import logging
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from rdo import __version__
from rdo.cancellation import heed_lost_signals
from rdo.cli import output
from rdo.cli.endings import EX_USAGE
from rdo.cli.lazy import Lazy
from rdo.cli.log_lines import configure_logging
from rdo.cli.pkg.group import SECTIONS, VERBS, PkgGroup, go_on_options, serve
from rdo.errors import CommandError, UserError
from rdo.model.text.url import without_secret

log = logging.getLogger(__name__)


_MODULE = "rdo.cli.rdopkg_updates"
_UPDATES = {
    "update": Lazy(_MODULE, "update", "Check an update file and put it up for review."),
    "list-updates": Lazy(_MODULE, "list_updates", "List updates by state."),
    "push-updates": Lazy(_MODULE, "push_updates_", "Push the updates that are ready to users."),
}
"""The verbs of rdopkg 0.25 that are commands of `rdo update` here."""


@click.group(
    cls=PkgGroup,
    lazy={**VERBS, **_UPDATES},
    sections={**SECTIONS, "Updates": tuple(_UPDATES)},
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@go_on_options
@click.version_option(__version__, message="%(version)s")
@click.pass_context
def rdopkg(ctx: click.Context, go_on: bool, abort: bool, dry_run: bool) -> None:
    """Work on a distgit: new versions, patches, fixes. Run it in the distgit's clone."""
    serve(ctx, go_on=go_on, abort=abort, is_dry=dry_run)


def run(args: Sequence[str]) -> int:
    """Run one command line and return the exit code that rdopkg would return."""
    configure_logging()
    as_json = output.is_asked_for_json(args)
    try:
        code: Any = rdopkg.main(args=list(args), prog_name="rdopkg", standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        log.debug("traceback", exc_info=error)
        return _complain(error, as_json=as_json)
    except click.UsageError as error:
        error.show()
        return EX_USAGE
    except (click.Abort, KeyboardInterrupt):
        output.say("\nKeyboardInterrupt")
        return 1
    except BrokenPipeError:
        output.leave_a_reader_that_is_gone()
        return 0
    except Exception:  # noqa: BLE001 - the top: whatever comes here is a bug of ours
        output.say(without_secret(traceback.format_exc()), err=True, nl=False)
        return 1
    return code if isinstance(code, int) else 0


def _complain(error: UserError, *, as_json: bool) -> int:
    """Print an error as rdopkg does, or for programs as `rdo` does; return rdopkg's exit code."""
    code = int(getattr(error, "rdopkg_code", 1))
    if as_json:
        if code:
            output.complain(str(error), error.hint, code, as_json=True)
    elif isinstance(error, CommandError):
        output.say(f"command failed: {error}", err=True)
    else:
        output.say(f"\n{error}")
        if error.hint:
            output.say(f"  {error.hint}", err=True)
    return code


def main() -> NoReturn:
    """Run the program and exit."""
    heed_lost_signals()
    sys.exit(run(sys.argv[1:]))
