"""`rdo notify` on a real store, without a mail server."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rdo.cli.main import run
from rdo.notify.story import EventKind, Story
from rdo.store import Store

NOW = datetime.now(UTC)
TARGET = "master-deb12"
CONFIG = """\
[metadata]
source = "info"
[mail]
server = "127.0.0.1:9"
from = "rdo@example.org"
[targets.master-deb12]
release = "master"
platform = "deb12-x86_64"
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A break that was told to nobody yet."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rdo.toml").write_text(CONFIG)
    (tmp_path / "data").mkdir()
    story = Story(
        EventKind.BROKEN,
        TARGET,
        "master",
        "deb12-x86_64",
        "python-a",
        NOW,
        build_id=3,
        maintainers=("ann@example.org",),
    )
    with Store(f"sqlite:///{tmp_path}/data/rdo.sqlite") as store, store.write() as at:
        at.events.add(TARGET, "python-a", EventKind.BROKEN, "k", now=NOW, build_id=3, break_id=3)
        [event] = at.events.undescribed(TARGET)
        at.events.describe(event.id, story.to_json(), now=NOW)
        at.deliveries.add(event.id, "mail", "ann@example.org", due=NOW)


def test_the_queue_is_listed_and_tried_and_says_why_it_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["notify", "queue"]) == 0
    assert "python-a  broken  mail  ann@example.org" in capsys.readouterr().out

    assert run(["notify", "send"]) == 6
    assert "0 sent, 0 given up, 1 left" in capsys.readouterr().out

    assert run(["notify", "queue", "--json"]) == 0
    [left] = json.loads(capsys.readouterr().out)
    assert left["error"]


def test_the_newest_message_of_a_package_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["notify", "show", "python-a"]) == 0

    shown = capsys.readouterr().out
    assert shown.startswith("Subject: [master-deb12] python-a of master does not build")
    assert "To: ann@example.org\n" in shown
    assert "rdo reproduce 3" in shown


def test_a_package_that_nobody_was_told_of_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["notify", "show", "python-b"]) == 4

    assert "python-b" in capsys.readouterr().err
