"""What makes a host unsuitable, decided from the facts it reports."""

from dataclasses import replace

import pytest

from rdo.deploy.answer_file import read_answers
from rdo.deploy.answers import decide
from rdo.deploy.host_check import HostFacts, HostFinding, Weight, ask, findings
from rdo.deploy.hosts import Duty, hosts_of
from rdo.deploy.keys import load_keys
from rdo.deploy.machine import ThisMachine
from rdo.errors import UserError
from rdo.model.program import Completed
from rdo.tools.hosts.access import Host

TABLE = load_keys()
GOOD = HostFacts(
    system="RDO 1",
    is_root=True,
    programs=("dnf", "rpm", "systemctl"),
    has_systemd=True,
    memory_mb=8000,
    disk_mb=50_000,
    ports={22: "sshd"},
    repositories=("openstack-master", "openstack-master-deps"),
    name="one",
)
ALL = frozenset(Duty)


def found(facts: HostFacts, duties: frozenset[Duty] = ALL) -> list[HostFinding]:
    return list(findings("10.0.0.5", duties, facts))


def test_nothing_stands_against_a_good_host() -> None:
    assert found(GOOD) == []


@pytest.mark.parametrize(
    ("facts", "weight", "words"),
    [
        (replace(GOOD, programs=("rpm",), system="X 1"), Weight.ERROR, "runs X 1 without dnf"),
        (replace(GOOD, is_root=False), Weight.ERROR, "not allow login as root"),
        (replace(GOOD, has_systemd=False), Weight.ERROR, "systemd"),
        (replace(GOOD, repositories=("base",)), Weight.ERROR, "openstack-RELEASE"),
        (replace(GOOD, ports={5672: "nc"}), Weight.ERROR, "port 5672 is taken by nc"),
        (replace(GOOD, ports={3306: ""}), Weight.ERROR, "taken by another program"),
        (replace(GOOD, disk_mb=4999), Weight.ERROR, "4999 MB free"),
        (replace(GOOD, memory_mb=3000), Weight.WARNING, "3000 MB of memory"),
        (replace(GOOD, seconds_off=11.4), Weight.WARNING, "by 11 s"),
    ],
)
def test_each_lack_is_one_finding_with_a_remedy(
    facts: HostFacts, weight: Weight, words: str
) -> None:
    (finding,) = found(facts)

    assert (finding.weight, finding.host) == (weight, "10.0.0.5")
    assert words in finding.said
    assert finding.remedy


def test_the_services_of_a_cloud_that_is_there_take_their_own_ports() -> None:
    assert found(replace(GOOD, ports={3306: "mariadbd", 5000: "httpd", 5672: "beam.smp"})) == []


def test_a_compute_host_needs_less() -> None:
    small = replace(GOOD, memory_mb=1000, disk_mb=2000, ports={3306: "other"})

    assert found(small, frozenset({Duty.COMPUTE})) == []
    assert len(found(small)) == 3


def test_a_system_without_dnf_is_reported_alone() -> None:  # P13
    bare = replace(GOOD, programs=(), has_systemd=False, repositories=())

    assert len(found(bare)) == 1


@pytest.mark.parametrize("answer", ["", "hello", "[]", "{}", '{"time": "x"}', "null"])
def test_an_unreadable_answer_is_reported(answer: str) -> None:
    def says(*argv: object, **options: object) -> Completed:
        return Completed(0, answer, "", 0.0, answer.encode())

    with pytest.raises(UserError, match="gives an answer that cannot be understood"):
        ask(Host("10.0.0.5", runner=says))


def test_the_hosts_of_a_cloud_have_their_duties() -> None:
    text = (
        "[general]\nCONFIG_COMPUTE_HOSTS=10.0.0.6,10.0.0.5\nCONFIG_NETWORK_HOSTS=10.0.0.7\n"
        "EXCLUDE_SERVERS=10.0.0.7\n"
    )
    answers = decide(TABLE, read_answers(text.encode(), TABLE), {}, ThisMachine("10.0.0.5"), {})

    assert hosts_of(answers) == {
        "10.0.0.5": frozenset({Duty.CONTROLLER, Duty.COMPUTE}),
        "10.0.0.6": frozenset({Duty.COMPUTE}),
    }
