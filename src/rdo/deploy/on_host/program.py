"""The program itself: it reads a request, examines or changes the host, and prints a line of JSON.

Examining changes nothing. A change examines first, and corrects only what differs, so it can be
repeated from any point.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from rdo.deploy.on_host import (
    authorized,
    cells,
    check,
    demo,
    files,
    identity,
    mariadb,
    once,
    packages,
    rabbitmq,
    switch,
    units,
)
from rdo.deploy.on_host.acts import HostFault, Unsure, Wanted, alone
from rdo.deploy.on_host.firewalls import open_ports

_PATIENCE_SECONDS = 300
_Answer = TypeVar("_Answer")

_KINDS: "dict[str, tuple[Callable[[Wanted], list[str]], Callable[[Wanted], None]]]" = {
    "packages": (packages.look_packages, packages.make_packages),
    "file": (files.look_file, files.make_file),
    "settings": (files.look_settings, files.make_settings),
    "link": (files.look_link, files.make_link),
    "folder": (files.look_folder, files.make_folder),
    "authorized_key": (authorized.look_authorized_key, authorized.make_authorized_key),
    "service": (units.look_service, units.make_service),
    "open_ports": (open_ports.look_open_ports, open_ports.make_open_ports),
    "once": (once.look_once, once.make_once),
    "database": (mariadb.look_database, mariadb.make_database),
    "root_password": (mariadb.look_root_password, mariadb.make_root_password),
    "broker_user": (rabbitmq.look_broker_user, rabbitmq.make_broker_user),
    "administrator": (identity.look_administrator, identity.make_administrator),
    "cells": (cells.look_cells, cells.make_cells),
    "switch": (switch.look_switch, switch.make_switch),
    "listeners": (switch.look_listeners, switch.make_listeners),
    "demo": (demo.look_demo, demo.make_demo),
    "identity": (identity.look_identity, identity.make_identity),
}


def answer(request: "dict[str, Any]") -> "dict[str, Any]":
    """Return the difference, or the change, for each wanted thing, until one fails.

    A check of the cloud makes things with fixed names, so it holds the host's lock too.
    """
    if request["mode"] == "look":
        return {"found": [_look(one) for one in request["wanted"]]}
    done: list[list[str]] = []
    try:
        with alone():
            if request["mode"] == "check":
                return {"checks": check.run_checks(request["wanted"][0])}
            for one in request["wanted"]:
                done.append(_make(one))
    except HostFault as fault:
        return {"done": done, "said": fault.said, "remedy": fault.remedy}
    return {"done": done}


def _look(wanted: Wanted) -> "dict[str, Any]":
    look, _ = _KINDS[wanted["kind"]]
    try:
        return {"changes": look(wanted)}
    except Unsure as reason:
        return {"changes": [], "until": str(reason)}
    except HostFault as fault:
        return {"changes": [], "said": fault.said, "remedy": fault.remedy}


def _make(wanted: Wanted) -> "list[str]":
    look, make = _KINDS[wanted["kind"]]
    changes = _patiently(lambda: look(wanted))
    if changes:
        _patiently(lambda: make(wanted))
    return changes


def _patiently(act: "Callable[[], _Answer]") -> "_Answer":
    """Repeat an act until its requirements are ready: services may just have been started."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return act()
        except Unsure as reason:
            if time.monotonic() > deadline:
                raise HostFault(
                    f"gave up waiting until {reason} ({_PATIENCE_SECONDS} s)",
                    "look at its log there, then apply again",
                ) from None
        time.sleep(1)


def main(request: "dict[str, Any]") -> None:
    """Answer a request on standard output."""
    sys.stdout.write("\n" + json.dumps(answer(request)) + "\n")
