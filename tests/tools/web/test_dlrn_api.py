"""DLRN's API, as its documentation and its clients know it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from rdo.access.roles import Role
from rdo.model.vote import JobVerdict
from rdo.store.given.held_back import HeldBack
from rdo.store.given.votes import Ballot
from tests.patience import PATIENCE
from tests.publishing import START, TARGET, Factory, RpmShelf, commit, factory, package
from tests.serving import Served, served

A, B = commit("python-a", "aa11"), commit("python-b", "bb11")
HASHES = {"commit_hash": A.upstream_hash, "distro_hash": A.distgit_hash}
OF_B = {"commit_hash": B.upstream_hash, "distro_hash": B.distgit_hash}
REPORT = {**HASHES, "job_id": "job", "url": "http://logs", "timestamp": 1_700_000_000}
NOT_FOUND = "commit_hash+distro_hash+extended_hash combination not found"


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    """A user who may do everything."""
    with server.client(server.token(Role.ADMIN, name="foo")) as opened:
        yield opened


def both(client: httpx.Client, path: str, values: dict[str, Any]) -> Any:
    """Ask in each form, which must give the same answer, and return it."""
    answers = [
        client.get(path, params=values),
        client.request("GET", path, json=values),
        client.request("GET", path, params=values, json=values),
    ]
    assert {(one.status_code, one.text) for one in answers} == {
        (answers[0].status_code, answers[0].text)
    }
    return answers[0].json()


def vote(made: Factory, build: int, job: str, minutes: int, *, success: bool = True) -> None:
    """Record a vote some minutes after the beginning."""
    when = START + timedelta(minutes=minutes)
    verdict = JobVerdict.SUCCESS if success else JobVerdict.FAILURE
    with made.store.write() as at:
        at.votes.add(TARGET, Ballot(build), job, verdict, timestamp=when, now=when)


def test_a_vote_is_reported_and_read(client: httpx.Client) -> None:
    sent = client.post("/api/report_result", json={**REPORT, "success": "True", "notes": "good"})

    wanted = {
        "timestamp": 1_700_000_000,
        "job_id": "job",
        "success": True,
        "in_progress": False,
        "url": "http://logs",
        "notes": "good",
        "user": "foo",
        "component": None,
        **HASHES,
        "extended_hash": None,
    }
    assert sent.status_code == 201
    assert sent.json() == {**wanted, "aggregate_hash": None}
    votes = both(client, "/api/repo_status", HASHES)
    assert [one["job_id"] for one in votes] == ["consistent", "job"] or votes[-1] == wanted
    assert votes[-1] == wanted
    assert both(client, "/api/repo_status", {**HASHES, "success": "false"}) == []


def test_a_boolean_may_be_a_json_boolean_or_a_text(client: httpx.Client) -> None:
    for wanted, forms in {
        True: [True, "True", 1, "yes"],
        False: [False, "false", 0, "off"],
    }.items():
        for form in forms:
            answer = client.post("/api/report_result", json={**REPORT, "success": form})
            assert answer.status_code == 201
            assert answer.json()["success"] is wanted, form


WRONG_REPORTS: list[tuple[dict[str, Any], str]] = [
    ({"success": None}, "Missing parameters"),
    ({"success": "perhaps"}, "success is not a boolean"),
    ({"success": []}, "success is not a boolean"),
    ({"timestamp": "x"}, "timestamp is not a number"),
    ({"timestamp": 10**30}, "timestamp is not a time"),
    ({"timestamp": 10**14}, "timestamp is not a time"),
    ({"timestamp": True}, "timestamp is not a number"),
    ({"job_id": 7}, "job_id is not a string"),
    ({"job_id": "consistent"}, "consistent is not the name of a job that can vote"),
    ({"commit_hash": None, "distro_hash": None}, "Missing parameters"),
    (
        {"distro_hash": None},
        "If commit_hash is provided, distro_hash must be provided too",
    ),
    (
        {"commit_hash": None},
        "If distro_hash is provided, commit_hash must be provided too",
    ),
    ({"aggregate_hash": "x"}, "aggregate_hash and commit/distro_hash cannot be combined"),
    ({"commit_hash": "x"}, NOT_FOUND),
    ({"extended_hash": "x"}, NOT_FOUND),
    (
        {"commit_hash": None, "distro_hash": None, "aggregate_hash": "x"},
        "aggregate_hash not found",
    ),
]


def test_a_report_that_is_wrong_is_reported_by_400(client: httpx.Client) -> None:
    for change, message in WRONG_REPORTS:
        answer = client.post("/api/report_result", json={**REPORT, "success": True, **change})
        assert (answer.status_code, answer.json()) == (400, {"message": message}), change


def test_a_post_of_another_type_is_refused(client: httpx.Client) -> None:
    answer = client.post("/api/report_result", data={"job_id": "x"})
    with_charset = client.post(
        "/api/promote", content=b"{}", headers={"Content-Type": "application/json; charset=utf-8"}
    )

    assert answer.status_code == 415
    assert answer.json() == {"message": "Unsupported Media Type, use JSON"}
    assert with_charset.json() == {"message": "Missing parameters"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 201),
    ],
)
def test_a_page_of_another_site_changes_nothing(
    client: httpx.Client, headers: dict[str, str], status: int
) -> None:
    report = {**REPORT, "success": True}

    answer = client.post("/api/report_result", json=report, headers=headers)

    assert answer.status_code == status
    assert len(client.get("/api/repo_status", params=HASHES).json()) == (status == 201)


def test_a_body_of_a_get_that_is_empty_or_none_is_told(client: httpx.Client) -> None:
    for body in (b"", b"[1]", b"nonsense", b"\xff", b"[" * 100_000):
        answer = client.request(
            "GET", "/api/promotions", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400, body[:10]
        assert list(answer.json()) == ["message"]


def test_what_has_no_parameters_looks_at_no_body(client: httpx.Client) -> None:
    for path in ("health", "components"):
        answer = client.get(f"/api/{path}", headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, path


METHODS = {
    "health": "GET HEAD OPTIONS POST",
    "last_tested_repo": "GET HEAD OPTIONS POST",
    "repo_status": "GET HEAD OPTIONS",
    "promote": "OPTIONS POST",
    "graphql": "GET HEAD OPTIONS POST",
}


def test_each_address_tells_its_methods(client: httpx.Client) -> None:
    """Asked by OPTIONS, and in the answer to a method that it has not."""
    for path, methods in METHODS.items():
        for asked, status in (("OPTIONS", 200), ("PUT", 405)):
            answer = client.request(asked, f"/api/{path}")
            assert answer.status_code == status, path
            assert sorted(answer.headers["Allow"].split(", ")) == methods.split(), path
    head = client.head("/api/health")
    assert (head.status_code, head.content) == (200, b"")


def test_of_a_parameter_that_is_sent_twice_the_first_one_counts(client: httpx.Client) -> None:
    first, second = ({**HASHES, "commit_hash": one} for one in (HASHES["commit_hash"], "x"))

    answer = client.get("/api/repo_status", params=[*first.items(), *second.items()])

    assert answer.status_code == 200


def test_a_slash_too_many_is_none(server: Served, client: httpx.Client) -> None:
    """As of a client whose --url ends with a slash."""
    assert client.get(f"{server.url}//{TARGET}//api/health").json() == {"result": "ok"}
    assert client.post("/api//promote", json={}).json() == {"message": "Missing parameters"}


def test_a_number_may_have_a_sign_and_any_size(client: httpx.Client) -> None:
    client.post("/api/promote", json={**HASHES, "promote_name": "tested"})
    for number in ("+0", " 0 ", "0.0", 10**40, str(10**40)):
        assert both(client, "/api/promotions", {"offset": number, "limit": number}) == []
    assert len(both(client, "/api/promotions", {"limit": 10**40})) == 1
    part = client.post("/api/report_result", json={**REPORT, "success": True, "timestamp": 7.9})
    assert (part.status_code, part.json()["timestamp"]) == (201, 7)


def test_what_is_empty_in_a_report_comes_back_as_it_was(client: httpx.Client) -> None:
    empty = {"aggregate_hash": "", "url": None}

    answer = client.post("/api/report_result", json={**REPORT, **empty, "success": "1"})

    assert answer.status_code == 201
    assert (answer.json()["aggregate_hash"], answer.json()["url"]) == ("", "")
    [vote] = both(client, "/api/repo_status", HASHES)
    assert vote["url"] == ""


def test_an_empty_component_is_none_that_there_is(made: Factory, client: httpx.Client) -> None:
    vote(made, 1, "one", 1)
    client.post("/api/promote", json={**HASHES, "promote_name": "tested"})

    assert both(client, "/api/promotions", {"component": ""}) == []
    tested = both(client, "/api/last_tested_repo", {"component": "", "max_age": 0})
    assert tested == {"message": "No vote found"}


def test_the_last_tested_repository_is_chosen_as_documented(
    made: Factory, client: httpx.Client
) -> None:
    def job(**asked: Any) -> Any:
        answer = both(client, "/api/last_tested_repo", {"max_age": 0, **asked})
        return answer.get("job_id", answer.get("message"))

    assert job() == "consistent", "nobody else has voted"
    vote(made, 1, "one", 1)
    vote(made, 2, "two", 2, success=False)
    vote(made, 1, "consistent", 60)

    assert job() == "two"
    assert job(job_id="one") == "one"
    assert job(job_id="unknown") == "two", "the consistent vote is newer and no job's"
    assert job(success="true") == "one"
    assert job(job_id="two", success=True) == "one"
    assert job(sequential_mode="true", previous_job_id="one") == "one"
    assert job(sequential_mode="true", previous_job_id="three") == "No vote found"
    assert job(sequential_mode="True") == "Missing parameter previous_job_id"
    assert job(component="none") == "No vote found"
    assert job(max_age=-1) == "Max age parameter must be greater than or equal to 0"
    assert job(max_age="x") == "max_age is not a number"
    assert job(max_age=10**15) == "two"
    assert client.get("/api/last_tested_repo").json() == {"message": "Missing parameters"}


def test_a_test_that_begins_is_a_vote_in_progress(made: Factory, client: httpx.Client) -> None:
    vote(made, 1, "one", 1)

    body = {"max_age": "0", "reporting_job_id": "mine", "sequential_mode": "False"}
    answer = client.post("/api/last_tested_repo", json=body)
    lacking = client.post("/api/last_tested_repo", json={"max_age": 0})

    assert answer.status_code == 201
    told = answer.json()
    assert {key: told[key] for key in ("job_id", "success", "in_progress", "user")} == {
        "job_id": "mine",
        "success": False,
        "in_progress": True,
        "user": "foo",
    }
    assert (lacking.status_code, lacking.json()) == (400, {"message": "Missing parameters"})
    votes = both(client, "/api/repo_status", HASHES)
    assert [one["in_progress"] for one in votes if one["job_id"] == "mine"] == [True]


def test_a_promotion_moves_the_name_and_is_listed(made: Factory, client: httpx.Client) -> None:
    promoted = client.post("/api/promote", json={**HASHES, "promote_name": "tested"})
    client.post("/api/promote", json={**OF_B, "promote_name": "tested"})

    told = promoted.json()
    path = made.tree.repos / "aa/11" / f"{A.upstream_hash}_{A.distgit_hash[:8]}"
    assert promoted.status_code == 201
    assert told["repo_hash"] == path.name
    assert told["repo_url"].endswith(f"/master-deb12/repos/aa/11/{path.name}")
    assert isinstance(told["timestamp"], float)
    assert made.leads("tested").startswith("bb/11/")
    assert made.leads("previous-tested").startswith("aa/11/")
    rows = both(client, "/api/promotions", {"promote_name": "tested"})
    assert [one["commit_hash"] for one in rows] == [B.upstream_hash, A.upstream_hash]
    assert {**rows[1], "timestamp": 0} == {**told, "timestamp": 0}
    assert len(both(client, "/api/promotions", {"limit": 1})) == 1
    assert both(client, "/api/promotions", {"promote_name": "tested", "offset": 2}) == []
    of_a = both(client, "/api/promotions", {**HASHES, "promote_name": "tested"})
    assert [one["commit_hash"] for one in of_a] == [A.upstream_hash]


WRONG_PROMOTIONS: list[tuple[dict[str, Any], int, str]] = [
    ({"promote_name": "consistent"}, 403, "Invalid promote_name consistent"),
    ({"promote_name": "current"}, 403, "Invalid promote_name current"),
    ({"promote_name": "../up"}, 403, "Invalid promote_name ../up"),
    ({"promote_name": "a/b"}, 403, "Invalid promote_name a/b"),
    ({"promote_name": "92"}, 403, "Invalid promote_name 92"),
    ({"promote_name": "report.html"}, 403, "Invalid promote_name report.html"),
    ({"promote_name": "\N{SNOWMAN}"}, 403, "Invalid promote_name \N{SNOWMAN}"),
    ({"promote_name": ""}, 403, "Invalid promote_name "),
    ({"promote_name": 7}, 400, "promote_name is not a string"),
    ({"promote_name": None}, 400, "Missing parameters"),
    ({"commit_hash": "0"}, 400, NOT_FOUND),
]


def test_a_promotion_that_is_wrong_changes_nothing(made: Factory, client: httpx.Client) -> None:
    before = sorted(path.name for path in made.tree.repos.iterdir())

    for change, status, message in WRONG_PROMOTIONS:
        answer = client.post("/api/promote", json={**HASHES, "promote_name": "tested", **change})
        assert (answer.status_code, answer.json()) == (status, {"message": message})

    assert sorted(path.name for path in made.tree.repos.iterdir()) == before


def test_a_promotion_ends_what_its_name_holds_back(made: Factory, client: httpx.Client) -> None:
    held = HeldBack("tested", "python-a", 1, None, START, START + timedelta(days=900), "me", "old")
    with made.store.write() as at:
        at.held_back.replace(TARGET, "tested", [held], now=START)

    promoted = client.post("/api/promote", json={**HASHES, "promote_name": "tested"})

    assert promoted.status_code == 201
    with made.store.read() as at:
        assert at.held_back.of_name(TARGET, "tested") == {}
        assert [one.ending for one in at.held_back.history(TARGET, "tested")] == ["promoted"]


def test_what_is_not_signed_is_not_promoted_in_a_signed_target(
    made: Factory, tmp_path: Path
) -> None:
    with (
        served(tmp_path, more=f"[targets.{TARGET}.signing]") as server,
        server.client(server.token(Role.ADMIN)) as client,
    ):
        refused = client.post("/api/promote", json={**HASHES, "promote_name": "tested"})

    assert refused.status_code == 403
    assert "not signed" in refused.json()["message"]
    assert not made.leads("tested")


def test_a_batch_is_promoted_whole_or_not_at_all(made: Factory, client: httpx.Client) -> None:
    first, second = ({**one, "promote_name": "tested"} for one in (HASHES, OF_B))
    unknown = {**second, "commit_hash": "0"}
    refused = client.post("/api/promote-batch", json=[first, unknown])
    own = client.post("/api/promote-batch", json=[first, {**second, "promote_name": "current"}])
    assert refused.status_code == 400
    assert refused.json()["message"].startswith(f"{NOT_FOUND} for 0_")
    assert own.status_code == 403
    assert not made.leads("tested")

    done = client.post("/api/promote-batch", json=[first, {**second, "promote_name": "green"}])

    assert done.status_code == 201
    assert (done.json()["promote_name"], done.json()["commit_hash"]) == ("green", B.upstream_hash)
    assert made.leads("tested").startswith("aa/11/")
    assert made.leads("green").startswith("bb/11/")
    bodies: tuple[Any, ...] = ({}, [], [1], [[]], "x", 7)
    for body in bodies:
        assert client.post("/api/promote-batch", json=body).status_code == 400, body


def test_a_batch_is_refused_for_its_first_fault(client: httpx.Client) -> None:
    batch = [{**HASHES, "promote_name": "../up"}, {**OF_B, "commit_hash": "x"}]
    batch = [{"promote_name": "tested", **one} for one in batch]

    answer = client.post("/api/promote-batch", json=batch)

    assert (answer.status_code, answer.json()) == (403, {"message": "Invalid promote_name ../up"})


def test_a_purged_repository_cannot_be_promoted(made: Factory, client: httpx.Client) -> None:
    with made.store.read() as at:
        place = at.repositories.of_build(TARGET, 1)
    assert place
    made.tree.take_out(place)

    answer = client.post("/api/promote", json={**HASHES, "promote_name": "tested"})

    assert answer.status_code == 410
    assert "has been purged" in answer.json()["message"]


def test_a_package_is_rechecked_if_it_has_failed(made: Factory, client: httpx.Client) -> None:
    def recheck(name: str) -> tuple[int, str]:
        answer = client.post("/api/recheck_package", json={"package_name": name})
        return answer.status_code, str(answer.json())

    assert recheck("python-b") == (201, "{'result': 'ok'}")
    assert recheck("python-a")[0] == 409
    assert recheck("nothing")[0] == 400
    with made.store.read() as at:
        assert [one.package for one in at.builds.queue(TARGET)] == ["python-b"]


def test_only_the_role_of_an_act_may_do_it(server: Served) -> None:
    with server.client(server.token(Role.CI)) as ci:
        refused = ci.post("/api/promote", json={**HASHES, "promote_name": "tested"})
        voted = ci.post("/api/report_result", json={**REPORT, "success": True})
    with server.client(server.token(Role.READER)) as reader:
        read = reader.post("/api/report_result", json={**REPORT, "success": True})

    assert (refused.status_code, voted.status_code, read.status_code) == (403, 201, 403)
    [entry] = [one for one in server.accounts.audit(99) if one.act == "vote"]
    assert (entry.actor, entry.target, entry.address) == ("a-ci (token 1)", TARGET, "127.0.0.1")


def test_metrics_of_builds_leave_out_the_last_day(client: httpx.Client) -> None:
    day = {"start_date": "2026-08-01", "end_date": "2026-08-02"}
    assert both(client, "/api/metrics/builds", day) == {"succeeded": 2, "failed": 1, "total": 3}
    of_b = both(client, "/api/metrics/builds", {**day, "package_name": "python-b"})
    assert of_b == {"succeeded": 1, "failed": 1, "total": 2}
    before = {"start_date": "2026-07-01", "end_date": "2026-08-01"}
    assert both(client, "/api/metrics/builds", before)["total"] == 0
    wrong = both(client, "/api/metrics/builds", {"start_date": "1.1.", "end_date": "x"})
    assert wrong == {"message": "Invalid date format, it must be YYYY-mm-dd"}


def test_a_protected_server_answers_readers_only(made: Factory, tmp_path: Path) -> None:
    paths = (
        *("health", "repo_status", "agg_status", "last_tested_repo", "promotions", "components"),
        "metrics/builds",
        "graphql?query={commits{id}}",
    )
    with (
        served(tmp_path, more="[serve]\nprotect-read = true\n") as server,
        server.client() as anybody,
        server.client(server.token(Role.READER)) as reader,
    ):
        assert {anybody.get(f"/api/{path}").status_code for path in paths} == {401}
        assert anybody.post("/api/graphql", json={"query": "{commits{id}}"}).status_code == 401
        assert anybody.get("/metrics").status_code == 401
        assert (
            httpx.get(f"{server.url}/metrics", trust_env=False, timeout=PATIENCE).status_code == 401
        )
        assert reader.get("/api/health").status_code == 200
        assert reader.get("/api/graphql?query={commits{id}}").status_code == 200
        assert reader.get("/metrics").status_code == 200


@pytest.fixture
def parts(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """A target with the components network (python-a) and compute (python-b)."""
    members = (package("python-a", component="network"), package("python-b", component="compute"))
    with factory(tmp_path, shelf, *members, components=True) as opened:
        opened.publish("python-a", "aa11", component="network")
        opened.publish("python-b", "bb11", component="compute")
        yield opened


def test_components_are_promoted_as_one_aggregate_that_jobs_vote_on(
    parts: Factory, tmp_path: Path
) -> None:
    pairs = [{**one, "promote_name": "tested"} for one in (HASHES, OF_B)]
    with (
        served(tmp_path, components=True) as server,
        server.client(server.token(Role.ADMIN)) as client,
    ):
        done = client.post("/api/promote-batch", json=pairs).json()
        aggregate = (parts.tree.repos / "tested/delorean.repo.md5").read_text()
        body = {"job_id": "j", "url": "", "timestamp": "5", "success": True}
        voted = client.post("/api/report_result", json={**body, "aggregate_hash": aggregate})
        votes = both(client, "/api/agg_status", {"aggregate_hash": aggregate})
        unknown = both(client, "/api/agg_status", {"aggregate_hash": "x"})
        listed = both(client, "/api/promotions", {"promote_name": "tested"})
        of_network = both(client, "/api/promotions", {"component": "network"})
        components = both(client, "/api/components", {})

    assert (done["aggregate_hash"], done["component"]) == (aggregate, "compute")
    assert voted.status_code == 201
    assert [one["job_id"] for one in votes] == ["j"]
    assert unknown == []
    assert [(one["component"], one["aggregate_hash"]) for one in listed] == [
        ("compute", aggregate),
        ("network", None),
    ]
    assert [one["component"] for one in of_network] == ["network"]
    assert components == {"components": ["compute", "network"]}
