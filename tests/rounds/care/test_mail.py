"""Mails of a round, by a real mail server on loopback."""

import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from rdo.errors import ConfigError
from rdo.model.audiences import Audiences
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.model.text.dates import minute
from rdo.notify import words
from rdo.notify.mailer import Mailer
from rdo.notify.outbox import Outbox, Sent
from rdo.notify.smtp import MailServer
from rdo.notify.story import Audience, Story
from rdo.notify.way import AwayError, Refused
from rdo.store import Store
from rdo.store.messages.deliveries import Delivery
from rdo.trunk.care import acks
from rdo.trunk.telling.stories import build_story
from tests.fakes.builder import GoodBuild, Unless
from tests.fakes.mail import MailBox, Received, certificate, free_port, mail_server
from tests.rounds.factory import TARGET, Factory

SENDER = "rdo@example.org"
ANN, BOB, OPS = "ann@example.org", "bob@example.org", "ops@example.org"
TEST_FAILS = Failed(FailureReason.TEST, "%check: assert 1 == 2")


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Factory]:
    with Store.temporary() as store:
        made = Factory(tmp_path, store)
        made.audiences = Audiences(mail=True, operator=(OPS,))
        made.add("alpha", "beta")
        made.change("alpha", maintainers=(ANN, BOB))
        made.change("beta", maintainers=(BOB,))
        yield made


def outbox(factory: Factory, port: int, **server: object) -> Outbox:
    place = MailServer(f"127.0.0.1:{port}", **server)  # type: ignore[arg-type]  # by the test
    lock_file = factory.folder / "notify.lock"
    return Outbox(factory.store, {"mail": Mailer(place, SENDER)}, factory.clock, lock_file)


def deliver(factory: Factory, box: MailBox | None = None) -> list[Received]:
    """The mails that arrive when the queue is sent."""
    box = box or MailBox()
    before = len(box.mails)
    with mail_server(box) as port:
        outbox(factory, port).run()
    return box.mails[before:]


def break_alpha(factory: Factory, subject: str = "Count from one") -> None:
    factory.round()
    factory.upstreams["alpha"].commit(subject)
    factory.builder.will("python-alpha", TEST_FAILS)
    factory.round()


def test_a_break_and_its_mend_are_one_thread_to_the_maintainers(factory: Factory) -> None:
    break_alpha(factory)
    [broken] = deliver(factory)
    factory.builder.will("python-alpha", GoodBuild())
    factory.upstreams["alpha"].commit("Count from nought again")
    factory.round()
    [fixed] = deliver(factory)

    assert broken.recipients == fixed.recipients == (ANN, BOB)
    assert broken.message["To"] == f"{ANN}, {BOB}"
    assert broken.message["Subject"] == "[master-deb12] python-alpha of master does not build: test"
    assert fixed.message["Subject"] == "[master-deb12] python-alpha of master builds again"
    assert fixed.message["In-Reply-To"] == broken.message["Message-ID"]
    assert fixed.message["References"] == broken.message["Message-ID"]
    assert "Count from one" in broken.part("plain")
    assert "Count from nought again" in fixed.part("plain")


def test_further_failures_of_a_break_are_told_to_nobody(factory: Factory) -> None:
    break_alpha(factory)
    first = deliver(factory)

    factory.upstreams["alpha"].commit("Still one")
    factory.round()
    factory.round()

    assert len(first) == 1
    assert deliver(factory) == []


def test_what_waits_for_a_broken_package_is_told_to_that_ones_maintainers(
    factory: Factory,
) -> None:
    break_alpha(factory)
    deliver(factory)
    factory.builder.will("python-beta", Unless(("python-new",), ("python3dist(alpha) >= 2",)))
    factory.upstreams["beta"].commit("Want alpha 2")
    factory.round()
    [mail] = deliver(factory)
    factory.round()

    assert mail.recipients == (ANN, BOB)
    assert mail.message["X-RDO-Package"] == "python-alpha"
    assert "Packages that wait for it\n  python-beta\n" in mail.part("plain")
    assert mail.message["References"]
    assert deliver(factory) == []


