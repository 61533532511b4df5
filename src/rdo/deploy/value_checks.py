"""Check the values of an answer file against their keys, without contacting a host."""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rdo.deploy.keys import Key, Kind

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_DN_PART = re.compile(r"\s*[\w.-]+=.+")
_CPU_COUNT = "%{::processorcount}"
_KEY_LENGTHS = (16, 24, 32)


def fault_of(key: Key, value: str) -> str:
    """Return the fault of a key's value, worded to follow `KEY=value`; empty if there is none.

    >>> port = Key("CONFIG_PORT", "port", "80", Kind.PORT, "A port.")
    >>> fault_of(port, "65535"), fault_of(port, "70000")
    ('', 'is not a port from 1 to 65535')
    """
    if not value:
        return "must not be empty" if key.required else ""
    if key.kind is Kind.YES_NO:
        return "" if value in {"y", "n"} else "is neither y nor n"
    if key.kind is Kind.CHOICE:
        return "" if value in key.choices else f"is not one of {', '.join(key.choices)}"
    if key.kind is Kind.CHOICES:
        strange = [item for item in items_of(value) if item not in key.choices]
        known = ", ".join(key.choices)
        return f"has {', '.join(strange)}, which is not one of {known}" if strange else ""
    is_good, told = _CHECKS[key.kind]
    return "" if is_good(value) else told


def items_of(value: str) -> list[str]:
    """Return the items of a list.

    >>> items_of("10.0.0.5, 10.0.0.6")
    ['10.0.0.5', '10.0.0.6']
    """
    return [item.strip() for item in value.split(",")]


def _each(check: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda value: all(map(check, items_of(value)))


def is_address(value: str) -> bool:
    """Whether the value is an IP address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _is_network(value: str) -> bool:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return False
    return "/" in value


def _is_host(value: str) -> bool:
    """Whether the value can be a host; if it has only digits and dots, it must be an address."""
    if is_address(value):
        return True
    is_number = re.fullmatch(r"[0-9.]+", value) is not None
    return not is_number and len(value) < 254 and _HOST_NAME.fullmatch(value) is not None


def _is_integer(value: str) -> bool:
    return re.fullmatch(r"-?[0-9]+", value) is not None


def _is_float(value: str) -> bool:
    return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) is not None


def _is_port(value: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", value) is not None and 1 <= int(value) <= 65535


def _is_workers(value: str) -> bool:
    return value == _CPU_COUNT or (re.fullmatch(r"[0-9]{1,4}", value) is not None and value != "0")


def _is_json_list(value: str) -> bool:
    try:
        return isinstance(json.loads(value), list)
    except (ValueError, RecursionError):
        return False


def _is_export(value: str) -> bool:
    """Whether the value is `address:/folder`; an IPv6 address is in brackets."""
    match = re.fullmatch(r"(?:\[(?P<six>[^]]+)\]|(?P<four>[^:\[]+)):/.+", value)
    if not match:
        return False
    return is_address(match["six"]) if match["six"] else is_address(match["four"])


def _is_device(value: str) -> bool:
    host, _, device = value.partition("/")
    return _is_host(host) and (not device or re.fullmatch(r"[\w/.-]+", device) is not None)


_CHECKS: Mapping[Kind, tuple[Callable[[str], bool], str]] = MappingProxyType(
    {
        Kind.ADDRESS: (is_address, "is not an IP address"),
        Kind.DEVICES: (_each(_is_device), "is not a list of host/device"),
        Kind.ENCRYPTION_KEY: (
            lambda value: len(value) in _KEY_LENGTHS,
            f"must have {', '.join(map(str, _KEY_LENGTHS[:-1]))} or {_KEY_LENGTHS[-1]} characters",
        ),
        Kind.EXPORTS: (
            _each(_is_export),
            "is not a list of address:/folder (an IPv6 address in brackets)",
        ),
        Kind.FLOAT: (_is_float, "is not a number"),
        Kind.HOST: (_is_host, "is neither an IP address nor the name of a host"),
        Kind.HOSTS: (_each(_is_host), "is not a list of IP addresses or names of hosts"),
        Kind.INTEGER: (_is_integer, "is not a whole number"),
        Kind.JSON_LIST: (_is_json_list, "is not a list in JSON"),
        Kind.LDAP_DN: (
            lambda value: all(map(_DN_PART.fullmatch, re.split(r"(?<!\\),", value))),
            "is not a distinguished name of LDAP",
        ),
        Kind.LDAP_URL: (
            lambda value: re.fullmatch(r"ldaps?://\S*|ldapi://\S*", value) is not None,
            "is not a URL of LDAP",
        ),
        Kind.NETWORK: (_is_network, "is not a network such as 172.24.4.0/24"),
        Kind.NETWORKS: (_each(_is_network), "is not a list of networks such as 172.24.4.0/24"),
        Kind.PATH: (lambda value: value.startswith("/"), "must begin with /"),
        Kind.PORT: (_is_port, "is not a port from 1 to 65535"),
        Kind.PUBLIC_KEY: (lambda value: "\0" not in value, "is not a path"),
        Kind.SIZE: (
            lambda value: re.fullmatch(r"[1-9][0-9]*[KMGT]", value) is not None,
            "is not a size such as 20G",
        ),
        Kind.TEXT: (lambda _value: True, ""),
        Kind.WORKERS: (_is_workers, f"is neither a number of processes nor {_CPU_COUNT}"),
    }
)
