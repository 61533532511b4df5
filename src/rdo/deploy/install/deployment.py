"""A cloud to be planned, installed and inspected: answers, hosts, steps and state folder."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rdo import lock
from rdo.deploy.answers import Answers, Origin
from rdo.deploy.cloud import Cloud
from rdo.deploy.hosts import hosts_of
from rdo.deploy.install.engine import Looked, faults_error, looked
from rdo.deploy.install.journal import InstallJournal
from rdo.deploy.install.planning import Plan, PlannedStep
from rdo.deploy.install.steps import Step, steps_of
from rdo.deploy.keys import load_keys
from rdo.deploy.machine import ThisMachine, this_machine
from rdo.deploy.public_key import beside, read_public_key
from rdo.deploy.reading import load_answers, state_folder
from rdo.errors import UserError
from rdo.tools.hosts.access import Host, SshAccess

_LOG = "install.log"
_SSH_KEY = "CONFIG_SSH_KEY"
_NO_LOG = Path("/dev/null")

Told = Callable[[str, PlannedStep], None]
"""Called with `begin`, `done` or `failed` when a step begins or ends."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A cloud with these answers; `hosts` are reached as `Host` describes."""

    answers: Answers
    steps: tuple[Step, ...]
    hosts: tuple[Host, ...]
    state: Path

    @property
    def journal(self) -> InstallJournal:
        """What was done to the cloud, and when."""
        return InstallJournal(self.state)

    @property
    def log_file(self) -> Path:
        """The log of the engine itself."""
        return self.state / _LOG

    def plan(self) -> Plan:
        """Examine all hosts and return what would change; write nothing, here or there.

        Raises OutsideError for a host that cannot be reached.
        """
        with self._looked(_NO_LOG) as found:
            return found.plan

    @contextlib.contextmanager
    def prepared(self) -> Iterator[Looked]:
        """Examine all hosts, and yield the plan; the block holds the lock to carry it out.

        Raises RefusedError with every obstacle to the plan, or if another installation is running;
        OutsideError for a host that cannot be reached.
        """
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with lock.hold(self.state / "deploy.lock", purpose="installing a cloud"):
            self.log_file.touch(mode=0o600)
            self.journal.write("run")
            try:
                with self._looked(self.log_file) as found:
                    if error := faults_error(found.plan):
                        raise error
                    yield found
            except UserError as error:
                self.journal.write("failed", said=str(error))
                raise
            self.journal.write("finished")

    def carry_out(self, found: Looked, told: Told) -> int:
        """Carry out a plan, with a journal entry for each step; return the number of changes.

        Raises the errors of `Looked.carry_out`.
        """

        def tell(event: str, step: PlannedStep) -> None:
            self.journal.write(event, step.host, step.title)
            told(event, step)

        return found.carry_out(tell) if found.plan.needed else 0

    def _looked(self, log_file: Path) -> contextlib.AbstractContextManager[Looked]:
        secrets = [one.value for one in self.answers.by_key.values() if one.key.secret]
        return looked(self.hosts, self.steps, secrets, log_file)


def deployment(
    *,
    file: Path | None = None,
    options: Mapping[str, str] | None = None,
    state: Path | None = None,
    by_ssh: SshAccess | None = None,
    makes_secrets: bool = False,
    machine: ThisMachine | None = None,
) -> Deployment:
    """Return the cloud of an answer file and options; a host that is this machine needs no ssh.

    A key named in the answers is also used to log in. Raises the errors of `load_answers`, and
    those of `read_public_key` for that key.
    """
    here = machine or this_machine()
    answers = load_answers(
        load_keys(), here, file=file, options=options, state=state, make_secrets=makes_secrets
    )
    duties = hosts_of(answers)
    remote = tuple(one for one in duties if not here.is_called(one))
    key, access = _public_key(answers) if remote else "", by_ssh or SshAccess()
    if key and access.identity is None and answers.by_key[_SSH_KEY].origin is not Origin.DEFAULT:
        access = replace(access, identity=beside(answers[_SSH_KEY]))
    return Deployment(
        answers,
        tuple(steps_of(Cloud(answers, key, remote), duties)),
        tuple(Host(one, access if one in remote else None) for one in duties),
        state or state_folder(answers["CONFIG_CONTROLLER_HOST"]),
    )


def _public_key(answers: Answers) -> str:
    return read_public_key(answers[_SSH_KEY]) if answers[_SSH_KEY] else ""
