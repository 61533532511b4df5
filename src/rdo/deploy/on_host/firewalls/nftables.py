"""nftables: rules at the start of each input chain that refuses packets, and in a file of ours."""

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rdo.deploy.on_host.acts import has_program, run, write
from rdo.deploy.on_host.firewalls.rules import TAG, FirewallRule, is_loaded_at_boot, lines_of

NAME = "nftables"
_VERSIONS = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}
_MAIN = "/etc/nftables.conf"
_OURS = Path("/etc/nftables/rdo-deploy.nft")
_INCLUDE = f'include "{_OURS}"'

Chain = tuple[str, str, str]
"""Family, table and name."""


def closed(rules: "list[FirewallRule]") -> "list[FirewallRule]":
    """Return what any chain refuses now, or will after a reboot."""
    found = _ruleset()
    chains = list(refusing(found))
    needed = _inserted(chains, rules)
    missing = {rule for text, rule in needed.items() if not _is_there(found, text, rule)}
    if needed and is_loaded_at_boot(NAME) and not _is_kept(list(needed)):
        missing |= set(needed.values())
    return [rule for rule in rules if rule in missing]


def let_in(rules: "list[FirewallRule]") -> None:
    """Insert the missing rules, and write them to our file if the main file is loaded at boot."""
    found = _ruleset()
    needed = _inserted(list(refusing(found)), rules)
    for text, rule in needed.items():
        if not _is_there(found, text, rule):
            run("nft", text)
    if needed and is_loaded_at_boot(NAME) and not _is_kept(list(needed)):
        _keep(list(needed))


def refusing(found: "list[dict[str, Any]]") -> "Iterator[Chain]":
    """Yield the chains for incoming packets that drop or reject some of them.

    Chains of iptables and firewalld are left to their own modules.
    """
    for one in found:
        chain = one.get("chain", {})
        if chain.get("hook") != "input" or chain.get("type") != "filter":
            continue
        family, table, name = chain["family"], chain["table"], chain["name"]
        if family not in _VERSIONS or (table, name) == ("filter", "INPUT") or table == "firewalld":
            continue
        if chain.get("policy") == "drop" or _drops(found, family, table, name):
            yield (family, table, name)


def _drops(found: "list[dict[str, Any]]", family: str, table: str, first: str) -> bool:
    seen, chains = set(), [first]
    while chains:
        name = chains.pop()
        seen.add(name)
        for one in found:
            rule = one.get("rule", {})
            if (rule.get("family"), rule.get("table"), rule.get("chain")) == (family, table, name):
                acts = list(_acts(rule["expr"]))
                if any(act in {"drop", "reject"} for act, _ in acts):
                    return True
                targets = [more["target"] for act, more in acts if act in {"jump", "goto"}]
                chains += [target for target in targets if target not in seen]
    return False


def _acts(part: Any) -> "Iterator[tuple[str, Any]]":
    """Yield every key of nested expressions with its value, because maps contain verdicts too."""
    if isinstance(part, dict):
        yield from part.items()
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from _acts(one)


def _inserted(chains: "list[Chain]", rules: "list[FirewallRule]") -> "dict[str, FirewallRule]":
    """Return the commands for nft, each with the rule that it inserts."""
    found = {}
    for family, table, name in chains:
        for rule in rules:
            if any(map(rule.is_of, _VERSIONS[family])):
                found[f"insert rule {family} {table} {name} {_match(rule)}"] = rule
    return found


def _match(rule: FirewallRule) -> str:
    source = f"{'ip' if rule.is_of(4) else 'ip6'} saddr {rule.source} " if rule.source else ""
    return f'{source}{rule.protocol} dport {rule.ports} accept comment "{_comment(rule)}"'


def _comment(rule: FirewallRule) -> str:
    return f"{TAG}: {rule}"


def _is_there(found: "list[dict[str, Any]]", text: str, rule: FirewallRule) -> bool:
    place = tuple(text.split()[2:5])
    rows = (one["rule"] for one in found if "rule" in one)
    return any(
        (one["family"], one["table"], one["chain"]) == place
        and one.get("comment") == _comment(rule)
        for one in rows
    )


def _is_kept(texts: "list[str]") -> bool:
    return lines_of(_OURS) == texts and _INCLUDE in lines_of(_main())


def _keep(texts: "list[str]") -> None:
    """Write our file, then the line that includes it: nft fails if an included file is missing."""
    write(_OURS, "\n".join(texts) + "\n", uid=0, gid=0, mode=0o600)
    main = _main()
    lines = lines_of(main)
    if _INCLUDE not in lines:
        mode = stat.S_IMODE(main.stat().st_mode) if lines else 0o600
        write(main, "\n".join([*lines, _INCLUDE]) + "\n", uid=0, gid=0, mode=mode)


def _main() -> Path:
    """Return the file that the service loads, which is not the same on EL and Debian."""
    said = run("systemctl", "show", "--property=ExecStart", NAME).stdout
    found = re.search(r" -f (/\S+)", said)
    return Path(found.group(1) if found else _MAIN)


def _ruleset() -> "list[dict[str, Any]]":
    """Return all tables, chains and rules; none if the program is missing."""
    if not has_program("nft"):
        return []
    said = run("nft", "--json", "list", "ruleset", ok=range(256))
    found: list[dict[str, Any]] = json.loads(said.stdout)["nftables"] if said.stdout else []
    return found
