"""`rdo deploy`: install a cloud from a target's packages, as an answer file describes it."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.cli import output
from rdo.cli.lazy import LazyGroup
from rdo.cli.output_file import OutputFile
from rdo.errors import OutsideError, RefusedError

if TYPE_CHECKING:
    from rdo.deploy.answer_file import AnswerFault
    from rdo.deploy.answers import CloudAnswer
    from rdo.deploy.install.planning import PlannedStep
    from rdo.tools.hosts.access import SshAccess


@click.group(cls=LazyGroup)
def deploy() -> None:
    """Install a cloud from a target's packages, as packstack's answer files describe it.

    \b
    packstack --gen-answer-file=answers.txt
    rdo deploy check --answer-file answers.txt
    rdo deploy plan --answer-file answers.txt
    rdo deploy apply --answer-file answers.txt
    """


def _pairs(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> dict[str, str]:
    """Parse `--answer KEY=VALUE` into a mapping."""
    for text in texts:
        if "=" not in text:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE")
    return {key.upper(): value for key, _, value in (text.partition("=") for text in texts)}


_answer_file = click.option(
    "--answer-file",
    "file",
    type=click.Path(path_type=Path),
    help="Read the answers from this file, which is never written to. Default: none.",
)
_answer = click.option(
    "--answer",
    "options",
    metavar="KEY=VALUE",
    multiple=True,
    callback=_pairs,
    help="Answer in place of the file, e.g. CONFIG_DEBUG_MODE=y (repeatable).",
)


_state = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the cloud. Default: ~/.local/state/rdo/clouds/CONTROLLER.",
)
_ACCESS = (
    click.option(
        "--identity",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Private key to log in with. Default: the keys that ssh finds.",
    ),
    click.option(
        "--known-hosts",
        type=click.Path(path_type=Path),
        help="File with the keys of hosts. Default: ssh's own.",
    ),
    click.option(
        "--accept-new-host-keys",
        is_flag=True,
        help="Accept and remember the key of a host that is not known; a changed key is refused.",
    ),
)


def _access(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for access to hosts; the command gets them together, as `by_ssh`."""

    @functools.wraps(command)
    def with_access(
        *args: object,
        identity: Path | None,
        known_hosts: Path | None,
        accept_new_host_keys: bool,
        **more: object,
    ) -> None:
        from rdo.tools.hosts.access import SshAccess

        by_ssh = SshAccess("root", identity, known_hosts, accept_new_host_keys)
        command(*args, by_ssh=by_ssh, **more)

    for option in reversed(_ACCESS):
        with_access = option(with_access)
    return with_access


@deploy.command()
@_answer_file
@_answer
@_state
@click.option(
    "--make-secrets",
    is_flag=True,
    help="Generate the secrets that are neither given nor generated yet; keep them in --state.",
)
@click.option("--all", "everything", is_flag=True, help="Also show the keys that do not matter.")
@output.json_option
def answers(
    file: Path | None,
    options: dict[str, str],
    state: Path | None,
    make_secrets: bool,
    everything: bool,
    as_json: bool,
) -> None:
    """Show the answers that a cloud is made from, and the origin of each; secrets are masked.

    A key does not matter if another answer has switched it off.

    \b
    rdo deploy answers --answer-file answers.txt
    """
    from rdo.deploy.keys import load_keys
    from rdo.deploy.machine import this_machine
    from rdo.deploy.reading import load_answers

    found = load_answers(
        load_keys(),
        this_machine(),
        file=file,
        options=options,
        state=state,
        make_secrets=make_secrets,
    )
    rows = [one for one in found.by_key.values() if everything or one.is_active]
    table = output.Table(
        ("key", "value", "origin"),
        [(one.key.name, one.shown or _unmade(one), _origin(one, file)) for one in rows],
    )
    plain = {
        "answers": [_plain(one, file) for one in rows],
        "notes": [{"line": one.line, "note": one.said} for one in found.notes],
    }
    output.show(plain, as_json, table)
    if not as_json:
        show_notes(str(file or "answers"), found.notes)


def show_notes(shown: str, notes: "tuple[AnswerFault, ...]") -> None:
    """Print notes for the user, after the result."""
    from rdo.deploy.answer_file import in_order, told

    for one in in_order(list(notes)):
        output.say(f"note: {told(shown, one)}", err=True)


def _unmade(answer: "CloudAnswer") -> str:
    from rdo.deploy.answers import Origin

    return "(not made yet)" if answer.origin is Origin.GENERATED else ""


def _origin(answer: "CloudAnswer", file: Path | None) -> str:
    return f"{file}:{answer.line}" if answer.line and file else str(answer.origin)


def _plain(answer: "CloudAnswer", file: Path | None) -> dict[str, object]:
    """Return an answer as JSON data; it never contains a secret."""
    return {
        "key": answer.key.name,
        "value": answer.shown,
        "secret": answer.key.secret,
        "origin": answer.origin,
        "file": file if answer.line else None,
        "line": answer.line,
        "active": answer.is_active,
        "support": answer.key.support,
    }


