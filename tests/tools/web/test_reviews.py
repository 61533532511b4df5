"""Open reviews by hooks, the API and the pages: limits, votes, rights and escaping."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rdo.access.roles import Role
from rdo.model.review import BuildRole, Change, ChangeId, ReviewBuild, ReviewState, ReviewVerdict
from tests.patience import PATIENCE
from tests.publishing import TARGET, Factory
from tests.serving import Served, served
from tests.tools.web.test_pages import EVIL, hostile

SECRET = b"secret of the hook"
CONFIG = f"""
[hooks.forge]
kind = "github"
secret-file = "hook.secret"
[reviews.forge]
kind = "github"
url = "https://git.example.test"
targets = ["{TARGET}"]
per-author-hourly = 2
repositories = ["https://git.example.test"]
"""
API = f"/api/v1/targets/{TARGET}/reviews"


@pytest.fixture
def reviewed(made: Factory, tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "hook.secret").write_bytes(SECRET)
    with served(tmp_path, more=CONFIG) as running:
        yield running


@pytest.fixture
def client(reviewed: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=reviewed.url, trust_env=False, timeout=PATIENCE) as opened:
        yield opened


def pull(client: httpx.Client, number: int, author: str = "ann", project: str = "python-a") -> Any:
    """Tell the hook of a pull request as GitHub does."""
    body = json.dumps(
        {
            "action": "opened",
            "number": number,
            "sender": {"login": author},
            "pull_request": {"number": number},
            "repository": {"full_name": project},
        }
    ).encode()
    signature = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": "pull_request", "X-Hub-Signature-256": signature}
    return client.post("/hooks/forge", content=body, headers=headers)


def test_a_review_is_queued_where_its_project_is_built(client: httpx.Client) -> None:
    [queued] = pull(client, 7).json()["reviews"]

    assert (queued["target"], queued["state"]) == (TARGET, "queued")
    assert pull(client, 7, project="elsewhere").status_code == 404
    [listed] = client.get(API).json()["items"]
    assert (listed["project"], listed["number"], listed["because"]) == (
        "python-a",
        7,
        "pull request opened",
    )
    again = pull(client, 7, author="bob").json()["reviews"][0]["id"]
    states = {one["id"]: one["state"] for one in client.get(API).json()["items"]}
    assert states == {queued["id"]: "superseded", again: "queued"}


def test_an_author_has_a_limit(client: httpx.Client) -> None:
    states = [pull(client, number).json()["reviews"][0]["state"] for number in (1, 2, 3)]

    assert states == ["queued", "queued", "refused"]
    assert pull(client, 4, author="bob").json()["reviews"][0]["state"] == "queued"


def test_jobs_vote_and_only_who_may_does_more_than_look(
    reviewed: Served, client: httpx.Client
) -> None:
    number = pull(client, 7).json()["reviews"][0]["id"]
    cast = {"job": "tempest", "verdict": "success", "url": "https://logs.example.test/7"}
    ci = {"Authorization": f"Bearer {reviewed.token(Role.CI, TARGET)}"}
    other = {"Authorization": f"Bearer {reviewed.token(Role.CI, 'other-deb12', 'stranger')}"}
    place = f"{API}/{number}"

    assert client.post(f"{place}/votes", json=cast).status_code == 401
    assert client.post(f"{place}/votes", json=cast, headers=other).status_code == 403
    assert client.delete(place, headers=other).status_code == 403
    wrong = client.post(f"{place}/votes", json=cast | {"verdict": "maybe"}, headers=ci)
    assert wrong.status_code == 422
    done = client.post(f"{place}/votes", json=cast, headers=ci)
    assert (done.status_code, done.json()["votes"][0]["job"]) == (201, "tempest")
    assert client.get(f"/api/v1/targets/other-deb12/reviews/{number}").status_code == 404
    assert client.get(f"/other-deb12/reviews/{number}.html").status_code == 404
    stray = client.post(API, json={"url": "http://127.0.0.1:1/x/y/pull/1"}, headers=ci)
    assert (stray.status_code, "not a change on a server" in stray.json()["message"]) == (404, True)
    assert client.delete(place, headers=ci).json()["state"] == "cancelled"
    assert client.delete(place, headers=ci).status_code == 409
    assert client.post(f"{place}/votes", json=cast, headers=ci).status_code == 409


def test_the_pages_show_what_strangers_wrote_as_text(
    reviewed: Served, client: httpx.Client, tmp_path: Path
) -> None:
    number = pull(client, 7).json()["reviews"][0]["id"]
    store, now = reviewed.app.store, reviewed.app.now()
    change = Change(
        id=ChangeId("forge", "python-a", 7),
        revision="a" * 40,
        ref="refs/pull/7/head",
        branch=EVIL,
        subject=EVIL,
        message="",
        author="ann",
        url=f"javascript:{EVIL}",
        is_open=True,
    )
    with store.write() as at:
        at.reviews.begin(number, now=now)
        at.reviews.describe(number, change)
        failed = ReviewBuild("python-a", BuildRole.CHANGE, "failed", "test", EVIL, 7)
        at.reviews.built(number, failed)
        at.reviews.settle(number, ReviewState.DONE, ReviewVerdict.FAILURE, EVIL, now=now)
    logs = tmp_path / "data" / TARGET / "reviews" / str(number) / "python-a"
    logs.mkdir(parents=True)
    (logs / "rpmbuild.log").write_text(f"it failed {EVIL}\n")
    (tmp_path / "secret").write_text("not for readers")

    for page in (f"/{TARGET}/reviews.html", f"/{TARGET}/reviews/{number}.html"):
        text = client.get(page).text
        assert "failure" in text
        assert hostile(text) == [], page
    place = f"/{TARGET}/reviews/{number}"
    log = client.get(f"{place}/python-a/log.txt")
    assert (log.status_code, log.headers["content-type"][:10]) == (200, "text/plain")
    assert log.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert client.get(f"{API}/{number}/builds/python-a/log").text == f"it failed {EVIL}\n"
    for name in ("python-b", "..", "%2e%2e%2f%2e%2e"):
        assert client.get(f"{place}/{name}/log.txt").status_code == 404
    (logs / "rpmbuild.log").unlink()
    (logs / "rpmbuild.log").symlink_to(tmp_path / "secret")
    assert client.get(f"{place}/python-a/log.txt").status_code == 404
