"""Open ports in the host's firewalls; a host without a firewall is left as it is."""

from rdo.deploy.on_host.acts import Wanted
from rdo.deploy.on_host.firewalls import firewalld, iptables, nftables
from rdo.deploy.on_host.firewalls.rules import rules_of


def look_open_ports(wanted: Wanted) -> "list[str]":
    """Return each opening that a firewall lacks."""
    rules = rules_of(wanted["openings"])
    if firewalld.is_active():
        return [f"{firewalld.NAME}: open {one}" for one in firewalld.closed(rules, wanted["host"])]
    found = [
        f"{name}: open {one}"
        for version, name in iptables.PROGRAMS.items()
        for one in iptables.closed(version, rules)
    ]
    return found + [f"{nftables.NAME}: open {one}" for one in nftables.closed(rules)]


def make_open_ports(wanted: Wanted) -> None:
    """Open the closed ports, now and permanently."""
    rules = rules_of(wanted["openings"])
    if firewalld.is_active():
        firewalld.let_in(rules, wanted["host"])
        return
    for version in iptables.PROGRAMS:
        if closed := iptables.closed(version, rules):
            iptables.let_in(version, closed)
    if nftables.closed(rules):
        nftables.let_in(rules)
