"""Examine the hosts of a cloud and change them, with pyinfra; all messages are lines of JSON.

The first line on standard input has the hosts and the steps. The program examines every host and
prints what it found. Then it reads which steps to carry out on which hosts, and carries them out in
order, each on all of its hosts at the same time, until one fails. It stores nothing: when the other
end disconnects, it ends.
"""

if __name__ == "__main__":
    from gevent import monkey

    monkey.patch_all()  # must come first: without it neither timeouts nor several hosts work

import base64
import json
import logging
import os
import sys
from collections.abc import Generator
from typing import Any

import gevent
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.config import Config
from pyinfra.api.connect import connect_all, disconnect_all
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.host import Host
from pyinfra.api.inventory import Inventory
from pyinfra.api.operation import add_op, operation
from pyinfra.api.operations import run_ops
from pyinfra.api.state import BaseStateCallback, State, StateStage

_LOCAL = "@local"
_CONNECT_SECONDS = 10
_ALIVE_SECONDS = 5
_SILENT_SECONDS = 15
_LOOK_SECONDS = 300
_STEP_SECONDS = 3600

# The host's shell gets a program that waits for the modules and the request.
_BEGIN = (
    "python3 -B -c 'import base64,json,sys;"
    'r=json.loads(base64.b64decode(sys.stdin.read()));exec(r["begin"])\''
)


