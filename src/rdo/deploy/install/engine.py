"""Examine all hosts at the same time and carry out a plan; what the installer prints is parsed."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.deploy.install.planning import Plan, PlannedStep, is_restart, plan_of
from rdo.deploy.install.steps import Step, program
from rdo.errors import OutsideError, RefusedError, UserError
from rdo.tools.hosts.access import Host
from rdo.tools.hosts.installer import Installer, installer

_NOT_LET_IN = "let root log in there with your key (ssh-copy-id), or pass a key with --identity"
_NO_KEY = "log in there once by hand, or pass --accept-new-host-keys"
_CHANGED_KEY = "if the host was reinstalled: ssh-keygen -R HOST; otherwise this may be an attack"
_SILENT = (
    "see whether it answers: ssh root@HOST; if ssh's agent has many keys, name one by --identity"
)
_AWAY = "see whether it runs and answers: ping, ssh; then apply again"


@dataclass(frozen=True, slots=True)
class Looked:
    """Hosts that were examined: the plan, and the installer, which waits to carry it out."""

    plan: Plan
    _steps: Sequence[Step]
    _installer: Installer
    _told: Iterator[dict[str, Any]]
    _masked: Callable[[str], str]

    def carry_out(self, told: Callable[[str, PlannedStep], None]) -> int:
        """Carry out the plan, and return the number of changes.

        `told` is called with `begin`, `done` or `failed` for each step. Raises RefusedError for the
        first step that fails, OutsideError for a host that stops answering.
        """
        planned = {(step.number, step.host): step for step in self.plan.steps}
        self._installer.carry_out(self.plan.chosen(len(self._steps)))
        changed = 0
        for event in self._told:
            if event["event"] == "finished":
                return changed
            step = planned[event["step"], event["host"]]
            told(event["event"], step)
            if event["event"] == "done":
                changed += sum(not is_restart(one) for some in event["changes"] for one in some)
            if event["event"] == "failed":
                raise failure(step, self._masked(event["said"]), event.get("remedy") or "")
        raise OutsideError("the installer ended too early", hint=f"see {self._installer.log_file}")


@contextlib.contextmanager
def looked(
    hosts: Sequence[Host], steps: Sequence[Step], secrets: Sequence[str], log_file: Path
) -> Iterator[Looked]:
    """Examine all hosts without changing them, and yield the plan.

    Raises OutsideError for a host that cannot be reached or logged in to.
    """
    masked = masker(secrets)
    sent = [step.as_sent() for step in steps]
    with installer(hosts, sent, program(), log_file) as running:
        told = running.events()
        found: dict[str, Any] = {}
        for event in told:
            if event["event"] == "unreachable":
                raise unreachable(event["host"], masked(event["said"]))
            if event["event"] == "looked":
                yield Looked(plan_of(steps, found), steps, running, told, masked)
                return
            found[event["host"]] = event["found"]
    raise OutsideError("the installer ended too early", hint=f"see {log_file}")


def masker(secrets: Sequence[str]) -> Callable[[str], str]:
    """Return a function that hides secrets, the longest first."""
    whole = sorted({one for one in secrets if len(one) > 3}, key=len, reverse=True)

    def mask(text: str) -> str:
        for one in whole:
            text = text.replace(one, "********")
        return text

    return mask


def unreachable(host: str, said: str) -> OutsideError:
    """Return the error for a host that cannot be reached or logged in to."""
    words = said.lower()
    hint = _AWAY
    if ("host key" in words and "does not match" in words) or "changed" in words:
        hint = _CHANGED_KEY
    elif "not found in known_hosts" in words or "known_hosts" in words or "host key" in words:
        hint = _NO_KEY
    elif "no existing session" in words:  # paramiko's words for no answer, and for too many keys
        said, hint = "its ssh server does not answer", _SILENT
    elif "auth" in words:
        hint = _NOT_LET_IN
    return OutsideError(f"{host} cannot be reached: {said}", hint=hint.replace("HOST", host))


def failure(step: PlannedStep, said: str, remedy: str) -> UserError:
    """Return the error for a failed step: host, step, what went wrong, what to do."""
    message = f"{step.host}: {step.title}: {said}"
    if said.startswith("stopped answering"):
        return OutsideError(message, hint=_AWAY)
    return RefusedError(message, hint=remedy or "fix it there, then apply again")


def faults_error(plan: Plan) -> RefusedError | None:
    """Return one error with every obstacle to a plan; None if there is none."""
    if not plan.faults:
        return None
    said = "\n".join(f"{one.host}: {one.title}: {one.fault}" for one in plan.faults)
    remedies = dict.fromkeys(one.remedy for one in plan.faults if one.remedy)
    return RefusedError(said, hint="\n  ".join(remedies))