def test_who_waits_for_a_day_is_told_once_what_for(factory: Factory) -> None:
    break_alpha(factory)
    factory.builder.will("python-beta", Unless(("python-new",), ("python3dist(alpha) >= 2",)))
    factory.upstreams["beta"].commit("Want alpha 2")
    factory.round()
    deliver(factory)
    begun = factory.clock.moment
    factory.clock.moment += timedelta(hours=23)
    factory.round()
    before = deliver(factory)
    factory.clock.moment += timedelta(hours=1)
    factory.round()
    [mail] = deliver(factory)
    factory.clock.moment += timedelta(days=3)
    factory.round()

    assert before == []
    assert mail.recipients == (BOB,)
    subject = "[master-deb12] python-beta of master waits for python-alpha"
    assert mail.message["Subject"] == subject
    assert f"python-alpha: does not build, since {minute(begun)}" in mail.part("plain")
    assert deliver(factory) == []


def test_mails_say_who_is_on_it_and_the_fix_who_was(factory: Factory) -> None:
    break_alpha(factory)
    deliver(factory)
    link = "https://review.example.org/42"
    acks.acknowledge(factory.trunk, "python-alpha", by="carol", why="<b>it</b> waits", link=link)

    factory.builder.will("python-beta", Unless(("python-new",), ("python3dist(alpha) >= 2",)))
    factory.upstreams["beta"].commit("Want alpha 2")
    factory.round()
    [waited] = deliver(factory)
    factory.clock.moment += timedelta(days=1)
    factory.round()
    [waits] = deliver(factory)
    factory.builder.will("python-alpha", GoodBuild())
    factory.upstreams["alpha"].commit("Count again")
    factory.round()
    fixed = next(one for one in deliver(factory) if one.message["X-RDO-Event"] == "mended")

    said = rf", since .*: <b>it</b> waits\s\({link}\)"
    assert re.search(rf"On it +carol{said}", waited.part("plain"))
    assert "carol has been working on it since" in waits.part("plain")
    assert re.search(rf"Was on it +carol{said}", fixed.part("plain"))
    assert "&lt;b&gt;it" in fixed.part("html")
    with factory.store.read() as at:
        assert at.acks.all(TARGET) == {}
        [past] = at.acks.history(TARGET, "python-alpha")
    assert (past.by, past.ending.endswith("is good")) == ("carol", True)


@pytest.mark.parametrize(
    ("need", "said"),
    [
        ("python3dist(alpha) >= 9", "python-alpha has 1: not in the version that is asked for"),
        (
            "python3dist(nobody)",
            "no package of the release provides python3dist(nobody)",
        ),
    ],
)
def test_a_requirement_that_is_too_old_or_not_packaged_is_named(
    factory: Factory, need: str, said: str
) -> None:
    factory.round()
    factory.builder.will("python-beta", Waiting((need,)))
    factory.upstreams["beta"].commit("Want more")
    factory.round()

    [mail] = deliver(factory)

    assert mail.recipients == (BOB,)
    assert f"Unmet requirements\n  {need}: {said}" in mail.part("plain")


def test_what_changed_in_the_root_is_reported(factory: Factory) -> None:
    factory.round()
    factory.upstreams["alpha"].commit("Count from one")
    factory.builder.will("python-alpha", TEST_FAILS)
    factory.round()
    with factory.store.read() as at:
        state = at.packages.state(TARGET, "python-alpha")
        assert state.good
        assert state.broken_by
        [event] = at.events.of_break(TARGET, "python-alpha", state.broken_by.id)
    lines = {state.good: "a-1-1.noarch\nb-1-1.noarch\nc-1-1.noarch\n"}
    lines[state.broken_by] = "a-1-1.noarch\nb-2-1.noarch\nd-1-1.x86_64\n"
    for build, text in lines.items():
        (factory.trunk.build_folder(build) / "installed_pkgs.log").write_text(text)

    story = build_story(factory.trunk, event, Audience.MAINTAINERS)

    assert [words.root_line(change) for change in story.root] == [
        "b: 1-1 -> 2-1",
        "c: 1-1 -> gone",
        "d: not there -> 1-1",
    ]


