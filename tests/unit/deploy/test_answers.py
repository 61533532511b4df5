"""The answers of a cloud: where each comes from, which matter, and what is wrong."""

import pytest

from rdo.deploy.answer_file import AnswerFile, read_answers
from rdo.deploy.answers import Answers, Origin, check_options, decide, host_options
from rdo.deploy.keys import Key, KeyGroup, Kind, load_keys
from rdo.deploy.machine import ThisMachine
from rdo.errors import ConfigError

TABLE = load_keys()
HERE = ThisMachine("10.0.0.5", "host.example.test")


def answers(text: str = "", made: dict[str, str] | None = None, **options: str) -> Answers:
    given = read_answers(f"[general]\n{text}".encode(), TABLE)
    return decide(TABLE, given, options, HERE, made or {})


def said(found: Answers) -> list[tuple[int | None, str]]:
    return [(one.line, one.said) for one in found.faults]


def origin(found: Answers, key: str) -> tuple[str, Origin, int | None]:
    one = found.by_key[key]
    return one.value, one.origin, one.line


def test_an_option_comes_before_the_file_and_that_before_the_default() -> None:
    found = answers(
        "CONFIG_KEYSTONE_REGION=One\nCONFIG_NTP_SERVERS=10.0.0.1\n", CONFIG_KEYSTONE_REGION="Two"
    )

    assert origin(found, "CONFIG_KEYSTONE_REGION") == ("Two", Origin.OPTION, None)
    assert origin(found, "CONFIG_NTP_SERVERS") == ("10.0.0.1", Origin.FILE, 3)
    assert origin(found, "CONFIG_GLANCE_BACKEND") == ("file", Origin.DEFAULT, None)
    assert origin(found, "CONFIG_CONTROLLER_HOST") == ("10.0.0.5", Origin.DEFAULT, None)


def test_a_password_that_nobody_gives_is_the_one_that_was_made() -> None:
    text = "CONFIG_MARIADB_PW=PW_PLACEHOLDER\nCONFIG_GLANCE_DB_PW=given\n"

    found = answers(text, {"CONFIG_MARIADB_PW": "made1", "CONFIG_NOVA_DB_PW": "made2"})

    assert origin(found, "CONFIG_MARIADB_PW") == ("made1", Origin.GENERATED, 2)
    assert origin(found, "CONFIG_NOVA_DB_PW") == ("made2", Origin.GENERATED, None)
    assert origin(found, "CONFIG_GLANCE_DB_PW") == ("given", Origin.FILE, 3)
    assert "CONFIG_HEAT_DB_PW" in found.not_made
    assert "CONFIG_MARIADB_PW" not in found.not_made


def test_the_common_password_is_for_all_that_have_none() -> None:
    found = answers("CONFIG_DEFAULT_PASSWORD=common\nCONFIG_GLANCE_DB_PW=own\n")

    assert origin(found, "CONFIG_NOVA_DB_PW") == ("common", Origin.FILE, 2)
    assert found["CONFIG_GLANCE_DB_PW"] == "own"
    assert found.by_key["CONFIG_SWIFT_HASH"].origin is Origin.GENERATED


def test_faults_of_values_are_reported_with_their_lines() -> None:
    text = "CONFIG_NOVA_INSTALL=\nCONFIG_NEUTRON_INSTALL=n\nCONFIG_NTP_SERVERS=10.0.0\n"

    assert said(answers(text, CONFIG_REDIS_PORT="99999")) == [
        (2, "CONFIG_NOVA_INSTALL must not be empty"),
        (
            4,
            "CONFIG_NTP_SERVERS=10.0.0 is not a list of IP addresses or names of hosts",
        ),
        (None, "CONFIG_REDIS_PORT=99999 is not a port from 1 to 65535"),
    ]


@pytest.mark.parametrize(
    ("nova", "faults"),
    [("n", []), ("y", [(2, "CONFIG_NEUTRON_INSTALL=n: nova has no other network; it must be y")])],
)
def test_only_nova_needs_a_network(nova: str, faults: list[tuple[int, str]]) -> None:
    text = f"CONFIG_NEUTRON_INSTALL=n\nCONFIG_NOVA_INSTALL={nova}\n"

    assert said(answers(text)) == faults


