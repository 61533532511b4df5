"""iptables and ip6tables: rules at the start of INPUT, and in the file that EL's services load."""

import re
from collections.abc import Iterator
from pathlib import Path

from rdo.deploy.on_host.acts import has_program, run, write
from rdo.deploy.on_host.firewalls.rules import TAG, FirewallRule, is_loaded_at_boot, lines_of

PROGRAMS = {4: "iptables", 6: "ip6tables"}
_REFUSES = {"DROP", "REJECT"}


def closed(version: int, rules: "list[FirewallRule]") -> "list[FirewallRule]":
    """Return the ports that an IP version's filter keeps closed now, or will after a reboot."""
    name = PROGRAMS[version]
    current = _current(name)
    if not refuses(current):
        return []
    kept = lines_of(_file(name)) if is_loaded_at_boot(name) else None
    mine = [rule for rule in rules if rule.is_of(version)]
    return [one for one in mine if _line(one) not in current or _is_forgotten(one, kept)]


def let_in(version: int, rules: "list[FirewallRule]") -> None:
    """Insert rules, and write them to the file if it is loaded at boot."""
    name = PROGRAMS[version]
    current = _current(name)
    for rule in rules:
        if _line(rule) not in current:
            run(name, "--wait", "--insert", "INPUT", *_line(rule).split()[2:])
    if is_loaded_at_boot(name):
        lines = lines_of(_file(name))
        missing = [_line(rule) for rule in rules if _is_forgotten(rule, lines)]
        if missing:
            write(_file(name), with_rules(lines, missing), uid=0, gid=0, mode=0o600)


def refuses(lines: "list[str]") -> bool:
    """Whether INPUT, or any chain it jumps to, drops or rejects packets (output of `iptables -S`).

    >>> refuses(["-P INPUT ACCEPT", "-N X", "-A INPUT -j X", "-A X -p udp -j ACCEPT"])
    False
    >>> refuses(["-P INPUT ACCEPT", "-N X", "-A INPUT -j X", "-A X -j REJECT"])
    True
    """
    if "-P INPUT DROP" in lines:
        return True
    seen, found = set(), ["INPUT"]
    while found:
        chain = found.pop()
        seen.add(chain)
        targets = set(_targets(chain, lines))
        if targets & _REFUSES:
            return True
        found += sorted(targets - seen)
    return False


def _targets(chain: str, lines: "list[str]") -> "Iterator[str]":
    for line in lines:
        if line.startswith(f"-A {chain} ") and (found := re.search(r" -[jg] (\S+)", line)):
            yield found.group(1)


def with_rules(lines: "list[str]", rules: "list[str]") -> str:
    """Return a file for iptables-restore with the rules inserted before all others of its filter.

    >>> print(with_rules(["*filter", ":INPUT DROP [0:0]", "COMMIT"], ["-A INPUT -j X"]), end="")
    *filter
    :INPUT DROP [0:0]
    -A INPUT -j X
    COMMIT
    """
    if "*filter" not in lines:
        lines = [*lines, "*filter", "COMMIT"]
    place = lines.index("*filter") + 1
    while lines[place].startswith((":", "#")) or not lines[place].strip():
        place += 1
    return "\n".join([*lines[:place], *rules, *lines[place:]]) + "\n"


def _is_forgotten(rule: FirewallRule, kept: "list[str] | None") -> bool:
    return kept is not None and _line(rule) not in kept


def _line(rule: FirewallRule) -> str:
    """Return the rule in the form that iptables itself prints."""
    width = 32 if rule.is_of(4) else 128
    source = f"-s {rule.source}/{width} " if rule.source else ""
    ports = rule.ports.replace("-", ":")
    match = f"-p {rule.protocol} -m {rule.protocol} --dport {ports}"
    return f"-A INPUT {source}{match} -m comment --comment {TAG} -j ACCEPT"


def _current(name: str) -> "list[str]":
    """Return the rules of the filter; none if the program is missing, or nothing is set."""
    if not has_program(name):
        return []
    return run(name, "--wait", "-S", ok=range(256)).stdout.splitlines()


def _file(name: str) -> Path:
    return Path("/etc/sysconfig", name)
