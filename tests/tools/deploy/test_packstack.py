"""The commands `packstack` and `rdo deploy answers`, as their users run them."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rdo.deploy.keys import load_keys
from tests.as_root import AS_ROOT

TABLE = load_keys()
PACKSTACK = (sys.executable, "-c", "from rdo.cli.packstack import main; main()")
RDO = (sys.executable, "-m", "rdo")


def run(
    *args: str, cwd: Path, program: tuple[str, ...] = PACKSTACK, typed: str = ""
) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "XDG_STATE_HOME": str(cwd / "state"), "HOME": str(cwd)}
    return subprocess.run(
        [*program, *args],
        cwd=cwd,
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def answers_of(place: Path) -> dict[str, str]:
    lines = place.read_text().splitlines()
    assert lines[0] == "[general]"
    pairs = (line.partition("=") for line in lines[1:] if line and line[0] != "#")
    return {key: value for key, _, value in pairs}


def test_an_answer_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    done = run("--gen-answer-file=a.txt", "--os-debug-mode=y", cwd=tmp_path)

    found = answers_of(tmp_path / "a.txt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(found) == [key.name for key in TABLE]
    assert found["CONFIG_DEBUG_MODE"] == "y"
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o600
    made = [found[key.name] for key in TABLE if key.is_made]
    assert len(set(made)) == len(made)
    assert {len(one) for one in made} == {32}


def test_making_one_needs_neither_a_route_nor_an_ssh_server(tmp_path: Path) -> None:  # P2
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")
    alone = ("unshare", "--map-root-user", "--net", *PACKSTACK)

    done = run("--gen-answer-file=a.txt", cwd=tmp_path, program=alone)

    assert done.returncode == 0, done.stdout + done.stderr
    assert answers_of(tmp_path / "a.txt")["CONFIG_CONTROLLER_HOST"] == "127.0.0.1"


def test_what_was_made_has_no_fault_and_is_never_written_to(tmp_path: Path) -> None:  # P1, P3
    run("--gen-answer-file=a.txt", cwd=tmp_path)
    place = tmp_path / "a.txt"
    place.write_text(place.read_text() + "\n# mine\nCONFIG_NTP_SERVERZ=x\n")
    before = place.read_bytes()

    faulty = run("--validate-answer-file=a.txt", cwd=tmp_path)
    shown = run("deploy", "answers", "--answer-file", "a.txt", cwd=tmp_path, program=RDO)
    place.write_bytes(before.replace(b"CONFIG_NTP_SERVERZ=x\n", b""))
    good = run("--validate-answer-file=a.txt", cwd=tmp_path)

    assert faulty.returncode == 1
    assert 'unknown key CONFIG_NTP_SERVERZ; did you mean "CONFIG_NTP_SERVERS"?' in faulty.stdout
    assert shown.returncode == 2
    assert (good.returncode, good.stdout) == (0, "a.txt: 292 keys, no faults\n")
    assert place.read_bytes() == before.replace(b"CONFIG_NTP_SERVERZ=x\n", b"")


def test_all_faults_are_reported_with_file_and_line(tmp_path: Path) -> None:  # P5, P12
    (tmp_path / "a.txt").write_text(
        "[general]\nCONFIG_NOVA_INSTALL=\nCONFIG_REDIS_PORT=65535\nCONFIG_HORIZON_SSL=maybe\n"
    )

    done = run("--validate-answer-file=a.txt", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stdout == (
        "\nERROR : 2 faults\n"
        "a.txt:2: CONFIG_NOVA_INSTALL must not be empty\n"
        "a.txt:4: CONFIG_HORIZON_SSL=maybe is neither y nor n\n"
    )


def test_each_key_that_packstack_has_an_option_for_has_one(tmp_path: Path) -> None:
    options = [f"--{key.option}=" for key in TABLE if not key.hidden and not key.required]
    needed = {key.option: key for key in TABLE if not key.hidden and key.required}

    done = run("--gen-answer-file=a.txt", *options, cwd=tmp_path)
    helped = run("--help", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert all(f"--{option} " in helped.stdout for option in needed)
    assert not any(f"--{key.option} " in helped.stdout for key in TABLE if key.hidden)


def test_an_answer_file_needs_a_folder_that_exists(tmp_path: Path) -> None:
    done = run("--gen-answer-file=nowhere/a.txt", cwd=tmp_path)

    assert done.returncode == 1
    assert "there is no folder nowhere, so a.txt cannot be written" in done.stdout


def test_a_faulty_option_makes_no_file(tmp_path: Path) -> None:
    done = run("--gen-answer-file=a.txt", "--nova-db-purge-enable=no", cwd=tmp_path)

    assert done.returncode == 1
    assert "CONFIG_NOVA_DB_PURGE_ENABLE=no is neither y nor n" in done.stdout
    assert not (tmp_path / "a.txt").exists()


CLOSED = "127.0.0.4"  # nobody listens on its port 22
ON_CLOSED = tuple(
    f"--{key.option}={CLOSED}" for key in TABLE if key.default == "@address" and not key.hidden
)


def test_without_options_it_asks_and_shows_what_was_answered(tmp_path: Path) -> None:
    typed = "\ncommon word\nanother\ncommon word\ncommon word\n2\n"  # no ssh key; mistyped once
    typed += "maybe\n" + "\n" * len(TABLE.keys)  # no y and no n; then defaults

    done = run(*ON_CLOSED, "--provision-demo=n", cwd=tmp_path, typed=typed)

    assert "The two differ." in done.stdout
    assert "maybe is neither y nor n." in done.stdout
    assert "Network of the floating addresses" not in done.stdout  # the demo is switched off
    shown = done.stdout.partition("following configuration:")[2]
    assert "os-controller-host:".ljust(40) + CLOSED in shown
    assert "service-workers:".ljust(40) + "2" in shown
    assert "common word" not in done.stdout + done.stderr
    assert "the input ended before the last question" in done.stdout
    assert done.returncode == 1
    assert not list(tmp_path.glob("packstack-answers-*"))


def test_who_agrees_gets_the_cloud_of_the_answers(tmp_path: Path) -> None:
    typed = "\n" * len(TABLE.keys) + "no\n" + "\n" * len(TABLE.keys) + "yes\n"

    done = run("--dry-run", *ON_CLOSED, cwd=tmp_path, typed=typed)

    assert done.stdout.count("following configuration:") == 2
    assert f"ERROR : {CLOSED} cannot be reached: " in done.stdout
    assert list(tmp_path.iterdir()) == [tmp_path / "home"]  # the test's own


def test_a_dry_run_writes_nothing_and_names_the_host_that_cannot_be_reached(tmp_path: Path) -> None:
    done = run("--dry-run", f"--install-hosts={CLOSED}", cwd=tmp_path)

    assert done.returncode == 1
    assert f"ERROR : {CLOSED} cannot be reached: " in done.stdout
    assert list(tmp_path.iterdir()) == [tmp_path / "home"]  # the test's own


def test_a_run_that_fails_keeps_its_secrets_and_its_answers(tmp_path: Path) -> None:  # P10, P15
    state = tmp_path / "state/rdo/clouds" / CLOSED

    first = run(f"--install-hosts={CLOSED}", cwd=tmp_path)
    secrets = (state / "secrets.json").read_bytes()
    [answers] = tmp_path.glob("packstack-answers-*.txt")
    before = answers.read_bytes()
    second = run(f"--answer-file={answers}", cwd=tmp_path)

    assert (first.returncode, second.returncode) == (1, 1)
    assert f"{CLOSED} cannot be reached" in second.stdout
    assert (state / "secrets.json").read_bytes() == secrets
    assert answers.read_bytes() == before
    assert {stat.S_IMODE(path.stat().st_mode) for path in (state, answers)} == {0o700, 0o600}
    made = json.loads(secrets)
    assert all(value.encode() in before for value in made.values())
    journal = (state / "journal.jsonl").read_text()
    assert "cannot be reached" in journal
    assert not any(value in journal + first.stdout + first.stderr for value in made.values())


@pytest.mark.parametrize(
    "args",
    [
        ("--answer-file=a.txt", "--os-debug-mode=y"),
        ("--answer-file=a.txt", "--allinone"),
        ("--no-such-option",),
    ],
)
def test_a_wrong_command_line_ends_with_2(tmp_path: Path, args: tuple[str, ...]) -> None:
    done = run(*args, cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("packstack: error: ")


def test_the_keys_are_listed_as_restructuredtext(tmp_path: Path) -> None:
    done = run("--options", cwd=tmp_path)

    assert done.returncode == 0
    assert all(f"**{key.name}**\n    {key.help}\n" in done.stdout for key in TABLE)


def test_the_origin_of_each_answer_is_shown_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("[general]\nCONFIG_NOVA_DB_PW=hunter2\nCONFIG_DEBUG_MODE=y\n")
    command = ("deploy", "answers", "--answer-file", "a.txt", "--state", "cloud")
    more = ("--answer", "CONFIG_KEYSTONE_REGION=Two")

    looked = run(*command, *more, "--json", cwd=tmp_path, program=RDO)
    made = run(*command, "--make-secrets", cwd=tmp_path, program=RDO)
    again = run(*command, "--json", cwd=tmp_path, program=RDO)

    assert looked.returncode == made.returncode == 0, looked.stderr + made.stderr
    found = {one["key"]: one for one in json.loads(looked.stdout)["answers"]}
    assert found["CONFIG_NOVA_DB_PW"]["value"] == "********"
    assert (found["CONFIG_DEBUG_MODE"]["origin"], found["CONFIG_DEBUG_MODE"]["line"]) == ("file", 3)
    assert found["CONFIG_KEYSTONE_REGION"]["origin"] == "option"
    assert found["CONFIG_GLANCE_BACKEND"]["origin"] == "default"
    assert found["CONFIG_MARIADB_PW"]["origin"] == "generated"
    assert found["CONFIG_MARIADB_PW"]["value"] == ""
    kept = json.loads((tmp_path / "cloud/secrets.json").read_text())
    assert "CONFIG_NOVA_DB_PW" not in kept
    texts = [looked.stdout, looked.stderr, made.stdout, made.stderr, again.stdout, again.stderr]
    assert not [text for text in texts for secret in (*kept.values(), "hunter2") if secret in text]


def test_looking_makes_no_secret(tmp_path: Path) -> None:
    done = run("deploy", "answers", cwd=tmp_path, program=RDO)

    assert done.returncode == 0, done.stderr
    assert "(not made yet)" in done.stdout
    assert not (tmp_path / "state").exists()


def test_a_controller_that_is_this_machine_is_not_rebooted_and_not_tried_before(
    tmp_path: Path,
) -> None:
    done = run("deploy", "verify", "--reboot", cwd=tmp_path, program=RDO)

    assert done.returncode == 5
    assert "this machine is the controller" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "state").exists()


def test_a_full_disk_is_one_error_and_the_next_run_finishes(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    script = f"""
        mount -t tmpfs -o size=8k none {small}
        "$@" || echo "code $?"
        mount -o remount,size=8m {small}
        "$@" && ls {small}
    """
    begin = (*AS_ROOT, "unshare", "--mount", "bash", "-c", script, "bash", *PACKSTACK)

    done = run(f"--gen-answer-file={small}/a.txt", cwd=tmp_path, program=begin)

    lines = done.stdout.split("\n")
    assert lines[1].startswith("ERROR : no space left on the disk")
    assert lines[2:] == ["  free some space and run the command again", "code 1", "a.txt", ""]
