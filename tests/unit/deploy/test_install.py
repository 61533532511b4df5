"""Steps, plans and journals of installations; no host is asked."""

import json
from pathlib import Path
from typing import Any

from rdo.deploy.answer_file import AnswerFile
from rdo.deploy.answers import Answers, decide, host_options
from rdo.deploy.cloud import Cloud
from rdo.deploy.hosts import hosts_of
from rdo.deploy.install.engine import faults_error, masker
from rdo.deploy.install.journal import InstallJournal
from rdo.deploy.install.planning import Plan, plan_of
from rdo.deploy.install.report import plan_as_plain, plan_as_text, run_as_text
from rdo.deploy.install.steps import Step, program, steps_of
from rdo.deploy.keys import load_keys
from rdo.deploy.machine import ThisMachine
from rdo.deploy.on_host.program import answer
from rdo.deploy.wanted import OpenPorts, Service, WantedFile, WantedSettings, plain

TABLE = load_keys()
HERE = ThisMachine("10.0.0.5", "host.example.test")
SECRETS = {key.name: f"secret-of-{key.name}" for key in TABLE if key.is_made}


def answers(hosts: str = "10.0.0.5", **options: str) -> Answers:
    given = {**host_options(TABLE, hosts), **options}
    return decide(TABLE, AnswerFile(), given, HERE, SECRETS)


def steps(hosts: str = "10.0.0.5", **options: str) -> list[Step]:
    found = answers(hosts, **options)
    return steps_of(Cloud(found), hosts_of(found))


def test_packages_come_first_and_each_host_gets_its_own_in_one_go() -> None:
    first = steps("10.0.0.5,10.0.0.6")[0]

    names = {host: wants[0] for host, wants in first.wants.items()}
    assert first.role == "packages"
    assert "mariadb-server" in str(names["10.0.0.5"])
    assert "openstack-nova-compute" in str(names["10.0.0.6"])
    assert "mariadb-server" not in str(names["10.0.0.6"])


def test_a_compute_host_gets_no_secret_but_its_own() -> None:  # P9
    sent = json.dumps([step.as_sent()["wants"].get("10.0.0.6", []) for step in steps(HOSTS)])

    found = {name for name, value in SECRETS.items() if value in sent}
    assert found == {
        "CONFIG_AMQP_AUTH_PASSWORD",
        "CONFIG_NEUTRON_KS_PW",
        "CONFIG_NEUTRON_METADATA_PW",
        "CONFIG_NOVA_KS_PW",
    }


HOSTS = "10.0.0.5,10.0.0.6"


def test_every_host_takes_the_time_from_the_servers_that_are_named() -> None:
    [step] = [
        one for one in steps(HOSTS, CONFIG_NTP_SERVERS="10.0.0.1, a.test") if "Time" in one.title
    ]

    contents = {host: wants[0].content for host, wants in step.wants.items()}  # type: ignore[union-attr]
    assert list(contents) == HOSTS.split(",")
    assert "server 10.0.0.1 iburst\nserver a.test iburst\n" in contents["10.0.0.6"]
    assert not [one for one in steps(HOSTS) if "Time" in one.title]


def test_the_public_key_goes_to_hosts_that_are_reached_by_ssh() -> None:
    found = answers(HOSTS)
    made = steps_of(Cloud(found, "ssh-ed25519 AAAA", ("10.0.0.6",)), hosts_of(found))

    assert [list(one.wants) for one in made if one.role == "ssh-key"] == [["10.0.0.6"]]
    assert not [one for one in steps(HOSTS) if one.role == "ssh-key"]


def test_firewalls_let_in_what_others_use_and_nobody_else() -> None:
    [both] = [one for one in steps(HOSTS) if one.title == "Firewall"]
    [alone] = [one for one in steps() if one.title == "Firewall"]

    controller, compute = (_openings(both, host) for host in HOSTS.split(","))
    assert controller.pop("5672") == controller.pop("6642") == ("10.0.0.6",)
    assert controller.pop("8775") == ("10.0.0.6",)
    assert set(controller) == {"5000", "9292", "8778", "8774", "6080", "9696"}
    assert set(controller.values()) == {()}
    assert compute == {"5900-5999": ("10.0.0.5",)}
    assert set(_openings(alone, "10.0.0.5")) == set(controller)


def test_a_host_that_is_left_alone_this_time_is_let_in_too() -> None:
    [step] = [one for one in steps(HOSTS, EXCLUDE_SERVERS="10.0.0.6") if one.title == "Firewall"]

    assert list(step.wants) == ["10.0.0.5"]
    assert _openings(step, "10.0.0.5")["5672"] == ("10.0.0.6",)


def test_compute_hosts_let_each_other_s_tunnels_in() -> None:
    [step] = [one for one in steps(f"{HOSTS},10.0.0.7") if one.title == "Firewall"]

    assert _openings(step, "10.0.0.7")["6081"] == ("10.0.0.6",)


def _openings(step: Step, host: str) -> dict[str, tuple[str, ...]]:
    [wanted] = step.wants[host]
    assert isinstance(wanted, OpenPorts)
    return {one.ports: one.sources for one in wanted.openings}


def test_what_answers_switch_off_is_not_there() -> None:
    roles = {step.role for step in steps(CONFIG_GLANCE_INSTALL="n", CONFIG_CLIENT_INSTALL="n")}

    assert not roles & {"glance", "client"}
    assert {"keystone", "nova"} <= roles


