"""`/api/v1`: what it reads, its pages, its ETags, and its bounds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdo.access.roles import Role
from tests.patience import PATIENCE
from tests.publishing import TARGET, Factory
from tests.serving import Served, served

ROOT = f"/api/v1/targets/{TARGET}"


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as opened:
        yield opened


def read(client: httpx.Client, path: str, **query: Any) -> Any:
    answer = client.get(f"{ROOT}{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_target_is_read_from_its_names_to_its_builds(made: Factory, client: httpx.Client) -> None:
    assert [one["name"] for one in client.get("/api/v1/targets").json()] == [TARGET, "other-deb12"]
    target = read(client, "")
    assert target["names"]["current"].startswith("bb/11/")
    assert (target["failing"], target["queued"]) == (1, 0)
    packages = {one["name"]: one for one in read(client, "/packages")}
    assert (packages["python-a"]["good"], packages["python-b"]["reason"]) == (1, "compile")
    assert packages["python-b"]["broken_by"] == 3

    first = read(client, "/builds", limit=2)
    second = read(client, "/builds", limit=2, before=first["next"])
    assert [one["id"] for one in (*first["items"], *second["items"])] == [3, 2, 1]
    assert second["next"] is None
    assert first["items"][0]["detail"] == "no rule to make target"
    assert [one["id"] for one in read(client, "/builds", package="python-a")["items"]] == [1]
    assert read(client, "/builds/1")["rpms"]
    assert client.get(f"{ROOT}/builds/99").status_code == 404
    assert client.get("/api/v1/targets/other-deb12/builds/1").status_code == 404
    assert read(client, "/queue") == []


def test_repositories_are_listed_and_compared(made: Factory, client: httpx.Client) -> None:
    newest, older = read(client, "/repositories")
    assert newest["names"] == ["consistent", "current"] or "current" in newest["names"]
    [added] = read(client, "/diff", before=older["path"], after="current")
    assert (added["package"], added["kind"]) == ("python-b", "added")
    assert read(client, "/checks", repository="current") == []
    unknown = client.get(f"{ROOT}/diff", params={"before": "../../etc", "after": "current"})
    assert (unknown.status_code, list(unknown.json())) == (404, ["message"])


def test_a_log_is_read_in_parts(made: Factory, client: httpx.Client) -> None:
    log = made.folder / "builds/1/rpmbuild.log"
    text = log.read_text()

    first = client.get(f"{ROOT}/builds/1/log")
    rest = client.get(f"{ROOT}/builds/1/log", params={"offset": len(text)})

    assert first.text == text
    assert first.headers["X-Next-Offset"] == str(len(text))
    assert first.headers["X-Log-Complete"] == "true"
    assert first.headers["Content-Type"].startswith("text/plain")
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert rest.text == ""
    log.unlink()
    log.symlink_to("/etc/passwd")
    assert client.get(f"{ROOT}/builds/1/log").status_code == 404


def test_votes_and_promotions_are_listed(server: Served, client: httpx.Client) -> None:
    build = read(client, "/builds/1")["commit"]
    hashes = {"commit_hash": build["upstream_hash"], "distro_hash": build["distgit_hash"]}
    with server.client(server.token(Role.ADMIN)) as admin:
        body = {"job_id": "j", "url": "u", "timestamp": 5, "success": False}
        admin.post("/api/report_result", json={**hashes, **body})
        admin.post("/api/promote", json={**hashes, "promote_name": "tested"})

    [vote] = read(client, "/votes", job="j")["items"]
    [promotion] = read(client, "/promotions", name="tested")["items"]

    assert (vote["build"], vote["verdict"], vote["user"]) == (1, "failure", "a-admin")
    assert (promotion["build"], promotion["by"]) == (1, "a-admin")


def test_what_has_not_changed_is_not_sent_again(made: Factory, client: httpx.Client) -> None:
    first = client.get(f"{ROOT}/packages")
    tag = {"If-None-Match": f'"x", W/{first.headers["ETag"]}'}
    again = client.get(f"{ROOT}/packages", headers=tag)
    made.publish("python-b", "bb33", "2.0")
    changed = client.get(f"{ROOT}/packages", headers=tag)

    assert (again.status_code, again.content) == (304, b"")
    assert changed.status_code == 200


def test_input_that_is_wrong_is_reported_in_one_sentence(client: httpx.Client) -> None:
    for path, status in {
        "/api/v1/targets/none": 404,
        "/api/v1/targets/..%2f..": 404,
        f"{ROOT}/builds?limit=101": 422,
        f"{ROOT}/builds?limit=x": 422,
        f"{ROOT}/builds?before=0": 422,
        f"{ROOT}/builds/99999999999999999999": 422,
        f"{ROOT}/builds?package=%00": 200,
        f"{ROOT}/diff": 422,
        f"{ROOT}/diff?before=@yesterday&after=current": 400,
        f"{ROOT}/votes?offset=-1": 422,
    }.items():
        answer = client.get(path)
        assert answer.status_code == status, (path, answer.text)
        assert status == 200 or list(answer.json()) == ["message"]


def test_openapi_names_every_endpoint_and_its_errors(client: httpx.Client) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]

    assert len(paths) >= 14
    for path, methods in paths.items():
        wanted = {"503"} if path == "/api/v1/health" else {"401", "404", "422"}
        for method in methods.values():
            answers = set(method["responses"])
            assert wanted <= answers, path
            assert answers & {"200", "201", "202"}, path
            assert method["description"], path


def test_a_protected_server_shows_a_reader_its_own_targets(made: Factory, tmp_path: Path) -> None:
    with served(tmp_path, more="[serve]\nprotect-read = true\n") as server:
        headers = {"Authorization": f"Bearer {server.token(Role.READER, TARGET)}"}
        with httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as client:
            assert client.get("/api/v1/targets").status_code == 401
            assert client.get(f"{ROOT}/builds/1/log").status_code == 401
            mine = client.get("/api/v1/targets", headers=headers).json()
            assert [one["name"] for one in mine] == [TARGET]
            other = client.get("/api/v1/targets/other-deb12/builds", headers=headers)
            assert other.status_code == 403


GETS = ("repo_status", "agg_status", "last_tested_repo", "promotions", "metrics/builds", "graphql")
POSTS = (
    "last_tested_repo",
    "report_result",
    "promote",
    "promote-batch",
    "recheck_package",
    "graphql",
)
NAMES = st.sampled_from(
    [
        *("commit_hash", "distro_hash", "extended_hash", "aggregate_hash", "promote_name"),
        *("max_age", "success", "timestamp", "job_id", "url", "limit", "offset", "component"),
        *("start_date", "end_date", "package_name", "sequential_mode", "reporting_job_id", "query"),
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


def test_no_input_of_dlrns_api_is_a_bug(server: Served, caplog: pytest.LogCaptureFixture) -> None:
    with server.client(server.token(Role.ADMIN)) as client:

        @settings(max_examples=120)
        @given(
            st.sampled_from(GETS),
            st.sampled_from(POSTS),
            st.dictionaries(NAMES, VALUES, max_size=7),
            st.binary(max_size=20),
        )
        def ask(get: str, post: str, values: dict[str, Any], raw: bytes) -> None:
            query = {name: str(value).encode(errors="replace") for name, value in values.items()}
            for answer in (
                client.get(f"/api/{get}", params=query),
                client.request("GET", f"/api/{get}", json=values),
                client.post(f"/api/{post}", json=values),
                client.post(f"/api/{post}", json=[values]),
                client.post(
                    f"/api/{post}", content=raw, headers={"Content-Type": "application/json"}
                ),
            ):
                assert answer.status_code < 500, (answer.request.url, values, answer.text)
                assert answer.headers["Content-Type"] == "application/json"

        ask()

    assert "a bug in rdo" not in caplog.text
