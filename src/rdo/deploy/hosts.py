"""The hosts of a cloud, and the duties of each."""

from collections.abc import Mapping
from enum import StrEnum

from rdo.deploy.answers import Answers
from rdo.deploy.value_checks import items_of


class Duty(StrEnum):
    """A duty of a host in a cloud; one host may have several."""

    CONTROLLER = "controller"
    NETWORK = "network"
    COMPUTE = "compute"


_KEYS: Mapping[str, Duty] = {
    "CONFIG_CONTROLLER_HOST": Duty.CONTROLLER,
    "CONFIG_NETWORK_HOSTS": Duty.NETWORK,
    "CONFIG_COMPUTE_HOSTS": Duty.COMPUTE,
}


def hosts_of(answers: Answers) -> dict[str, frozenset[Duty]]:
    """Return the duties of each host, the controller first, without excluded hosts."""
    excluded = set(items_of(answers["EXCLUDE_SERVERS"]))
    return {host: some for host, some in members_of(answers).items() if host not in excluded}


def members_of(answers: Answers) -> dict[str, frozenset[Duty]]:
    """Return the duties of all hosts of the cloud, including excluded ones."""
    found: dict[str, frozenset[Duty]] = {}
    for key, duty in _KEYS.items():
        for host in filter(None, items_of(answers[key])):
            found[host] = found.get(host, frozenset()) | {duty}
    return found