def test_every_role_is_entered_in_keystone_before_it_is_installed() -> None:
    order = [step.title for step in steps()]

    [entries] = [step for step in steps() if step.title == "Keystone entries"]
    sent = json.dumps(entries.as_sent())
    assert order.index("Keystone") < order.index("Keystone entries") < order.index("Glance")
    assert all(f'"name": "{name}"' in sent for name in ("glance", "nova", "neutron", "placement"))


def test_a_file_is_written_once_on_a_host_that_is_everything() -> None:
    places = [(host, one.path) for step in steps() for host, one in step.settings()]
    [nova] = [one for step in steps() for _, one in step.settings() if "nova.conf" in one.path]

    assert len(places) == len(set(places))
    assert {"libvirt", "api_database", "vnc"} <= set(nova.settings)
    assert {"novncproxy_host", "server_listen"} <= set(nova.settings["vnc"])


def test_a_password_with_special_characters_is_written_so_that_it_is_read_back() -> None:
    cloud = Cloud(answers(CONFIG_GLANCE_DB_PW="a/b@c$", CONFIG_GLANCE_KS_PW="a$b"))

    assert "a%2Fb%40c%24@" in cloud.database_url("u", cloud["CONFIG_GLANCE_DB_PW"], "glance")
    assert cloud.service_login("u", cloud["CONFIG_GLANCE_KS_PW"])["password"] == "a$$b"


SETTINGS = WantedSettings("/etc/a.conf", {"a": {"b": "hidden-value"}})
SERVICE = Service("a.service", watches=("/etc/a.conf",))
TWO = [Step("a", "A", {"h": (SETTINGS,)}), Step("b", "B", {"h": (SERVICE,)})]


def planned(*found: dict[str, Any]) -> Plan:
    return plan_of(TWO, {"h": found})


def test_a_service_follows_a_file_that_it_reads_and_is_no_change_of_its_own() -> None:
    plan = planned({"changes": ["/etc/a.conf: [a] b"]}, {"changes": []})

    assert plan.changes == 1
    assert plan.chosen(2) == [["h"], ["h"]]
    assert plan_as_text(plan) == (
        "h\n  A\n    /etc/a.conf: [a] b\n  B\n    then a.service: restart\n1 changes"
    )


def test_a_service_that_is_older_than_a_file_changed_by_hand_follows_what_mends_the_file() -> None:
    restart = "a.service: restart, for /etc/a.conf has changed since it was started"

    mended = planned({"changes": ["/etc/a.conf: [a] b"]}, {"changes": [restart]})
    touched = planned({"changes": []}, {"changes": [restart]})

    assert (mended.changes, mended.steps[1].follows) == (1, (restart,))
    assert (touched.changes, touched.steps[1].changes) == (1, (restart,))


def test_what_is_as_it_should_be_is_left_alone() -> None:
    plan = planned({"changes": []}, {"changes": []})

    assert (plan.changes, plan.needed, plan.chosen(2)) == (0, [], [[], []])
    assert plan_as_text(plan) == "0 changes"


def test_what_cannot_be_compared_yet_is_carried_out_and_is_no_change() -> None:
    plan = planned({"changes": [], "until": "mariadb runs"}, {"changes": []})

    assert (plan.changes, plan.chosen(2)) == (0, [["h"], []])
    assert plan_as_plain(plan)["steps"][0]["until"] == ("mariadb runs",)


def test_what_stands_in_the_way_is_one_error_with_host_step_and_remedy() -> None:
    fault = {"changes": [], "said": "port 80 is taken by x", "remedy": "stop it"}

    error = faults_error(planned({"changes": []}, fault))

    assert error is not None
    assert (str(error), error.hint) == ("h: B: port 80 is taken by x", "stop it")


def test_secrets_are_hidden_in_what_hosts_say_the_longest_first() -> None:
    mask = masker(["abcd", "abcdef", "", "x"])

    assert mask("abcdef abcd x") == "******** ******** x"


def test_a_journal_survives_a_line_that_was_cut_off(tmp_path: Path) -> None:
    journal = InstallJournal(tmp_path / "state")
    journal.write("run")
    journal.write("begin", "h", "A")
    with (tmp_path / "state/journal.jsonl").open("a") as file:
        file.write('{"when": 1, "wh')
    journal.write("run")
    journal.write("done", "h", "B")

    assert [(one.what, one.step) for one in journal.last_run()] == [("run", ""), ("done", "B")]
    assert "was killed" in run_as_text(journal.last_run())
    assert (tmp_path / "state/journal.jsonl").stat().st_mode & 0o077 == 0


def test_the_program_is_whole_and_imports_nothing_of_rdo_that_is_not_sent() -> None:
    sent = program()

    names = [name for name, _ in sent.modules]
    for number, (name, text) in enumerate(sent.modules):
        lines = [line.split()[1] for line in text.splitlines() if line.startswith("from rdo.")]
        known = {parent for earlier in names[:number] for parent in (earlier,)}
        assert set(lines) <= known | {"rdo.deploy.on_host", "rdo.deploy.on_host.firewalls"}, name
    assert sent.main == names[-1]


def test_looking_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "host"
    folder.mkdir()
    wanted = {**plain(WantedFile(str(folder / "a"), "content")), "owner": "", "group": ""}

    found = answer({"mode": "look", "wanted": [wanted]})

    assert found == {"found": [{"changes": [f"{folder}/a: new"]}]}
    assert list(folder.iterdir()) == []
