"""A failure becomes a review, by real git on a server that behaves like Gerrit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.model.audiences import Audiences
from rdo.model.build import Failed, FailureReason
from rdo.notify.gerrit import Distgit, GerritReviews
from rdo.notify.outbox import Outbox, Sent
from rdo.store import Store
from tests.fakes.gerrit import FakeGerrit
from tests.rounds.factory import Factory

ANN = "ann@example.org"


@pytest.fixture
def server(tmp_path: Path) -> FakeGerrit:
    return FakeGerrit(tmp_path / "gerrit", "openstack/alpha-distgit")


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Factory]:
    with Store.temporary() as store:
        made = Factory(tmp_path, store)
        made.audiences = Audiences(gerrit=True)
        made.add("alpha")
        made.change("alpha", maintainers=(ANN,))
        gitreview = (
            "[gerrit]\nhost=review.example.org\nport=29418\nproject=openstack/alpha-distgit\n"
        )
        made.distgits["alpha"].commit("review here", {".gitreview": gitreview})
        made.round()
        yield made


def send(factory: Factory, server: str) -> Sent:
    trunk = factory.trunk

    def find(_target: str, name: str) -> Distgit:
        package = trunk.packages[name]
        return Distgit(package, trunk.remotes.distgit(package))

    gerrit = GerritReviews(find, "rdo@example.org", "rdo-FTBFS", server=server)
    lock_file = factory.folder / "notify.lock"
    return Outbox(factory.store, {"gerrit": gerrit}, factory.clock, lock_file).run()


def break_alpha(factory: Factory) -> str:
    factory.builder.will("python-alpha", Failed(FailureReason.TEST, "%check: no"))
    head = factory.upstreams["alpha"].commit("Break it")
    factory.round()
    return head


def test_a_break_becomes_a_review_that_marks_the_spec(
    factory: Factory, server: FakeGerrit, tmp_path: Path
) -> None:
    head = break_alpha(factory)

    done = send(factory, (tmp_path / "gerrit").as_uri())

    assert done.sent == 1
    [change] = server.changes()
    assert change.endswith(f" refs/for/rpm-master%topic=rdo-FTBFS,r={ANN}")
    message = server.git("log", "-1", "--format=%B", "refs/changes/1")
    lines = message.splitlines()
    assert lines[0] == f"python-alpha: failed to build {head[:7]}"
    assert lines[2] == f"Need to fix build error caused by {head}"
    assert lines[3].startswith("See log at http://127.0.0.1:8080/master-deb12/repos/")
    diff = server.git("show", "--format=", "-U0", "refs/changes/1")
    added = [line for line in diff.splitlines() if line.startswith("+") and line[1] != "+"]
    assert added == [f"+# REMOVEME: error caused by commit {head}"]
    assert server.git("log", "-1", "--format=%an %ae", "refs/changes/1") == "rdo rdo@example.org"


def test_a_review_that_was_sent_before_is_no_second_one(
    factory: Factory, server: FakeGerrit, tmp_path: Path
) -> None:
    break_alpha(factory)
    url = (tmp_path / "gerrit").as_uri()
    with factory.store.read() as at:
        [queued] = at.deliveries.open()
    send(factory, url)
    with factory.store.write() as at:  # as after a kill between the push and its note
        at.events.add("t", "p", "broken", "k", now=queued.due)
        at.deliveries._rows([queued.id])[0].ended = None

    again = send(factory, url)

    assert again.sent == 1
    assert len(server.changes()) == 1


def test_a_reviewer_without_an_account_is_left_out(
    factory: Factory, server: FakeGerrit, tmp_path: Path
) -> None:
    factory.change("alpha", maintainers=("nobody@example.org",))
    break_alpha(factory)

    assert send(factory, (tmp_path / "gerrit").as_uri()).sent == 1

    assert server.changes()[0].endswith("refs/for/rpm-master%topic=rdo-FTBFS")


def test_a_server_that_is_away_is_tried_again(
    factory: Factory, server: FakeGerrit, tmp_path: Path
) -> None:
    break_alpha(factory)

    away = send(factory, (tmp_path / "elsewhere").as_uri())
    back = send(factory, (tmp_path / "gerrit").as_uri())

    assert (away.left, back.sent) == (1, 1)


def test_a_distgit_without_gitreview_is_given_up(factory: Factory, tmp_path: Path) -> None:
    factory.distgits["alpha"].git("rm", "--quiet", ".gitreview")
    factory.distgits["alpha"].commit("no reviews")
    break_alpha(factory)

    done = send(factory, tmp_path.as_uri())

    assert done.refused == 1
    assert ".gitreview" in done.problems[0]
