"""firewalld: ports and rich rules in the zone of the interface that has the host's address."""

from collections.abc import Iterator

from rdo.deploy.on_host.acts import run
from rdo.deploy.on_host.firewalls.rules import FirewallRule, addresses

NAME = "firewalld"
_NOW, _ALWAYS = "", "--permanent"


def is_active() -> bool:
    """Whether firewalld is running; it then manages the other firewalls itself."""
    return run("systemctl", "is-active", NAME, ok=range(256)).stdout.strip() == "active"


def closed(rules: "list[FirewallRule]", address: str) -> "list[FirewallRule]":
    """Return the ports that the zone keeps closed now, or will after it is reloaded."""
    zone = _zone(address)
    if _ask(_ALWAYS, f"--zone={zone}", "--get-target") == "ACCEPT":
        return []
    missing = {rule for kind in (_NOW, _ALWAYS) for rule in _missing(kind, zone, rules)}
    return [rule for rule in rules if rule in missing]


def let_in(rules: "list[FirewallRule]", address: str) -> None:
    """Open ports in the zone, now and permanently."""
    zone = _zone(address)
    for kind in (_NOW, _ALWAYS):
        missing = _missing(kind, zone, rules)
        ports = [f"--add-port={_port(rule)}" for rule in missing if not rule.source]
        rich = [f"--add-rich-rule={_rich(rule)}" for rule in missing if rule.source]
        for words in filter(None, (ports, rich)):
            _ask(kind, f"--zone={zone}", *words)


def _missing(kind: str, zone: str, rules: "list[FirewallRule]") -> "list[FirewallRule]":
    ports = list(_ranges(_ask(kind, f"--zone={zone}", "--list-ports")))
    rich = _ask(kind, f"--zone={zone}", "--list-rich-rules").splitlines()
    return [rule for rule in rules if not _is_in(rule, ports) and _rich(rule) not in rich]


def _ranges(text: str) -> "Iterator[tuple[str, int, int]]":
    for word in text.split():
        span, _, protocol = word.partition("/")
        first, _, last = span.partition("-")
        yield protocol, int(first), int(last or first)


def _is_in(rule: FirewallRule, open_to_all: "list[tuple[str, int, int]]") -> bool:
    [(protocol, first, last)] = _ranges(_port(rule))
    return any(
        (protocol, low <= first, last <= high) == (kind, True, True)
        for kind, low, high in open_to_all
    )


def _port(rule: FirewallRule) -> str:
    return f"{rule.ports}/{rule.protocol}"


def _rich(rule: FirewallRule) -> str:
    """Return the rule in the form that firewalld itself writes."""
    family = "ipv4" if rule.is_of(4) else "ipv6"
    port = f'port port="{rule.ports}" protocol="{rule.protocol}"'
    return f'rule family="{family}" source address="{rule.source}" {port} accept'


def _zone(address: str) -> str:
    """Return the zone of the interface with the address; if none has it, the default zone."""
    wanted = {f"{one}/" for one in addresses(address)}
    for line in run("ip", "-oneline", "address").stdout.splitlines():
        words = line.split()
        if any(words[3].startswith(one) for one in wanted):
            device = words[1].split("@")[0]
            asked = run("firewall-cmd", f"--get-zone-of-interface={device}", ok=range(256))
            if asked.returncode == 0:
                return asked.stdout.strip()
    return _ask(_NOW, "--get-default-zone")


def _ask(kind: str, *words: str) -> str:
    return run("firewall-cmd", *filter(None, [kind]), *words).stdout.strip()
