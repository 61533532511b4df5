"""The command `packstack`: its options, its answer files and its exit codes."""

import logging
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rdo import __version__
from rdo.atomic import write_file
from rdo.cancellation import heed_lost_signals
from rdo.cli import output
from rdo.cli.deploy import show_notes
from rdo.cli.endings import EX_USAGE, full_disk
from rdo.cli.log_lines import configure_logging
from rdo.cli.packstack_questions import ask_answers
from rdo.errors import RefusedError, UserError
from rdo.model.text.url import without_secret

if TYPE_CHECKING:
    from rdo.deploy.install.deployment import Deployment
    from rdo.deploy.install.planning import PlannedStep
    from rdo.deploy.keys import Key, KeyTable

log = logging.getLogger(__name__)

_GENERAL = "Options"
_WIDTH = 70


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
    """Return packstack's options that do not set a key, and one option of ours."""
    path = click.Path(path_type=Path)
    return [
        click.Option(["--gen-answer-file"], type=path, metavar="FILE", help="Make an answer file."),
        click.Option(
            ["--validate-answer-file"],
            type=path,
            metavar="FILE",
            help="Check an answer file and print all of its faults.",
        ),
        click.Option(
            ["--answer-file"],
            type=path,
            metavar="FILE",
            help="Install the cloud of an answer file, which is never written to.",
        ),
        click.Option(
            ["--install-hosts"],
            metavar="HOST,HOST",
            help="Install on these hosts: the first is the controller, the others run servers.",
        ),
        click.Option(["--allinone"], is_flag=True, help="Install everything on this machine."),
        click.Option(
            ["-y", "--dry-run"], is_flag=True, help="Show what would change, and change nothing."
        ),
        click.Option(
            ["--accept-new-host-keys"],
            is_flag=True,
            help="Accept and remember the key of a host that is not known.",
        ),
        click.Option(
            ["-t", "--timeout"],
            type=int,
            expose_value=False,
            metavar="SECONDS",
            help="Accepted for packstack's sake, and ignored; steps have limits of their own.",
        ),
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
    """Return the command with an option for each key that has one in packstack."""
    shown = [key for key in table if not key.hidden]
    titles = {_parameter(key): group.title for group in table.groups for key in group.keys}
    made: click.Command = PackstackCommand(
        "packstack",
        titles=titles,
        callback=_run_options,
        params=[*_own_options(), *map(_key_option, shown)],
        help="Install a cloud, or make and check its answer file. An option that is named after a "
        "key replaces that key's answer in the file.",
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
    dry_run: bool,
    accept_new_host_keys: bool,
    list_options: bool,
    debug: bool,
    **keys: str | None,
) -> None:  # one parameter per option
    from rdo.deploy.answers import host_options
    from rdo.deploy.install.deployment import deployment
    from rdo.deploy.keys import load_keys
    from rdo.deploy.machine import this_machine
    from rdo.deploy.template import options_text
    from rdo.tools.hosts.access import SshAccess

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
        if install_hosts and allinone:
            raise click.UsageError("--install-hosts and --allinone exclude each other")
        if not (answer_file or allinone or install_hosts):
            options = ask_answers(table, this_machine(), options)
        hosts = install_hosts or (this_machine().address if allinone else "")
        cloud = deployment(
            file=answer_file.expanduser() if answer_file else None,
            options={**(host_options(table, hosts) if hosts else {}), **options},
            by_ssh=SshAccess("root", accepts_new=accept_new_host_keys),
            makes_secrets=not dry_run,
        )
        if dry_run:
            _print_plan(cloud)
        else:
            _install(table, cloud, answer_file)


def _print_plan(cloud: "Deployment") -> None:
    """Print the plan; write nothing, here or on hosts."""
    from rdo.deploy.install.engine import faults_error
    from rdo.deploy.install.report import plan_as_text

    plan = cloud.plan()
    output.say(plan_as_text(plan))
    if error := faults_error(plan):
        raise error


def _install(table: "KeyTable", cloud: "Deployment", given: Path | None) -> None:
    """Install a cloud; print a line for each step, as packstack does, then what to do next."""
    from rdo.deploy.template import answer_file

    file = given
    output.say("Welcome to the Packstack setup utility\n")
    if file is None:
        moment = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        file = Path.home() / f"packstack-answers-{moment}.txt"
        write_file(file, answer_file(table, cloud.answers), is_private=True, is_synced=True)
    output.say(f"The installation log file is available at: {cloud.log_file}\n\nInstalling:")
    with cloud.prepared() as found:
        changed = cloud.carry_out(found, _print_step)
    output.say(f"\n **** Installation completed successfully ****** ({changed} changes)\n")
    show_notes(str(file), cloud.answers.notes)
    output.say("Additional information:")
    for line in _information(cloud, file, is_new=given is None):
        output.say(f" * {line}")


def _print_step(event: str, step: "PlannedStep") -> None:
    """Print the line of a step that has ended."""
    if event != "begin":
        mark = "DONE" if event == "done" else "ERROR"
        output.say(f"{step.title + ' on ' + step.host:<{_WIDTH}}[ {mark} ]")


def _information(cloud: "Deployment", file: Path, *, is_new: bool) -> Iterator[str]:
    """Yield hints about what the user can do next."""
    from rdo.deploy.roles.client import ADMIN_FILE

    controller = cloud.answers["CONFIG_CONTROLLER_HOST"]
    if is_new:
        yield f"A new answer file was created in: {file}"
    if not cloud.answers["CONFIG_NTP_SERVERS"]:
        yield "Time synchronization was left alone: CONFIG_NTP_SERVERS names no servers."
    if cloud.answers["CONFIG_CLIENT_INSTALL"] == "y":
        yield f"{ADMIN_FILE} was written on {controller}. To use the command line: source it there."
    yield f"To check the cloud: rdo deploy verify --answer-file {file}"
    yield f"To repair it, or to install new answers: packstack --answer-file={file}"


def _validate(table: "KeyTable", file: Path) -> None:
    """Check a file; raise one error with all of its faults."""
    from rdo.deploy.machine import this_machine
    from rdo.deploy.reading import load_answers

    found = load_answers(table, this_machine(), file=file.expanduser())
    show_notes(str(file), found.notes)
    given = sum(1 for one in found.by_key.values() if one.line)
    output.say(f"{file}: {given} keys, no faults")


def _generate(table: "KeyTable", file: Path, options: Mapping[str, str]) -> None:
    """Write an answer file, unless it has faults; contact no host."""
    file = file.expanduser()
    if not file.parent.is_dir():
        raise RefusedError(f"there is no folder {file.parent}, so {file.name} cannot be written")
    from rdo.deploy.answer_file import AnswerFile, AnswersError
    from rdo.deploy.answers import check_options, decide
    from rdo.deploy.machine import this_machine
    from rdo.deploy.template import answer_file

    check_options(table, options)
    answers = decide(table, AnswerFile(), options, this_machine(), {})
    if answers.faults:
        raise AnswersError("answers", list(answers.faults))
    text = answer_file(table, answers)
    write_file(file, text, is_private=True, is_synced=True)


def run(args: Sequence[str]) -> int:
    """Run one command line and return the exit code that packstack would return."""
    from rdo.deploy.keys import load_keys

    configure_logging()
    try:
        command(load_keys()).main(args=list(args), prog_name="packstack", standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        return _failed(error)
    except click.UsageError as error:
        output.say(f"packstack: error: {error.format_message()}", err=True)
        return EX_USAGE
    except (click.Abort, KeyboardInterrupt):
        output.say("\nERROR : interrupted")
        return 1
    except OSError as error:
        return _failed(full_disk(error) or UserError(f"{error.filename or ''}: {error.strerror}"))
    except Exception:  # noqa: BLE001 - the top: whatever comes here is a bug of ours
        output.say(without_secret(traceback.format_exc()), err=True, nl=False)
        return 1
    return 0


def _failed(error: UserError) -> int:
    """Print an error, then what to do about it; return the exit code."""
    log.debug("traceback", exc_info=error)
    output.say(f"\nERROR : {error}")
    if error.hint:
        output.say(f"  {error.hint}")
    return 1


def main() -> NoReturn:
    """Run the program and exit."""
    heed_lost_signals()
    sys.exit(run(sys.argv[1:]))
