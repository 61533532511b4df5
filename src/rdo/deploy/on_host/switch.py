"""Open vSwitch and OVN's databases on the host."""

import json
from pathlib import Path

from rdo.deploy.on_host.acts import Unsure, Wanted, has_program, run

_MANAGER = "ptcp:6640:127.0.0.1"  # where nova's os_vif looks for Open vSwitch
_DATABASES = {"northbound": "ovn-nbctl", "southbound": "ovn-sbctl"}


def look_switch(wanted: Wanted) -> "list[str]":
    """Return the settings and bridges that Open vSwitch lacks."""
    if not has_program("ovs-vsctl"):
        return [f"Open vSwitch: {', '.join([*wanted['external_ids'], *wanted['bridges']])}"]
    here = _external_ids()
    needed = [name for name, value in wanted["external_ids"].items() if here.get(name) != value]
    bridges = _ask("ovs-vsctl", "list-br").split()
    needed += [f"bridge {one}" for one in wanted["bridges"] if one not in bridges]
    if _MANAGER not in _ask("ovs-vsctl", "get-manager").split():
        needed.append(f"manager {_MANAGER}")
    return [f"Open vSwitch: {', '.join(needed)}"] if needed else []


def make_switch(wanted: Wanted) -> None:
    """Write the settings to Open vSwitch, and make the bridges."""
    kind = [] if _kernel_has_it() else ["--", "set", "bridge", "{}", "datapath_type=netdev"]
    for one in wanted["bridges"]:
        more = [word.format(one) for word in kind]
        _ask("ovs-vsctl", "--may-exist", "add-br", one, *more)
    words = [f"external_ids:{name}={json.dumps(value)}" for name, value in _ids(wanted).items()]
    _ask("ovs-vsctl", "set", "open_vswitch", ".", *words)
    _ask("ovs-vsctl", "set-manager", _MANAGER)


def look_listeners(wanted: Wanted) -> "list[str]":
    """Return which of OVN's databases do not listen where they should."""
    whole = [f"OVN: {name} database at {wanted[name]}" for name in _DATABASES]
    if not has_program("ovn-nbctl"):
        return whole
    needed = []
    for told, (name, command) in zip(whole, _DATABASES.items()):  # noqa: B905 - Python 3.9
        if wanted[name] not in _ask(command, "get-connection").split():
            needed.append(told)
    return needed


def make_listeners(wanted: Wanted) -> None:
    """Make both databases listen."""
    for name, command in _DATABASES.items():
        _ask(command, "set-connection", wanted[name])


def _ids(wanted: Wanted) -> "dict[str, str]":
    """Return the settings of the switch; OVN's integration bridges use its datapath."""
    more = {} if _kernel_has_it() else {"ovn-bridge-datapath-type": "netdev"}
    return {**wanted["external_ids"], **more}


def _external_ids() -> "dict[str, str]":
    said = _ask("ovs-vsctl", "--format=json", "--columns=external_ids", "list", "open_vswitch")
    pairs = json.loads(said)["data"][0][0][1]
    return dict(pairs)


def _ask(*command: str) -> str:
    """Return the output of a program of Open vSwitch; raise Unsure if its server does not run."""
    done = run(command[0], "--timeout=30", *command[1:], ok=range(256))
    if done.returncode == 0:
        return done.stdout
    if "database connection failed" in done.stderr or "signal 14" in done.stderr:
        raise Unsure("Open vSwitch and OVN run")
    run(command[0], "--timeout=30", *command[1:])
    return ""


def _kernel_has_it() -> bool:
    """Whether the kernel has Open vSwitch's datapath, as a module or built in."""
    return Path("/sys/module/openvswitch").exists()
