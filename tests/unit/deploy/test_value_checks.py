"""Which values a key can have."""

from dataclasses import replace

import pytest

from rdo.deploy.keys import Key, Kind
from rdo.deploy.value_checks import fault_of

KEY = Key("CONFIG_X", "x", "", Kind.TEXT, "It.", choices=("one", "two"), required=True)

GOOD = [
    (Kind.YES_NO, "y"),
    (Kind.PORT, "65535"),
    (Kind.PORT, "1"),
    (Kind.ADDRESS, "fd00::5"),
    (Kind.HOST, "node-1.example.test"),
    (Kind.HOST, "10.0.0.5"),
    (Kind.HOSTS, "10.0.0.5, node2"),
    (Kind.CHOICE, "two"),
    (Kind.CHOICES, "one, two"),
    (Kind.NETWORK, "172.24.4.0/24"),
    (Kind.NETWORKS, "172.24.4.0/24,fd00::/64"),
    (Kind.JSON_LIST, '["start=172.24.4.10,end=172.24.4.20"]'),
    (Kind.EXPORTS, "10.0.0.9:/volumes,[fd00::9]:/more"),
    (Kind.DEVICES, "10.0.0.6/sdb,10.0.0.7"),
    (Kind.SIZE, "20G"),
    (Kind.FLOAT, "16.0"),
    (Kind.INTEGER, "-1"),
    (Kind.WORKERS, "%{::processorcount}"),
    (Kind.WORKERS, "4"),
    (Kind.ENCRYPTION_KEY, "0123456789abcdef"),
    (Kind.LDAP_DN, r"cn=a\,b,dc=example"),
    (Kind.LDAP_URL, "ldaps://10.0.0.5"),
    (Kind.PATH, "/devmgr/v2"),
]
BAD = [
    *((kind, "") for kind in Kind),
    *((Kind.YES_NO, value) for value in ("yes", "Y", "true", "maybe")),
    *((Kind.PORT, value) for value in ("0", "65536", "-1", "80 ", "8o", "٣", "1e3")),
    *((Kind.ADDRESS, value) for value in ("10.0.0", "10.0.0.256", "host", "10.0.0.5/24")),
    *((Kind.HOST, value) for value in ("10.0.0.256", "a b", "-x", "a..b", "x;id", "10.0.0.5/24")),
    *((Kind.HOSTS, value) for value in ("10.0.0.5,", "10.0.0.5;10.0.0.6", "a,,b")),
    (Kind.CHOICE, "three"),
    (Kind.CHOICES, "one,three"),
    (Kind.CHOICES, "one,"),
    *((Kind.NETWORK, value) for value in ("172.24.4.1/24", "172.24.4.0", "172.24.4.0/33")),
    *((Kind.JSON_LIST, value) for value in ("{}", "[", "[" * 100_000)),
    *((Kind.EXPORTS, value) for value in ("10.0.0.9", "fd00::9:/x", "10.0.0.9:/")),
    *((Kind.SIZE, value) for value in ("20", "G", "0G", "2.5G")),
    *((Kind.FLOAT, value) for value in ("nan", "inf", "1,5")),
    *((Kind.INTEGER, value) for value in ("1.0", "٣")),
    *((Kind.WORKERS, value) for value in ("0", "-1", "many")),
    (Kind.ENCRYPTION_KEY, "short"),
    (Kind.LDAP_DN, "nothing"),
    (Kind.LDAP_URL, "http://10.0.0.5"),
    (Kind.PATH, "devmgr"),
]


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_a_good_value_has_no_fault(kind: Kind, value: str) -> None:
    assert fault_of(replace(KEY, kind=kind), value) == ""


@pytest.mark.parametrize(("kind", "value"), BAD, ids=lambda one: str(one)[:20])
def test_a_bad_value_is_reported(kind: Kind, value: str) -> None:
    assert fault_of(replace(KEY, kind=kind), value)


@pytest.mark.parametrize("kind", Kind)
def test_what_is_not_required_may_be_empty(kind: Kind) -> None:
    assert fault_of(replace(KEY, kind=kind, required=False), "") == ""