def test_a_break_of_the_network_is_the_operators(factory: Factory) -> None:
    factory.retries = 0
    factory.builder.will("python-alpha", Failed(FailureReason.NETWORK, "no route"))
    factory.round()

    [mail] = deliver(factory)

    assert mail.recipients == (OPS,)


def test_a_package_that_then_fails_for_itself_is_told_to_its_maintainers_too(
    factory: Factory,
) -> None:
    factory.retries = 0
    factory.builder.will("python-alpha", Failed(FailureReason.NETWORK, "no route"), TEST_FAILS)
    factory.round()
    deliver(factory)
    factory.upstreams["alpha"].commit("More")
    factory.round()
    [mail] = deliver(factory)
    factory.builder.will("python-alpha", GoodBuild())
    factory.upstreams["alpha"].commit("Good")
    factory.round()
    fixed = deliver(factory)

    assert mail.recipients == (ANN, BOB)
    assert sorted(one.recipients for one in fixed) == [(ANN, BOB), (OPS,)]


def test_the_queue_survives_a_server_that_is_down_and_nothing_is_doubled(
    factory: Factory,
) -> None:
    break_alpha(factory)

    down = outbox(factory, free_port()).run()
    arrived = deliver(factory)

    assert (down.sent, down.left) == (0, 2)
    assert down.problems[0]
    assert len(arrived) == 1
    assert deliver(factory) == []


def test_who_is_refused_for_good_is_given_up_and_who_is_not_is_tried_again(
    factory: Factory,
) -> None:
    break_alpha(factory)
    box = MailBox(answers={ANN: "550 no such user", BOB: "450 greylisted"})

    with mail_server(box) as port:
        first = outbox(factory, port).run()
        box.answers.clear()
        second = outbox(factory, port).run()

    assert (first.sent, first.refused, first.left) == (0, 1, 1)
    assert second.sent == 1
    assert [mail.recipients for mail in box.mails] == [(BOB,)]


def test_a_mail_that_the_server_will_not_have_does_not_stop_the_others(factory: Factory) -> None:
    break_alpha(factory)
    box = MailBox(answers={"*": "554 spam"})

    with mail_server(box) as port:
        assert outbox(factory, port).run() == Sent(
            refused=2, problems=tuple(f"{one} was not notified: 554 spam" for one in (ANN, BOB))
        )


class Dying(Mailer):
    """Is killed when the server has taken a mail and before that is noted."""

    def send(self, story: Story, deliveries: Sequence[Delivery]) -> dict[int, Refused]:
        Mailer.send(self, story, deliveries)
        raise KeyboardInterrupt


def test_a_kill_after_the_servers_yes_repeats_one_mail_under_its_name(factory: Factory) -> None:
    break_alpha(factory)
    box = MailBox()

    with mail_server(box) as port:
        killed = outbox(factory, port)
        killed.ways = {"mail": Dying(MailServer(f"127.0.0.1:{port}"), SENDER)}
        with pytest.raises(KeyboardInterrupt):
            killed.run()
        outbox(factory, port).run()
        outbox(factory, port).run()

    first, again = box.mails
    assert first.content == again.content


def test_a_round_that_is_killed_after_a_break_tells_it_in_the_next(factory: Factory) -> None:
    factory.workers = 1
    factory.round()
    for name in ("alpha", "beta"):
        factory.upstreams[name].commit("More")
    factory.builder.will("python-alpha", TEST_FAILS)
    factory.builder.will("python-beta", KeyboardInterrupt(), GoodBuild())
    with pytest.raises(KeyboardInterrupt):
        factory.round()
    assert deliver(factory) == []

    factory.round()

    assert [mail.recipients for mail in deliver(factory)] == [(ANN, BOB)]


def test_what_cannot_be_followed_for_a_day_is_told_to_the_operator_once(factory: Factory) -> None:
    factory.round()
    shutil.rmtree(factory.upstreams["alpha"].path)
    factory.round()
    at_once = deliver(factory)
    factory.clock.moment += timedelta(days=1)
    factory.round()
    [mail] = deliver(factory)
    factory.round()

    assert at_once == []
    assert mail.recipients == (OPS,)
    assert mail.message["Subject"] == "[master-deb12] python-alpha of master cannot be followed"
    assert deliver(factory) == []