def test_a_key_that_is_switched_off_may_be_anything() -> None:
    off = answers("CONFIG_CEILOMETER_INSTALL=n\nCONFIG_REDIS_PORT=nothing\n")
    on = answers("CONFIG_CEILOMETER_INSTALL=y\nCONFIG_REDIS_PORT=nothing\n")

    assert said(off) == []
    assert not off.by_key["CONFIG_REDIS_PORT"].is_active
    assert said(on) == [(3, "CONFIG_REDIS_PORT=nothing is not a port from 1 to 65535")]


def test_what_a_backend_needs_must_be_there() -> None:
    found = answers("CONFIG_CINDER_BACKEND=lvm,solidfire\n")

    assert [line for line, _ in said(found)] == [None] * 3
    assert said(found)[0] == (None, "CONFIG_CINDER_SOLIDFIRE_LOGIN must not be empty")


def test_a_subscription_is_refused_with_the_reason() -> None:
    ((line, words),) = said(answers("CONFIG_RH_USER=me\n"))

    assert line == 2
    assert words.startswith("CONFIG_RH_USER=me is refused: hosts take packages from")


def test_no_secret_is_in_a_fault() -> None:
    found = answers(
        "CONFIG_RH_PW=hunter2\nCONFIG_HEAT_INSTALL=y\nCONFIG_HEAT_AUTH_ENC_KEY=hunter2\n"
    )

    assert len(found.faults) == 2
    assert "hunter2" not in str(found.faults)
    assert "hunter2" not in found.by_key["CONFIG_RH_PW"].shown


def test_services_that_are_not_here_yet_are_named() -> None:
    (note,) = [one for one in answers("CONFIG_HEAT_INSTALL=y\n").notes if "left out" in one.said]

    assert "CONFIG_HEAT_INSTALL" in note.said
    assert "CONFIG_MANILA_INSTALL" not in note.said


def test_hosts_are_a_controller_and_compute_hosts() -> None:
    one, three = (host_options(TABLE, hosts) for hosts in ("10.0.0.7", "10.0.0.7, a, b"))

    assert one["CONFIG_COMPUTE_HOSTS"] == one["CONFIG_CONTROLLER_HOST"] == "10.0.0.7"
    assert three["CONFIG_COMPUTE_HOSTS"] == "a,b"
    assert three["CONFIG_NETWORK_HOSTS"] == three["CONFIG_MARIADB_HOST"] == "10.0.0.7"


def test_an_option_without_a_key_is_reported() -> None:
    with pytest.raises(ConfigError, match='did you mean "CONFIG_DEBUG_MODE"'):
        check_options(TABLE, {"CONFIG_DEBUG_MOD": "y"})


def test_database_and_broker_are_on_the_controller_unless_somebody_says_otherwise() -> None:
    follows = answers(CONFIG_CONTROLLER_HOST="10.0.0.7")
    other = answers("CONFIG_MARIADB_HOST=10.0.0.8\n", CONFIG_CONTROLLER_HOST="10.0.0.7")
    maybe = answers("CONFIG_AMQP_HOST=host.example.test\n", CONFIG_CONTROLLER_HOST="10.0.0.7")

    assert (follows["CONFIG_MARIADB_HOST"], follows["CONFIG_AMQP_HOST"]) == ("10.0.0.7",) * 2
    [(line, told)] = said(other)
    assert line == 2
    assert told.startswith("CONFIG_MARIADB_HOST=10.0.0.8: MariaDB is on the controller")
    assert said(maybe) == []


OTHER = {
    Kind.ADDRESS: "10.9.9.9",
    Kind.DEVICES: "10.9.9.9/sdz",
    Kind.ENCRYPTION_KEY: "0123456789abcdef",
    Kind.EXPORTS: "10.9.9.9:/export",
    Kind.FLOAT: "3.25",
    Kind.HOST: "10.9.9.9",
    Kind.HOSTS: "10.9.9.9",
    Kind.INTEGER: "77",
    Kind.JSON_LIST: '["x"]',
    Kind.LDAP_DN: "dc=example",
    Kind.LDAP_URL: "ldap://10.9.9.9",
    Kind.NETWORK: "10.9.9.0/24",
    Kind.NETWORKS: "10.9.9.0/24",
    Kind.PATH: "/other",
    Kind.PORT: "1234",
    Kind.PUBLIC_KEY: "/other.pub",
    Kind.SIZE: "7G",
    Kind.TEXT: "other",
    Kind.WORKERS: "7",
}


def another(key: Key) -> str:
    """A value that the key can have, and that is not its default."""
    if key.kind is Kind.YES_NO:
        return "n" if key.default == "y" else "y"
    if key.kind in {Kind.CHOICE, Kind.CHOICES}:
        return next((one for one in key.choices if one != key.default), key.default)
    return OTHER[key.kind]


