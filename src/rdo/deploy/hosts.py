"""Which hosts a cloud has, and what each of them is there for."""

from collections.abc import Mapping
from enum import StrEnum

from rdo.deploy.answers import Answers
from rdo.deploy.value_checks import items_of


class Duty(StrEnum):
    """What a host of a cloud is there for; one host may have several."""

    CONTROLLER = "controller"
    NETWORK = "network"
    COMPUTE = "compute"


_KEYS: Mapping[str, Duty] = {
    "CONFIG_CONTROLLER_HOST": Duty.CONTROLLER,
    "CONFIG_NETWORK_HOSTS": Duty.NETWORK,
    "CONFIG_COMPUTE_HOSTS": Duty.COMPUTE,
}


def hosts_of(answers: Answers) -> dict[str, frozenset[Duty]]:
    """Return the duties of each host, the controller first; excluded hosts are not among them."""
    excluded = set(items_of(answers["EXCLUDE_SERVERS"]))
    return {host: some for host, some in members_of(answers).items() if host not in excluded}


def members_of(answers: Answers) -> dict[str, frozenset[Duty]]:
    """Return the duties of all hosts of the cloud, also of those that are left alone this time."""
    found: dict[str, frozenset[Duty]] = {}
    for key, duty in _KEYS.items():
        for host in filter(None, items_of(answers[key])):
            found[host] = found.get(host, frozenset()) | {duty}
    return found