@deploy.command()
@_answer_file
@_answer
@_access
@output.json_option
@click.pass_context
def check(
    ctx: click.Context,
    file: Path | None,
    options: dict[str, str],
    by_ssh: "SshAccess",
    as_json: bool,
) -> None:
    """Check whether every host of the answers can become part of the cloud; change nothing.

    Each host is reached by ssh as root; this machine is asked without ssh. The exit code is 5 if a
    host cannot be used, 6 if one cannot be reached.

    \b
    rdo deploy check --answer-file answers.txt
    rdo deploy check --answer CONFIG_COMPUTE_HOSTS=10.0.0.6,10.0.0.7
    """
    from rdo.deploy.host_check import Weight, check_hosts
    from rdo.deploy.hosts import hosts_of
    from rdo.deploy.keys import load_keys
    from rdo.deploy.machine import this_machine
    from rdo.deploy.reading import load_answers
    from rdo.tools.hosts.access import Host

    machine = this_machine()
    hosts = hosts_of(load_answers(load_keys(), machine, file=file, options=options))
    access = [Host(one, None if machine.is_called(one) else by_ssh) for one in hosts]
    found = check_hosts(hosts, access)
    lines = []
    for one in found:
        lines.append(f"{one.address}: {', '.join(sorted(one.duties))}")
        if one.facts:
            lines[-1] += f"; {one.facts.system}, {one.facts.memory_mb} MB of memory"
        for finding in one.findings:
            lines += [f"  {finding.weight}: {finding.said}", f"    {finding.remedy}"]
    output.show(found, as_json, "\n".join(lines))
    bad = [one for one in found if any(it.weight is Weight.ERROR for it in one.findings)]
    if bad:
        is_outside = any(one.facts is None for one in bad)
        ctx.exit(OutsideError.exit_code if is_outside else RefusedError.exit_code)


@deploy.command()
@_answer_file
@_answer
@_state
@_access
@output.json_option
@click.pass_context
def plan(
    ctx: click.Context,
    file: Path | None,
    options: dict[str, str],
    state: Path | None,
    by_ssh: "SshAccess",
    as_json: bool,
) -> None:
    """Show every change that `apply` would make; write nothing, here or on a host.

    The names of settings are shown, never their values. The exit code is 5 if an error blocks the
    plan, 6 if a host cannot be reached.

    \b
    rdo deploy plan --answer-file answers.txt
    """
    from rdo.deploy.install.deployment import deployment
    from rdo.deploy.install.report import plan_as_plain, plan_as_text

    cloud = deployment(file=file, options=options, state=state, by_ssh=by_ssh)
    found = cloud.plan()
    output.show(plan_as_plain(found), as_json, plan_as_text(found))
    if found.faults:
        ctx.exit(RefusedError.exit_code)


@deploy.command()
@_answer_file
@_answer
@_state
@_access
@output.json_option
def apply(
    file: Path | None,
    options: dict[str, str],
    state: Path | None,
    by_ssh: "SshAccess",
    as_json: bool,
) -> None:
    """Install the cloud, or repair what has changed since; do not touch what is already correct.

    You may interrupt it and run it again at any time. Secrets that you do not give are generated
    first and kept in the folder of the cloud.

    \b
    rdo deploy apply --answer-file answers.txt
    """
    from rdo.deploy.install.deployment import deployment
    from rdo.deploy.install.report import plan_as_plain

    cloud = deployment(file=file, options=options, state=state, by_ssh=by_ssh, makes_secrets=True)
    with cloud.prepared() as found:
        changed = cloud.carry_out(found, _print_step)
    hosts = f"{len(cloud.hosts)} host{'s' if len(cloud.hosts) > 1 else ''}"
    plain = {**plan_as_plain(found.plan), "changed": changed}
    output.show(plain, as_json, f"{changed} changes on {hosts}")


def _print_step(event: str, step: "PlannedStep") -> None:
    if event == "done":
        output.say(f"{step.host}: {step.title}", err=True)


@deploy.command()
@_answer_file
@_answer
@_state
@output.json_option
def status(file: Path | None, options: dict[str, str], state: Path | None, as_json: bool) -> None:
    """Show the result of the last installation, from the journal; no host is contacted.

    \b
    rdo deploy status --answer-file answers.txt
    """
    from rdo.deploy.install.deployment import deployment
    from rdo.deploy.install.report import run_as_text

    cloud = deployment(file=file, options=options, state=state)
    entries = cloud.journal.last_run()
    output.show({"state": str(cloud.state), "last_run": entries}, as_json, run_as_text(entries))


@deploy.command()
@_answer_file
@_answer
@_state
@_access
@click.option("--reboot", is_flag=True, help="Reboot the controller, and check once more.")
@click.option(
    "--junit",
    type=OutputFile(),
    help="Also write the result to this file, as JUnit's XML.",
)
@output.json_option
def verify(
    file: Path | None,
    options: dict[str, str],
    state: Path | None,
    by_ssh: "SshAccess",
    reboot: bool,
    junit: Path | None,
    as_json: bool,
) -> None:
    """Check that the cloud works: get a token, move an image, make a network, run a server.

    Everything that the checks create is removed again. The exit code is 5 if one fails.

    \b
    rdo deploy verify --answer-file answers.txt --junit result.xml
    """
    from rdo.atomic import write_file
    from rdo.deploy.install import verification
    from rdo.deploy.install.deployment import deployment

    cloud = deployment(file=file, options=options, state=state, by_ssh=by_ssh)
    if reboot:
        verification.check_may_reboot(cloud)
    checks = verification.verify(cloud)
    if reboot and not verification.failure(checks):
        checks += verification.verify_after_reboot(cloud)
    if junit:
        write_file(junit, verification.as_junit(checks))
    output.show({"checks": checks}, as_json, "\n".join(verification.as_text(checks)))
    if error := verification.failure(checks):
        raise error