def matters(group: KeyGroup) -> dict[str, str]:
    """Answers with which the keys of a group matter."""
    found: dict[str, str] = {}
    for name, wanted in group.when.items():
        key = TABLE.keys[name]
        found |= {name: another(key) if "*" in wanted else wanted[0]}
        [above] = [one for one in TABLE.groups if key in one.keys]
        found = matters(above) | found
    return found


@pytest.mark.parametrize("group", TABLE.groups, ids=lambda group: group.name)
def test_each_key_is_used_or_reported_as_not_supported_yet_or_refused(group: KeyGroup) -> None:
    around = matters(group)
    for key in group.keys:
        value = another(key)
        found = decide(TABLE, AnswerFile(), {**around, key.name: value}, HERE, {})
        notes = " ".join(one.said for one in found.notes)
        faults = " ".join(one.said for one in found.faults)

        assert found.by_key[key.name].is_active, key.name
        if key.refused:
            assert f"{key.name}=" in faults, key.name
        elif key.used or value == key.default:
            assert key.name not in notes
        elif not (key.name.endswith("_INSTALL") and value == "n"):
            assert notes.count(key.name) or set(around) & set(notes.replace(",", "").split()), (
                key.name
            )


def test_an_answer_without_effect_is_reported_with_its_reason() -> None:
    found = answers(
        "CONFIG_MANILA_BACKEND=netapp\nCONFIG_MANILA_DB_PW=x\nCONFIG_VCENTER_USER=me\n"
        "CONFIG_STORAGE_HOST=10.0.0.9\nCONFIG_HEAT_DOMAIN=heat\n"
    )

    assert [one.said for one in found.notes if "without" in one.said] == [
        "without effect because of CONFIG_VMWARE_BACKEND=n: CONFIG_VCENTER_USER",
        "without effect because of CONFIG_MANILA_INSTALL=n: CONFIG_MANILA_BACKEND",
    ]


OTHERS = {
    Kind.ADDRESS: "10.9.9.9",
    Kind.DEVICES: "10.9.9.9/sdz",
    Kind.ENCRYPTION_KEY: "0123456789abcdef",
    Kind.EXPORTS: "10.9.9.9:/x",
    Kind.FLOAT: "3.25",
    Kind.HOST: "10.9.9.9",
    Kind.HOSTS: "10.9.9.9",
    Kind.INTEGER: "77",
    Kind.JSON_LIST: '[["1", "2"]]',
    Kind.LDAP_DN: "dc=x",
    Kind.LDAP_URL: "ldap://x",
    Kind.NETWORK: "10.7.0.0/24",
    Kind.NETWORKS: "10.7.0.0/24",
    Kind.PATH: "/some/path",
    Kind.PORT: "7777",
    Kind.PUBLIC_KEY: "/x.pub",
    Kind.SIZE: "99G",
    Kind.TEXT: "other",
    Kind.WORKERS: "9",
}


def other_value(key: Key) -> str:
    """Return a value that the key may have and that is not its default."""
    default = HERE.fill(key.default)
    if key.kind is Kind.YES_NO:
        return "n" if default == "y" else "y"
    return next((one for one in key.choices if one != default), OTHERS.get(key.kind, default))


def told_of(key: Key) -> set[str]:
    """Return what is told of a key that has another value than its default."""
    found = answers(f"{key.name}={other_value(key)}\n")
    words = ("is refused: ", "not supported yet, so", "without effect")
    texts = [one.said for one in (*found.faults, *found.notes) if key.name in one.said]
    return {word for text in texts for word in words if word in text}


def is_nobody_s_choice(key: Key) -> bool:
    """Whether the value is found or made, or another one than the default asks for nothing."""
    value = other_value(key)
    is_found = key.is_made or "@" in key.default
    return is_found or value == key.default or (key.name.endswith("_INSTALL") and value == "n")


@pytest.mark.parametrize("key", list(TABLE), ids=lambda key: key.name)
def test_each_key_with_another_value_is_used_or_told_or_refused(key: Key) -> None:  # P11
    told = told_of(key)

    if key.used:
        assert told == set()
    elif key.refused:
        assert told == {"is refused: "}
    elif not is_nobody_s_choice(key):
        assert len(told) == 1
        assert told <= {"not supported yet, so", "without effect"}