def _tell(event: str, **more: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
    sys.stdout.flush()


class _ConnectionReporter(BaseStateCallback):
    """Reports which host cannot be reached, and why."""

    @staticmethod
    def host_connect_error(_state: State, host: Host, error: Any) -> None:
        _tell("unreachable", host=_address(host), said=str(error))


def _address(host: Host) -> str:
    return str(host.data.get("rdo_address"))


def main() -> None:
    """Serve one plan, or one installation."""
    logging.getLogger("pyinfra").setLevel(logging.ERROR)
    asked = json.loads(sys.stdin.readline())
    state = _connected(asked)
    if state is None:
        return
    program = {name: asked[name] for name in ("begin", "modules", "main")}
    hosts = sorted(state.activated_hosts, key=_address)
    looks = [gevent.spawn(_look, host, program, asked["steps"]) for host in hosts]
    gevent.joinall(looks)
    if all(look.value for look in looks):
        _tell("looked")
        if line := sys.stdin.readline():
            # in a real thread, because reading standard input would stop everything else
            gevent.get_hub().threadpool.spawn(_exit_on_disconnect)
            _carry_out(state, program, asked["steps"], json.loads(line))
    gevent.spawn(disconnect_all, state).join(timeout=_CONNECT_SECONDS)


def _connected(asked: dict[str, Any]) -> State | None:
    """Return all hosts, connected; None if one of them is not, which was reported."""
    names = []
    for host in asked["hosts"]:
        data: dict[str, Any] = {"rdo_address": host["address"]}
        if access := host["ssh"]:
            data |= {"ssh_user": access["user"], "ssh_hostname": host["address"]}
            strict = "accept-new" if access["accepts_new"] else "yes"
            data["ssh_strict_host_key_checking"] = strict
            if access["identity"]:
                data["ssh_key"] = access["identity"]
                # as ssh does: the other keys are tried after it
                data["ssh_paramiko_connect_kwargs"] = {"allow_agent": True, "look_for_keys": True}
            if access["known_hosts"]:
                data["ssh_known_hosts_file"] = access["known_hosts"]
        names.append((host["address"] if access else _LOCAL, data))
    config = Config(CONNECT_TIMEOUT=_CONNECT_SECONDS, FAIL_PERCENT=0)
    state = State(Inventory((names, {})), config)
    state.add_callback_handler(_ConnectionReporter())
    try:
        connect_all(state)
    except PyinfraError:
        return None
    for host in state.activated_hosts:
        _notice_silence(host)
    return state


def _notice_silence(host: Host) -> None:
    """Close a connection whose other end is silent, so that nobody waits for it forever.

    A host that hangs still acknowledges at the level of TCP, so its ssh server is asked.
    """
    client = getattr(host.connector, "client", None)
    if client is not None:
        gevent.spawn(_listen, client.get_transport())


def _listen(transport: Any) -> None:
    """Ask an ssh server every few seconds for a sign of life, as ServerAliveInterval does."""
    while transport.is_active():
        gevent.sleep(_ALIVE_SECONDS)
        with gevent.Timeout(_SILENT_SECONDS, exception=False):
            transport.global_request("keepalive@openssh.com", wait=True)
            continue
        transport.close()


def _look(host: Host, program: dict[str, Any], steps: list[dict[str, Any]]) -> bool:
    """Report what differs on a host from what the steps want."""
    address = _address(host)
    wanted = [one for step in steps for one in step["wants"].get(address, ())]
    answer = _ask(host, program, {"mode": "look", "wanted": wanted}, _LOOK_SECONDS)
    if "found" in answer:
        _tell("found", host=address, found=answer["found"])
        return True
    _tell("unreachable", host=address, said=answer["said"])
    return False


def _carry_out(
    state: State, program: dict[str, Any], steps: list[dict[str, Any]], chosen: list[list[str]]
) -> None:
    """Carry out the chosen steps; `chosen` has the addresses of the hosts of each step."""
    state.set_stage(StateStage.Prepare)  # pyinfra 3.5 refuses operations in any other stage
    for number, step in enumerate(steps):
        add_op(state, _step, number, step, program, chosen[number], name=step["title"])
    state.set_stage(StateStage.Execute)
    try:
        run_ops(state)
    except PyinfraError:
        return  # the failure was reported
    _tell("finished")


@operation()
def _step(
    number: int, step: dict[str, Any], program: dict[str, Any], chosen: list[str]
) -> Generator[FunctionCommand, None, None]:
    """Make what a step wants on the host, if the host was chosen for it."""
    from pyinfra.context import host

    if _address(host) in chosen:
        yield FunctionCommand(_make, (host, number, step, program), {})


class _StepError(Exception):
    """Makes pyinfra stop; what went wrong was reported."""


def _make(host: Host, number: int, step: dict[str, Any], program: dict[str, Any]) -> None:
    address = _address(host)
    _tell("begin", step=number, host=address)
    request = {"mode": "make", "wanted": step["wants"][address]}
    answer = _ask(host, program, request, _STEP_SECONDS)
    if "said" in answer:
        told = {name: answer.get(name) for name in ("said", "remedy", "done")}
        _tell("failed", step=number, host=address, **told)
        raise _StepError
    _tell("done", step=number, host=address, changes=answer["done"])


def _ask(
    host: Host, program: dict[str, Any], request: dict[str, Any], seconds: int
) -> dict[str, Any]:
    """Run the program on a host; any error is in the answer as `said`."""
    sent = json.dumps({**program, "request": request}).encode()
    try:
        is_good, output = host.run_shell_command(
            StringCommand(_BEGIN), _stdin=base64.b64encode(sent).decode(), _timeout=seconds
        )
    except TimeoutError:
        return {"said": f"did not end within {seconds} s"}
    except Exception as error:  # noqa: BLE001 - the top of one host: paramiko raises many kinds
        return {"said": f"stopped answering: {type(error).__name__}: {error}", "is_away": True}
    lines = [line for line in output.stdout_lines if line.strip()]
    if is_good and lines:
        answer: dict[str, Any] = json.loads(lines[-1])
        return answer
    said = [line.strip() for line in output.stderr_lines if line.strip()]
    if not said:
        return {"said": "stopped answering", "is_away": True}
    return {"said": f"the program fails there: {'; '.join(said[-3:])[-600:]}"}


def _exit_on_disconnect() -> None:
    """End when the other end has disconnected; what a host is doing goes on there to its end."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
