"""Map compute hosts into nova's cell."""

import time

from rdo.deploy.on_host import mariadb
from rdo.deploy.on_host.acts import HostFault, Unsure, Wanted, as_user, run

_KNOWN = "SELECT host FROM nova.compute_nodes WHERE deleted = 0"
_MAPPED = "SELECT host FROM nova_api.host_mappings"
_READY_SECONDS = 120


def look_cells(wanted: Wanted) -> "list[str]":
    """Return the compute hosts that are in no cell; nova would never use them."""
    whole = [f"map {len(wanted['hosts'])} compute hosts into cell1"]
    if not mariadb.is_installed() or mariadb.is_empty("nova"):
        return whole
    known, mapped = set(mariadb.ask(_KNOWN)), set(mariadb.ask(_MAPPED))
    if missing := sorted(known - mapped):
        return [f"map {', '.join(missing)} into cell1"]
    return [] if len(known) >= len(wanted["hosts"]) else whole


def make_cells(wanted: Wanted) -> None:
    """Wait until all compute hosts have registered with nova, then map them."""
    deadline = time.monotonic() + _READY_SECONDS
    while len(mariadb.ask(_KNOWN)) < len(wanted["hosts"]):
        if time.monotonic() > deadline:
            raise HostFault(
                "a compute host has not registered with nova after 2 minutes",
                "check there: journalctl -u openstack-nova-compute; /var/log/nova/nova-compute.log",
            )
        time.sleep(1)
    run(*as_user("nova", "nova-manage", "cell_v2", "discover_hosts"))
    if not set(mariadb.ask(_KNOWN)) <= set(mariadb.ask(_MAPPED)):
        raise Unsure("nova-manage maps the compute hosts")
