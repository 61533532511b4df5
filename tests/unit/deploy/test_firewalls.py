"""Which rules of a firewall keep something out, and where ours are put."""

from typing import Any

import pytest

from rdo.deploy.on_host.firewalls.iptables import refuses, with_rules
from rdo.deploy.on_host.firewalls.nftables import refusing
from rdo.deploy.on_host.firewalls.rules import FirewallRule, rules_of

OPEN = ["-P INPUT ACCEPT", "-P FORWARD DROP", "-P OUTPUT ACCEPT"]


@pytest.mark.parametrize(
    ("lines", "is_closed"),
    [
        ([], False),
        (OPEN, False),
        (["-P INPUT DROP"], True),
        ([*OPEN, "-A INPUT -j REJECT --reject-with icmp-host-prohibited"], True),
        ([*OPEN, "-A FORWARD -j REJECT"], False),
        ([*OPEN, "-N LIBVIRT_INP", "-A INPUT -j LIBVIRT_INP", "-A LIBVIRT_INP -j ACCEPT"], False),
        ([*OPEN, "-A INPUT -g A", "-A A -j B", "-A B -j A", "-A B -s 10.0.0.0/8 -j DROP"], True),
        ([*OPEN, "-A INPUT -j A", "-A A -j A"], False),
    ],
)
def test_iptables_refuses_what_input_leads_to(lines: list[str], is_closed: bool) -> None:
    assert refuses(lines) == is_closed


def test_our_rules_come_before_those_of_the_filter_and_nothing_else_changes() -> None:
    file = ["# mine", "*nat", "-A PREROUTING -j X", "COMMIT", "*filter", "# first"]
    file += [":INPUT ACCEPT [0:0]", "", "-A INPUT -j REJECT", "COMMIT"]

    text = with_rules(file, ["-A INPUT -j ACCEPT"])

    assert text.splitlines() == [*file[:8], "-A INPUT -j ACCEPT", *file[8:]]


@pytest.mark.parametrize("lines", [[], ["*nat", "COMMIT"], ["*filter", "COMMIT"]])
def test_a_file_without_a_filter_gets_one(lines: list[str]) -> None:
    text = with_rules(lines, ["-A INPUT -j ACCEPT"])

    assert text.endswith("*filter\n-A INPUT -j ACCEPT\nCOMMIT\n")


def chain(name: str, policy: str = "accept", **more: str) -> dict[str, Any]:
    """Return a chain of nft's JSON: of input, unless `more` says otherwise."""
    place = {"family": "inet", "table": "t", "type": "filter", "hook": "input"}
    return {"chain": {**place, "name": name, "policy": policy, **more}}


def rule(name: str, *expressions: dict[str, Any]) -> dict[str, Any]:
    return {"rule": {"family": "inet", "table": "t", "chain": name, "expr": list(expressions)}}


DROP = {"drop": None}
BY_STATE = {"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["invalid", DROP]]}}}

PLACES = [[port, {"jump": {"target": name}}] for port, name in ((1, "b"), (2, "c"))]
BY_PORT = {"vmap": {"key": {"payload": {"field": "dport"}}, "data": {"set": PLACES}}}


@pytest.mark.parametrize(
    ("found", "names"),
    [
        ([chain("a")], []),
        ([chain("a", "drop")], ["a"]),
        ([chain("a", "drop", hook="forward")], []),
        ([chain("a", "drop", table="firewalld")], []),
        ([chain("INPUT", "drop", family="ip", table="filter")], []),
        ([chain("a"), rule("a", {"match": {}}, {"reject": {"type": "icmpx"}})], ["a"]),
        ([chain("a"), rule("a", BY_STATE)], ["a"]),
        ([chain("a"), rule("a", {"jump": {"target": "b"}}), rule("b", DROP)], ["a"]),
        ([chain("a"), rule("a", BY_PORT), rule("b", DROP)], ["a"]),
        ([chain("a"), rule("b", DROP)], []),
        ([chain("a"), rule("a", {"jump": {"target": "a"}})], []),
    ],
)
def test_nftables_refuses_by_policies_rules_and_maps(
    found: list[dict[str, Any]], names: list[str]
) -> None:
    assert [name for _, _, name in refusing(found)] == names


def test_who_is_named_by_a_name_is_let_in_by_address() -> None:
    openings = [
        {"ports": "5672", "protocol": "tcp", "sources": ["127.0.0.1", "::1"]},
        {"ports": "5000", "protocol": "tcp", "sources": []},
    ]

    found = rules_of(openings)

    assert found == [
        FirewallRule("tcp", "5672", "127.0.0.1"),
        FirewallRule("tcp", "5672", "::1"),
        FirewallRule("tcp", "5000", ""),
    ]
    assert [one.is_of(4) for one in found] == [True, False, True]
    assert [str(one) for one in found[1:]] == ["tcp 5672 to ::1", "tcp 5000 to everybody"]
