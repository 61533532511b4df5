"""Golden mails: each kind of event, byte for byte as it goes to a mail server."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rdo.logs.reader import LogLine
from rdo.model.build import FailureReason
from rdo.notify.mail import compose, compose_digest, is_address, message_id
from rdo.notify.story import (
    Audience,
    Changes,
    EventKind,
    LastGoodBuild,
    LinkedCommit,
    Problem,
    RootChange,
    Story,
    UnmetRequirement,
)

GOLDEN = Path(__file__).parent / "golden"
SENDER = "rdo@example.org"
ANN, BOB = "ann@example.org", "bob@example.org"
TREE = "https://trunk.example.org/master-el10s/repos"
WHEN = datetime(2026, 8, 3, 14, 30, tzinfo=UTC)

BROKEN = Story(
    kind=EventKind.BROKEN,
    target="master-el10s",
    release="master",
    platform="el10s-x86_64",
    package="openstack-nova",
    when=WHEN,
    maintainers=(ANN, BOB),
    build_id=4711,
    commit="5f0c2d9e" * 5,
    distgit_commit="77aa01b2" * 5,
    reason=FailureReason.TEST,
    detail="%check: AssertionError: 2 != 3",
    says="AssertionError: 2 != 3",
    lines=(
        LogLine(880, "    def test_resize(self):"),
        LogLine(881, ">       self.assertEqual(2, len(found))"),
        LogLine(882, "E       AssertionError: 2 != 3", is_cause=True),
    ),
    broken=WHEN,
    good=LastGoodBuild(
        4690, "openstack-nova-33.0.0-0.20260801101112.a1b2c3d.el10", WHEN.replace(day=1)
    ),
    upstream=Changes(
        22,
        (
            LinkedCommit(
                "5f0c2d9e" * 5,
                "Größe ändern: <resize> & \"more\" 'all'",
                "Zoë Example",
                WHEN.replace(hour=9),
                "https://opendev.org/openstack/nova/commit/5f0c2d9e",
            ),
            LinkedCommit("00112233" * 5, "Fix a typo", "Ann", WHEN.replace(hour=8)),
        ),
    ),
    root=(
        RootChange("python3-oslo-db", "17.2-1.el10", "17.3-1.el10"),
        RootChange("python3-new", "", "1.0-1.el10"),
        RootChange("python3-old", "0.9-1.el10", ""),
    ),
    waiting=("openstack-placement",),
    log_url=f"{TREE}/5f/0c/log/rpmbuild.log",
    page_url=f"{TREE}/packages/openstack-nova.html",
    repository_url=f"{TREE}/5f/0c/log",
)
MISSING = replace(
    BROKEN,
    reason=FailureReason.MISSING_DEPENDENCY,
    detail="python3dist(oslo-limit) >= 3",
    says="",
    lines=(),
    root=(),
    waiting=(),
    good=None,
    needs=(
        UnmetRequirement(
            "python3dist(oslo-limit) >= 3",
            "python-oslo-limit has 2.4: not in the version that is asked for",
        ),
    ),
)
MENDED = Story(
    kind=EventKind.MENDED,
    target=BROKEN.target,
    release="master",
    platform=BROKEN.platform,
    package=BROKEN.package,
    when=WHEN.replace(day=5),
    maintainers=BROKEN.maintainers,
    build_id=4720,
    commit="6a6a6a6a" * 5,
    nvr="openstack-nova-33.0.0-0.20260805143000.6a6a6a6.el10",
    broken=WHEN,
    upstream=Changes(1, (LinkedCommit("6a6a6a6a" * 5, "Count right", "Bob", WHEN.replace(day=5)),)),
    page_url=BROKEN.page_url,
)
WAITED_FOR = replace(
    BROKEN, kind=EventKind.WAITED_FOR, when=WHEN.replace(hour=18), waiting=("openstack-cinder", "x")
)
STALE = Story(
    kind=EventKind.STALE,
    target="master-el10s",
    release="master",
    platform="el10s-x86_64",
    package="openstack-heat",
    when=WHEN,
    audience=Audience.OPERATOR,
    problems=(Problem("openstack-heat", "https://git.example.org/heat: not found", WHEN),),
)
WAITS = replace(
    STALE,
    kind=EventKind.WAITS,
    package="openstack-cinder",
    audience=Audience.MAINTAINERS,
    problems=(Problem("python-oslo-db", "does not build", WHEN),),
)
STORIES = {
    "broken": BROKEN,
    "missing": MISSING,
    "mended": MENDED,
    "waited-for": WAITED_FOR,
    "waits": WAITS,
    "stale": STALE,
}


def check_golden(name: str, content: bytes) -> None:
    golden = GOLDEN / f"{name}.eml"
    if os.environ.get("ACCEPT_GOLDEN"):
        golden.write_bytes(content)
    assert content == golden.read_bytes(), f"accept it with: ACCEPT_GOLDEN=1 pytest {__file__}"


@pytest.mark.parametrize("name", STORIES)
def test_a_mail_is_as_it_was(name: str) -> None:
    mail = compose(STORIES[name], 4711, SENDER, [ANN, BOB])

    check_golden(name, mail.as_bytes())


def test_a_digest_is_as_it_was() -> None:
    mail = compose_digest([BROKEN, MENDED], SENDER, ANN, WHEN)

    check_golden("digest", mail.as_bytes())


def test_the_command_that_repeats_a_build_names_the_factory() -> None:
    mail = compose(replace(BROKEN, factory="/srv/my rdo"), 4711, SENDER, [ANN])

    body = mail.get_body(("plain",))
    assert body
    assert "  rdo -C '/srv/my rdo' reproduce 4711 --shell\n" in body.get_content()


@pytest.mark.parametrize("name", STORIES)
def test_a_story_survives_being_stored(name: str) -> None:
    story = STORIES[name]

    assert Story.from_json(story.to_json()) == story


def test_all_mails_of_a_break_are_one_thread() -> None:
    first, last = (compose(x, 4711, SENDER, [ANN]) for x in (BROKEN, MENDED))
    other = compose(replace(BROKEN, broken=WHEN.replace(day=9)), 4711, SENDER, [ANN])

    assert last["In-Reply-To"] == last["References"] == first["Message-ID"]
    assert other["Message-ID"] != first["Message-ID"]
    assert message_id(BROKEN, 4711, SENDER) == first["Message-ID"]


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@", "@b", "a@b\r\nBcc: c@d", "a@b,c@d", "<a@b>", "a b@c", "a@b>", "a@-", "a" * 300],
)
def test_what_is_no_address_gets_no_mail(text: str) -> None:
    assert not is_address(text)


def test_hostile_text_stays_text() -> None:
    evil = "x\r\nBcc: c@d\r\n\r\n--b\r\n<script>alert(1)</script>\x1b[31m\u202e"
    story = replace(
        BROKEN,
        package=evil,
        release=evil,
        says=evil,
        detail=evil,
        lines=(LogLine(1, evil, is_cause=True),),
        upstream=Changes(1, (LinkedCommit("ff" * 20, evil, evil, WHEN, "javascript:alert(1)"),)),
        needs=(UnmetRequirement(evil, evil),),
        waiting=(evil,),
        log_url=f"javascript:{evil}",
    )

    mail = compose(story, 1, SENDER, [ANN])

    assert mail["Bcc"] is None
    assert "\n" not in mail["Subject"]
    html = mail.get_body(("html",))
    assert html is not None
    assert "<script" not in html.get_content()
    assert 'href="javascript' not in html.get_content()
    headers = mail.as_bytes().partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc" not in headers
