"""Rounds of several targets at the same time, by the real command."""

import json
import shutil
import signal
import time
from itertools import groupby
from pathlib import Path

import pytest

from rdo.app import App
from rdo.lock import hold
from rdo.trunk.rounds import RoundRequest, Unfinished, run_targets
from rdo.trunk.views.report import Report
from tests.fakes.mail import MailBox, mail_server
from tests.patience import until
from tests.rounds.several import Several


@pytest.fixture
def site(tmp_path: Path) -> Several:
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    return Several(tmp_path)


def test_a_slow_target_does_not_delay_another(site: Several) -> None:
    site.add("a", "b")
    site.plan("master-deb12", "a", "until go")
    site.plan("master-deb12", "b", "until go")
    site.lines = "workers = 3\n"

    with site.start("--json") as run:
        repos = site.folder / "data/master-deb13/repos"
        until((repos / "consistent").exists)
        ended = site.noted("ended")
        (site.folder / "go").touch()
        output, errors = run.communicate(timeout=120)

    assert sorted(ended) == ["master-deb13 python-a", "master-deb13 python-b"]
    rows = json.loads(output)
    assert [(row["target"], len(row["built"])) for row in rows] == [
        ("master-deb12", 2),
        ("master-deb13", 2),
    ], errors
    assert "master-deb13: python-a@" in errors, "lines of parallel rounds name their target"


def test_all_targets_together_keep_to_the_workers_and_take_turns(site: Several) -> None:
    site.add("a", "b", "c", "d")
    site.plan("master-deb12", "a", "until go")
    site.plan("master-deb13", "a", "until go")
    site.lines = "workers = 1\n"

    with site.start() as run:
        errors = run.stderr
        assert errors
        planned = 0
        while planned < 2:
            planned += "build(s) planned" in errors.readline()
        until(lambda: site.noted("began"))
        time.sleep(2)  # the other one asks for its turn
        at_once = site.noted("began")
        (site.folder / "go").touch()
        run.communicate(timeout=120)

    assert run.returncode == 0
    assert len(at_once) == 1
    began = [line.split()[0] for line in site.noted("began")]
    assert len(began) == 8
    assert max(len(list(group)) for _, group in groupby(began[:6])) <= 2, began


def test_a_target_that_cannot_run_stops_no_other(site: Several) -> None:
    site.platforms = ("deb12-x86_64", "deb13-x86_64", "el9s-x86_64")
    site.add("a")
    site.write()
    busy, good, odd = (site.folder / "data" / f"master-{one}" for one in ("deb12", "deb13", "el9s"))
    (odd / "round.lock").mkdir(parents=True)

    with hold(busy / "round.lock", purpose="a test"):
        first, second, third = run_targets(
            App(site.folder), [one.name for one in (busy, good, odd)], RoundRequest()
        )

    assert isinstance(second, Report)
    assert len(second.built) == 1
    assert isinstance(first, Unfinished)
    assert "is busy" in str(first.error)
    assert isinstance(third, Unfinished)
    assert "round.lock" in str(third.error)


def test_a_stop_ends_all_rounds_and_leaves_their_builds_in_the_queue(site: Several) -> None:
    site.add("a")
    for target in ("master-deb12", "master-deb13"):
        site.plan(target, "a", "until go")

    with site.start() as run:
        until(lambda: len(site.noted("began")) == 2)
        run.send_signal(signal.SIGTERM)
        _, errors = run.communicate(timeout=60)

    assert run.returncode == 130, errors
    assert "Traceback" not in errors
    (site.folder / "go").touch()
    with site.start("--json") as run:
        output, errors = run.communicate(timeout=120)
    assert [len(row["built"]) for row in json.loads(output)] == [1, 1], errors


def test_in_a_loop_a_target_is_followed_while_another_is_slow(site: Several) -> None:
    site.add("a")
    site.plan("master-deb12", "a", "until go")

    with site.start("--loop", "1") as run:
        until(lambda: "master-deb13 python-a" in site.noted("ended"))
        site.upstreams["a"].commit("two")
        until(lambda: site.noted("ended").count("master-deb13 python-a") == 2)
        (site.folder / "go").touch()
        until(lambda: "master-deb12 python-a" in site.noted("ended"))
        run.send_signal(signal.SIGTERM)
        _, errors = run.communicate(timeout=120)

    assert run.returncode == 0, errors
    assert "Traceback" not in errors


def test_one_mail_tells_on_which_platforms_a_package_fails(site: Several) -> None:
    site.platforms = ("deb12-x86_64", "deb13-x86_64", "el9s-x86_64")
    names = "abcdefghij"
    site.add(*names)
    site.plan("master-deb12", "a", "fail error: old")
    site.plan("master-el9s", "a", "fail error: old")
    site.plan("master-deb13", "b", "fail error: new")
    box = MailBox()
    with mail_server(box) as port:
        server = f"127.0.0.1:{port}"
        site.lines = f'workers = 4\n[mail]\nserver = "{server}"\nfrom = "rdo@example.test"\n'

        with site.start("--json") as run:
            output, errors = run.communicate(timeout=300)
        for target in ("master-deb12", "master-el9s"):
            site.plan(target, "a", "build")
        site.upstreams["a"].commit("mended")
        with site.start() as again:
            again.communicate(timeout=300)

    rows = json.loads(output)
    failed = {row["target"]: [one["package"] for one in row["failed"]] for row in rows}
    assert failed == {
        "master-deb12": ["python-a"],
        "master-deb13": ["python-b"],
        "master-el9s": ["python-a"],
    }, errors
    assert [len(row["built"]) for row in rows] == [9, 9, 9]
    subjects = {str(one.message["Subject"]) for one in box.mails}
    assert subjects == {
        "[master-deb12, master-el9s] python-a of master does not build: unknown",
        "[master-deb13] python-b of master does not build: unknown",
        "[master-deb12, master-el9s] python-a of master builds again",
    }
    by_subject = {
        str(one.message["Subject"]).rpartition(": ")[0] or "mended": one for one in box.mails
    }
    together = by_subject["[master-deb12, master-el9s] python-a of master does not build"]
    assert together.recipients == ("one@example.test",)
    assert "master-deb12 (deb12-x86_64): " in together.part("plain")
    assert "master-el9s (el9s-x86_64): " in together.part("plain")
    thread = {together.message["Message-ID"], *together.message["References"].split()}
    assert thread == set(by_subject["mended"].message["References"].split())
    page = (site.folder / "data/index.html").read_text()
    assert "python-b" in page
    assert "9 more packages are well on every target" in page
    said = site.rdo("status", "--grid")
    assert [line.split() for line in said.splitlines() if line.startswith("python-b ")] == [
        ["python-b", "built", "FTBFS", "built"]
    ]
