"""`rdo notify test`: a real mail and real posts, before a package fails."""

import json
from pathlib import Path

import pytest

from rdo.cli.main import run as rdo
from tests.e2e.newcomers.test_doctor import add
from tests.e2e.trunk.test_trunk_loop import site
from tests.fakes.mail import MailBox, free_port, mail_server
from tests.rounds.test_webhooks import Listener, listener

__all__ = ["listener", "site"]  # the fixtures


def test_a_mail_arrives_and_a_webhook_gets_an_event(
    site: Path, listener: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    box = MailBox()
    with mail_server(box) as port:
        add(site, f'[mail]\nserver = "127.0.0.1:{port}"\nfrom = "rdo@example.test"\n')
        add(site, f'[webhooks.chat]\nurl = "{listener.url}"\n')
        assert rdo(["-C", str(site), "notify", "test", "me@example.test"]) == 0

    [mail] = box.mails
    assert mail.recipients == ("me@example.test",)
    assert mail.message["X-RDO-Event"] == "test"
    [(headers, body)] = listener.posts
    assert headers["X-RDO-Event"] == "test"
    assert json.loads(body)["kind"] == "test"
    assert "accepted a mail to me@example.test" in capsys.readouterr().out


def test_a_refusal_and_a_server_that_is_away_have_codes_of_their_own(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rdo(["-C", str(site), "notify", "test", "me@example.test"]) == 2
    assert "[mail]" in capsys.readouterr().err

    port = free_port()
    add(site, f'[mail]\nserver = "127.0.0.1:{port}"\nfrom = "rdo@example.test"\n')
    assert rdo(["-C", str(site), "notify", "test", "me@example.test"]) == 6
    assert rdo(["-C", str(site), "notify", "test"]) == 2

    box = MailBox(answers={"me@example.test": "550 nobody here"})
    capsys.readouterr()
    with mail_server(box, port=port):
        assert rdo(["-C", str(site), "notify", "test", "me@example.test", "--json"]) == 5
    [trial] = json.loads(capsys.readouterr().out)
    assert "550 nobody here" in trial["error"]


def test_gerrit_is_asked_and_gets_no_review(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(site, '[gerrit]\nurl = "file:///nowhere"\n')

    assert rdo(["-C", str(site), "notify", "test"]) == 5

    assert ".gitreview" in capsys.readouterr().out