def test_a_clock_that_was_years_ahead_delays_no_mail(factory: Factory) -> None:
    factory.clock.moment += timedelta(days=730)
    break_alpha(factory)
    factory.clock.moment -= timedelta(days=730)

    [mail] = deliver(factory)
    assert mail.recipients == (ANN, BOB)
    assert deliver(factory) == []


def test_a_digest_goes_out_once_a_day_with_all_there_is(factory: Factory) -> None:
    factory.audiences = Audiences(mail=True, digest=frozenset({BOB}), digest_hour=6)
    break_alpha(factory)
    factory.builder.will("python-beta", Failed(FailureReason.COMPILE, "%build: no"))
    factory.upstreams["beta"].commit("Break")
    factory.round()

    at_once = deliver(factory)
    factory.clock.moment = factory.clock.moment.replace(day=2, hour=6)
    [digest] = deliver(factory)

    assert [mail.recipients for mail in at_once] == [(ANN,)]
    assert digest.recipients == (BOB,)
    assert digest.message["Subject"] == "[master-deb12] 2 broken in master, 2026-08-02"
    assert "python-alpha no longer builds" in digest.part("plain")
    assert "python-beta no longer builds" in digest.part("html")
    assert deliver(factory) == []


def test_hostile_subjects_names_and_logs_forge_neither_headers_nor_html(factory: Factory) -> None:
    hostile = "x\r\nBcc: evil@example.org\r\n\r\n<script>alert(1)</script>\x1b[2J\u202e"
    factory.change("alpha", maintainers=(ANN, "e@example.org\nBcc: evil@example.org", "<x>"))
    detail = "%check: </pre><script>alert(2)</script>\r\nSubject: forged"
    factory.round()
    factory.upstreams["alpha"].git("config", "i18n.commitEncoding", "UTF-8")
    factory.upstreams["alpha"].commit(hostile.replace("\r\n", " \r"))
    factory.builder.will("python-alpha", Failed(FailureReason.TEST, detail))
    factory.round()

    [mail] = deliver(factory)

    assert mail.recipients == (ANN,)
    assert mail.message["Bcc"] is None
    assert mail.message.get_all("Subject") == [
        "[master-deb12] python-alpha of master does not build: test"
    ]
    html = mail.part("html")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    text = mail.part("plain")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert not re.search(r"^(Bcc|Subject):", text, re.MULTILINE)


def test_by_tls_with_a_password(factory: Factory, tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    (tmp_path / "password").write_text("secret\n")
    break_alpha(factory)
    box = MailBox()

    with mail_server(box, tls=context, auth=True) as port:
        secure = {"user": "rdo", "password_file": tmp_path / "password", "ca_file": trusted}
        untrusted = outbox(factory, port, user="rdo", password_file=tmp_path / "password").run()
        done = outbox(factory, port, **secure).run()

    assert (untrusted.sent, untrusted.left) == (0, 2)
    assert done.sent == 2
    assert box.logins == [(b"rdo", b"secret")]
    assert box.was_secure == [True]


def test_starttls_that_is_demanded_and_not_offered_sends_nothing() -> None:
    box = MailBox()
    with mail_server(box) as port:
        server = MailServer(f"127.0.0.1:{port}", security="starttls")
        with pytest.raises(AwayError):
            server.send(EmailMessage(), [ANN])
    assert box.mails == []


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    server = MailServer("127.0.0.1:1", user="rdo", password_file=tmp_path / "none")

    with pytest.raises(ConfigError, match="password-file"):
        server.send(EmailMessage(), [ANN])


@pytest.mark.parametrize(
    ("text", "security", "place"),
    [
        ("mail.example.org", "auto", ("mail.example.org", 25)),
        ("mail.example.org:587", "starttls", ("mail.example.org", 587)),
        ("mail.example.org", "tls", ("mail.example.org", 465)),
        ("[::1]:2525", "auto", ("::1", 2525)),
        ("[::1]", "auto", ("::1", 25)),
    ],
)
def test_where_a_server_is(text: str, security: str, place: tuple[str, int]) -> None:
    server = MailServer(text, security=security)

    assert (server.host, server.port) == place
