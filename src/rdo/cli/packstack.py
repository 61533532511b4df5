"""The command `packstack`: its options, its answer files and its exit codes."""

import logging
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rdo import __version__
from rdo.atomic import write_file
from rdo.cli import output
from rdo.cli.deploy import show_notes
from rdo.cli.main import EX_USAGE, configure_logging
from rdo.errors import RefusedError, UserError
from rdo.model.url import without_secret

if TYPE_CHECKING:
    from rdo.deploy.keys import Key, KeyTable

log = logging.getLogger(__name__)

_NOT_YET = (
    "packstack cannot install a cloud yet; it can make and check answer files",
    "packstack --help lists what it can do",
)
_GENERAL = "Options"


class PackstackCommand(click.Command):
    """A command whose help has a section for each group of keys."""

    def __init__(self, *args: Any, titles: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.titles = titles

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {_GENERAL: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            title = self.titles.get(parameter.name or "", _GENERAL)
            if record:
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records, col_max=44)


def _own_options() -> list[click.Parameter]:
    """Return packstack's options that are about no key; what cannot be done yet is not shown."""
    path = click.Path(path_type=Path)
    return [
        click.Option(["--gen-answer-file"], type=path, metavar="FILE", help="Make an answer file."),
        click.Option(
            ["--validate-answer-file"],
            type=path,
            metavar="FILE",
            help="Check an answer file and print all of its faults.",
        ),
        click.Option(["--answer-file"], type=path, hidden=True),
        click.Option(["--install-hosts"], hidden=True),
        click.Option(["--allinone"], is_flag=True, hidden=True),
        click.Option(["-t", "--timeout"], type=int, hidden=True, expose_value=False),
        click.Option(["-y", "--dry-run"], is_flag=True, hidden=True, expose_value=False),
        click.Option(
            ["-o", "--options", "list_options"],
            is_flag=True,
            help="Print all keys of answer files, as reStructuredText.",
        ),
        click.Option(["-d", "--debug"], is_flag=True, help="Log everything."),
    ]


def _key_option(key: "Key") -> click.Option:
    return click.Option([f"--{key.option}", _parameter(key)], metavar=_metavar(key), help=key.help)


def _parameter(key: "Key") -> str:
    return key.name.lower()


def _metavar(key: "Key") -> str:
    from rdo.deploy.keys import Kind

    if key.kind is Kind.YES_NO:
        return "y|n"
    if key.kind is Kind.CHOICE and all(word.isalnum() for word in key.choices):
        return "|".join(key.choices)
    return "PASSWORD" if key.secret else "VALUE"


def command(table: "KeyTable") -> click.Command:
    """Return the command with an option for each key that packstack has one for."""
    shown = [key for key in table if not key.hidden]
    titles = {_parameter(key): group.title for group in table.groups for key in group.keys}
    made: click.Command = PackstackCommand(
        "packstack",
        titles=titles,
        callback=_run_options,
        params=[*_own_options(), *map(_key_option, shown)],
        help="Make and check packstack's answer files. The options of keys are answers in the "
        "file that --gen-answer-file makes.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    version = click.version_option(
        __version__, prog_name="packstack", message="%(prog)s %(version)s"
    )
    return version(made)


def _run_options(
    gen_answer_file: Path | None,
    validate_answer_file: Path | None,
    answer_file: Path | None,
    install_hosts: str | None,
    allinone: bool,
    list_options: bool,
    debug: bool,
    **keys: str | None,
) -> None:  # one parameter per option
    from rdo.deploy.keys import load_keys
    from rdo.deploy.template import options_text

    configure_logging(debug=debug)
    table = load_keys()
    options = {name.upper(): value for name, value in keys.items() if value is not None}
    if list_options:
        output.say(options_text(table), nl=False)
    elif validate_answer_file:
        _validate(table, validate_answer_file)
    elif gen_answer_file:
        _generate(table, gen_answer_file, options)
    else:
        if answer_file and allinone:
            raise click.UsageError("--answer-file and --allinone exclude each other")
        if answer_file and (options or install_hosts):
            raise click.UsageError("--answer-file excludes all other options")
        if answer_file:
            _validate(table, answer_file, is_quiet=True)
        message, hint = _NOT_YET
        raise RefusedError(message, hint=hint)


def _validate(table: "KeyTable", file: Path, *, is_quiet: bool = False) -> None:
    """Check a file; raise an error with all of its faults."""
    from rdo.deploy.machine import this_machine
    from rdo.deploy.reading import load_answers

    found = load_answers(table, this_machine(), file=file.expanduser())
    show_notes(str(file), found.notes)
    if not is_quiet:
        given = sum(1 for one in found.by_key.values() if one.line)
        output.say(f"{file}: {given} keys, no faults")


def _generate(table: "KeyTable", file: Path, options: Mapping[str, str]) -> None:
    """Write an answer file; nothing is connected to, and no faulty answer is written."""
    from rdo.deploy.answer_file import AnswerFile, AnswersError
    from rdo.deploy.answers import check_options, decide
    from rdo.deploy.machine import this_machine
    from rdo.deploy.template import answer_file

    check_options(table, options)
    answers = decide(table, AnswerFile(), options, this_machine(), {})
    if answers.faults:
        raise AnswersError("answers", list(answers.faults))
    text = answer_file(table, answers)
    write_file(file.expanduser(), text, is_private=True, is_synced=True)


def run(args: Sequence[str]) -> int:
    """Run one command line and return the exit code that packstack would return."""
    from rdo.deploy.keys import load_keys

    configure_logging()
    try:
        command(load_keys()).main(args=list(args), prog_name="packstack", standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        log.debug("traceback", exc_info=error)
        output.say(f"\nERROR : {error}")
        if error.hint:
            output.say(f"  {error.hint}")
        return 1
    except click.UsageError as error:
        output.say(f"packstack: error: {error.format_message()}", err=True)
        return EX_USAGE
    except (click.Abort, KeyboardInterrupt):
        output.say("\nERROR : interrupted")
        return 1
    except OSError as error:
        output.say(f"\nERROR : {error.filename or ''}: {error.strerror}")
        return 1
    except Exception:  # noqa: BLE001 - the top: whatever comes here is a bug of ours
        output.say(without_secret(traceback.format_exc()), err=True, nl=False)
        return 1
    return 0


def main() -> NoReturn:
    """Run the program and exit."""
    sys.exit(run(sys.argv[1:]))
