"""`/api/v1`: commits, one package, and the changes that users with a role may make."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rdo.access.roles import Role
from tests.publishing import TARGET, Factory
from tests.rounds.test_webhooks import Listener, listener
from tests.serving import Served, served

__all__ = ["listener"]  # a fixture
ROOT = f"/api/v1/targets/{TARGET}"


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as opened:
        yield opened


def login(server: Served, role: Role, target: str = TARGET) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token(role, target, f'{role}-{target}')}"}


def test_commits_lead_to_the_repositories_that_contain_them(
    made: Factory, client: httpx.Client
) -> None:
    first = client.get(f"{ROOT}/commits", params={"limit": 2}).json()
    second = client.get(f"{ROOT}/commits", params={"limit": 2, "before": first["next"]}).json()
    packages = [one["package"] for one in (*first["items"], *second["items"])]
    assert packages == ["python-b", "python-b", "python-a"]
    assert second["next"] is None
    own = client.get(f"{ROOT}/commits", params={"package": "python-a"}).json()["items"]
    [commit] = own

    found = client.get(f"{ROOT}/commits/{commit['upstream_hash']}/repositories").json()

    assert ["current" in one["names"] for one in found["items"]] == [True, False]
    assert {one["build"] for one in found["items"]} == {1}
    newer = next(one for one in first["items"] if one["upstream_hash"].startswith("bb11"))
    only = client.get(f"{ROOT}/commits/{newer['upstream_hash']}/repositories").json()["items"]
    assert len(only) == 1
    assert client.get(f"{ROOT}/commits/{'0' * 40}/repositories").status_code == 404
    assert client.get(f"{ROOT}/commits/nothex/repositories").status_code == 422


def test_a_package_is_described_and_explained(made: Factory, client: httpx.Client) -> None:
    answer = client.get(f"{ROOT}/packages/python-a/metadata")
    described = answer.json()
    assert described["upstreams"] == ["https://git.example.test/python-a"]
    assert described["maintainers"] == ["me@…"]
    known = {"If-None-Match": answer.headers["ETag"]}
    assert client.get(f"{ROOT}/packages/python-a/metadata", headers=known).status_code == 304
    why = client.get(f"{ROOT}/packages/python-b/why").json()
    assert (why["standing"]["package"], why["standing"]["build"]) == ("python-b", 3)
    assert client.get(f"{ROOT}/packages/gone/why").status_code == 404
    assert client.get(f"{ROOT}/packages/gone/metadata").status_code == 404


def test_each_act_needs_its_role_on_the_target(
    made: Factory, server: Served, client: httpx.Client
) -> None:
    vote = {"repository": "current", "job": "tempest", "verdict": "success"}
    move = {"name": "tested", "repository": "current", "because": "it passed"}
    hold = {"because": "it hangs"}
    acts: list[tuple[str, str, Any, Role, Role, int]] = [
        ("POST", "/votes", vote, Role.READER, Role.CI, 201),
        ("POST", "/promotions", move, Role.CI, Role.PROMOTER, 201),
        ("POST", "/packages/python-b/recheck", None, Role.PROMOTER, Role.ADMIN, 202),
        ("PUT", "/packages/python-a/hold", hold, Role.PROMOTER, Role.ADMIN, 200),
        ("DELETE", "/packages/python-a/hold", None, Role.PROMOTER, Role.ADMIN, 200),
    ]
    logins = {role: login(server, role) for role in Role}
    elsewhere = login(server, Role.ADMIN, "other-deb12")
    for method, path, content, too_low, enough, status in acts:
        for headers, wanted in (
            ({}, 401),
            (elsewhere, 403),
            (logins[too_low], 403),
            (logins[enough], status),
        ):
            answer = client.request(method, f"{ROOT}{path}", json=content, headers=headers)
            assert answer.status_code == wanted, (path, answer.text)

    target = client.get(ROOT).json()
    assert target["names"]["tested"] == target["names"]["current"]
    [cast] = client.get(f"{ROOT}/votes", params={"job": "tempest"}).json()["items"]
    assert (cast["verdict"], cast["user"]) == ("success", f"ci-{TARGET}")
    assert [one["commit"]["package"] for one in client.get(f"{ROOT}/queue").json()] == ["python-b"]
    with made.store.read() as at:
        acts_done = [one.act for one in at.users.audit(limit=5)]
    assert acts_done == ["release", "hold", "recheck", "promote", "vote"]
    move["name"] = "current"
    wrong = client.post(f"{ROOT}/promotions", json=move, headers=logins[Role.ADMIN])
    assert wrong.status_code == 403


def test_why_a_name_is_not_newer_is_explained_with_what_is_known(
    made: Factory, server: Served, client: httpx.Client
) -> None:
    made.tree.promote("tested", made.tree.leads("current"), by="me", why="it works")
    path = f"{ROOT}/promotions/tested/explain"
    same = client.get(path, params={"candidate": "current"}).json()
    made.publish("python-a", "aa22", "1.1")

    newer = client.get(path, params={"candidate": "current"}).json()
    behind = client.get(path)

    assert (same["newer"], same["command"]) == ([], "")
    assert (newer["newer"], newer["blockers"]) == (["python-a"], [])
    assert newer["command"].startswith("rdo promotion promote tested current")
    assert newer["leads"] == same["leads"]
    [blocker] = behind.json()["blockers"]
    assert (blocker["kind"], blocker["package"]) == ("build", "python-b")
    assert blocker["owners"] == ["me@…"]
    assert client.get(path, params={"candidate": "nothing"}).status_code == 404
    assert client.get(f"{ROOT}/promotions/UPPER/explain").status_code == 422
    for headers, status in (({}, 401), (login(server, Role.CI), 403)):
        assert client.post(path, json={}, headers=headers).status_code == status


@pytest.mark.parametrize("way", ["own", "dlrn"])
def test_a_promotion_is_told_to_webhooks_at_once(
    made: Factory, tmp_path: Path, listener: Listener, way: str
) -> None:
    with served(tmp_path, more=f'[webhooks.chat]\nurl = "{listener.url}"\n') as server:
        with server.client(server.token(Role.PROMOTER)) as client:
            if way == "own":
                move = {"name": "tested", "repository": "current", "because": "it passed"}
                answer = client.post(f"{server.url}{ROOT}/promotions", json=move)
            else:
                hashes = {"commit_hash": "aa11".ljust(40, "0"), "promote_name": "tested"}
                with made.store.read() as at:
                    distro = at.builds.get(1).commit.distgit_hash
                answer = client.post("/api/promote", json={**hashes, "distro_hash": distro})
            assert answer.status_code == 201, answer.text
        deadline = time.monotonic() + 60
        while not listener.posts and time.monotonic() < deadline:
            time.sleep(0.02)

    [(_, body)] = listener.posts
    told = json.loads(body)
    assert (told["kind"], told["name"], told["by"]) == ("promoted", "tested", "a-promoter")
