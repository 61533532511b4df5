"""A factory that revision 541bb8e made goes on working."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import createrepo_c
import pytest

from tests.e2e.command import Result, rdo
from tests.e2e.kept_factory import ANSWERS, KEPT, OTHER_TARGET, TARGET, KeptFactory
from tests.fakes.mail import MailBox, mail_server

pytestmark = pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpmbuild is not installed")

OLD: dict[str, Any] = json.loads((KEPT / ANSWERS).read_text())
LAST_BUILD = max(row["build"] for row in OLD["queue"])
SENTENCES = ("held", "paused", "reason", "why", "what", "remedy")
"""Keys of answers whose text is for people, so that it may be worded anew."""
NEW = ("stands_in", "begun", "ack")
"""Keys that answers have got since."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A copy of the kept factory, its mail server, and `rdo` as it is now."""

    factory: KeptFactory
    mail: MailBox
    port: int

    def rdo(self, *args: object, code: int = 0) -> Any:
        options = ("--set", f"mail.server=127.0.0.1:{self.port}")
        done: Result = rdo(*options, *args, "--json", cwd=self.factory.folder)
        assert done.code == code, done.stdout + done.stderr
        return done.json

    def round(self, target: str = TARGET, *, code: int = 0) -> dict[str, Any]:
        [report] = self.rdo("trunk", "run", "--target", target, code=code)
        assert isinstance(report, dict)
        return report

    def status(self, target: str = TARGET) -> dict[str, Any]:
        [found] = self.rdo("trunk", "status", "--target", target)
        assert isinstance(found, dict)
        return found

    def rpms(self, name: str, target: str = TARGET) -> dict[str, str]:
        """The versions of the binary packages of the repository that a name leads to."""
        folder = self.factory.folder / "data" / target / "repos" / name
        packages = createrepo_c.RepositoryReader.from_path(str(folder)).iter_packages()
        found = [one for one in packages if one.arch != "src"]
        assert all((folder / one.location_href).is_file() for one in found)
        return {one.name.removeprefix("python3-"): one.version for one in found}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    factory = KeptFactory.unpack(tmp_path / "factory")
    for name, value in factory.environment().items():
        monkeypatch.setenv(name, value)
    box = MailBox()
    with mail_server(box) as port:
        yield Kept(factory, box, port)


def facts(answer: Any) -> Any:
    """An answer without its sentences and without keys that are new."""
    if isinstance(answer, list):
        return [facts(one) for one in answer]
    if isinstance(answer, dict):
        left_out = (*SENTENCES, *NEW)
        return {key: facts(value) for key, value in answer.items() if key not in left_out}
    return answer


def built(report: dict[str, Any]) -> dict[str, int]:
    """The numbers of the builds that a round published, by package; it tried no others."""
    assert report["failed"] == report["to_retry"] == report["dropped"] == []
    return {row["package"]: row["build"] for row in report["built"]}


def links(status: dict[str, Any]) -> tuple[str, str]:
    return status["names"]["current"], status["names"]["consistent"]


def test_it_stands_where_it_stood(kept: Kept) -> None:
    status = kept.rdo("trunk", "status")

    assert facts(status) == facts(OLD["status"])
    assert facts(kept.rdo("trunk", "queue")) == facts(OLD["queue"])
    assert facts(kept.rdo("trunk", "verify", code=1)) == facts(OLD["verify"])
    held = {row["package"]: row["held"] for row in status[0]["packages"] if row["held"]}
    assert list(held) == ["python-delta"]
    assert "packager" in held["python-delta"]
    assert "1.1 breaks gamma" in held["python-delta"]
    assert "compile" in status[0]["blocked"][0]["reason"]


@pytest.mark.parametrize("package", OLD["why"])
def test_each_package_is_explained_as_before(kept: Kept, package: str) -> None:
    def essence(answer: list[dict[str, Any]]) -> Any:
        return facts(
            [{key: row[key] for key in ("target", "step", "chain", "needed_by")} for row in answer]
        )

    assert essence(kept.rdo("why", package)) == essence(OLD["why"][package])


def test_a_round_with_nothing_new_builds_nothing_and_sends_what_was_left(kept: Kept) -> None:
    before = links(kept.status())

    report = kept.round(code=1)  # python-gamma waits for python-beta, which is broken

    assert built(report) == {}
    assert report["planned"] == []
    assert [(row["package"], row["for"]) for row in report["waiting"]] == [
        ("python-gamma", ["python-beta"])
    ]
    assert links(kept.status()) == before
    # That gamma waits is told after a day; it depends on the age of this folder.
    left = [mail for mail in kept.mail.mails if b"X-RDO-Event: waits" not in mail.content]
    told = [mail.recipients for mail in left]
    assert told == [("alpha-maintainer@example.test",)] * 2  # its break and its mend


def test_a_new_commit_is_built_and_nothing_else(kept: Kept) -> None:
    current, consistent = links(kept.status())
    commit = kept.factory.commit("alpha", "1.4")

    report = kept.round(code=1)

    assert built(report) == {"python-alpha": LAST_BUILD + 1}
    assert report["built"][0]["upstream_hash"] == commit
    after = kept.status()
    assert links(after)[0] != current
    assert links(after)[1] == consistent  # python-beta is broken still
    assert kept.rpms("current") == {"alpha": "1.4", "beta": "1.0", "gamma": "1.0", "delta": "1.0"}
    old = {row["package"]: facts(row) for row in OLD["status"][0]["packages"]}
    now = {row["package"]: facts(row) for row in after["packages"]}
    assert now.pop("python-alpha") != old.get("python-alpha")
    assert now == {name: row for name, row in old.items() if name != "python-alpha"}
    for package in old:
        assert kept.rdo("why", package, "--target", TARGET)[0]["step"]["package"] == package
    [verified] = kept.rdo("trunk", "verify", "--target", TARGET)
    assert verified["is_clean"]
    assert built(kept.round(code=1)) == {}


def test_what_waited_for_a_broken_package_is_built_after_its_mend(kept: Kept) -> None:
    kept.factory.commit("beta", "2.0")
    kept.factory.commit("delta", "1.2")

    report = kept.round()

    waiting = OLD["queue"][0]["build"]
    assert built(report) == {"python-beta": LAST_BUILD + 1, "python-gamma": waiting}
    current, consistent = links(kept.status())
    assert current == consistent
    wanted = {"alpha": "1.3", "beta": "2.0", "gamma": "2.0", "delta": "1.0"}
    assert kept.rpms("consistent") == wanted
    mends = [mail for mail in kept.mail.mails if "beta-maintainer@example.test" in mail.recipients]
    assert len(mends) == 1
    assert kept.rdo("trunk", "verify", "--target", TARGET)[0]["is_clean"]


def test_a_hold_ends_without_a_build(kept: Kept) -> None:
    kept.rdo("trunk", "release", "python-delta", "--target", TARGET)

    report = kept.round(code=1)

    assert built(report) == {}
    assert kept.rpms("current")["delta"] == "1.1"


def test_what_was_running_at_a_kill_and_what_was_to_be_retried_is_built(kept: Kept) -> None:
    report = kept.round(OTHER_TARGET)

    assert built(report) == {"python-epsilon": LAST_BUILD, "python-zeta": LAST_BUILD + 1}
    assert report["planned"] == []
    assert kept.rpms("consistent", OTHER_TARGET) == {"epsilon": "1.1", "zeta": "1.1"}
    assert all(row["is_clean"] for row in kept.rdo("trunk", "verify"))
