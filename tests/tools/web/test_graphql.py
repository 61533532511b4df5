"""DLRN's GraphQL: its schema, its filters, and bounds."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from rdo.model.build import Failed, FailureReason
from rdo.model.vote import JobVerdict
from rdo.store.given.votes import Ballot
from rdo.web.dlrn import graphql
from tests.publishing import START, TARGET, Factory, commit
from tests.serving import Served

SCHEMA = Path(__file__).parents[2] / "data/dlrn/graphql-0.26.1.json"


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    with server.client() as opened:
        yield opened


def shape(schema: dict[str, Any]) -> dict[str, Any]:
    """What a client can see of a schema's own types: fields with arguments and types."""
    found = {}
    for one in schema["types"]:
        if one["name"].startswith("__"):
            continue
        found[one["name"]] = (
            one["kind"],
            sorted(interface["name"] for interface in one["interfaces"] or ()),
            {
                field["name"]: (
                    field["type"],
                    {argument["name"]: argument["type"] for argument in field["args"]},
                )
                for field in one["fields"] or ()
            },
        )
    return found


def test_the_schema_is_that_of_dlrn() -> None:
    wanted = shape(json.loads(SCHEMA.read_text()))

    assert shape(graphql.schema.introspect()["__schema"]) == wanted


def ask(client: httpx.Client, query: str, **variables: Any) -> Any:
    answer = client.post("/api/graphql", json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_commits_are_filtered_and_have_their_votes(made: Factory, client: httpx.Client) -> None:
    with made.store.write() as at:
        for number in range(3):
            when = START + timedelta(minutes=number)
            at.votes.add(
                TARGET, Ballot(1), f"j{number}", JobVerdict.SUCCESS, timestamp=when, now=when
            )

    everything = ask(client, "{commits{projectName status notes}}")["commits"]
    fields = "projectName dtBuild artifacts flags extendedHash civotes(first: 2)"
    votes = "{pageInfo{hasNextPage endCursor} edges{cursor node{ciName commit{projectName}}}}"
    query = f'{{commits(projectName: "python-a", status: "SUCCESS"){{{fields}{votes}}}}}'
    [of_a] = ask(client, query)["commits"]

    assert [(one["projectName"], one["status"]) for one in everything] == [
        ("python-b", "FAILED"),
        ("python-b", "SUCCESS"),
        ("python-a", "SUCCESS"),
    ]
    assert everything[0]["notes"] == "no rule to make target"
    assert of_a["flags"] == 0
    assert of_a["artifacts"].startswith("repos/aa/11/aa11")
    assert of_a["civotes"]["pageInfo"]["hasNextPage"]
    assert of_a["civotes"]["edges"][1]["node"]["commit"] == {"projectName": "python-a"}
    assert ask(client, '{commits(status: "NONE"){id}}') == {"commits": []}
    assert len(ask(client, "{commits(limit: 1, offset: 1){id}}")["commits"]) == 1
    assert ask(client, '{commits(commitHash: "bb22%"){id}}') == {"commits": []}


def test_votes_and_nodes_are_found_by_their_ids(made: Factory, client: httpx.Client) -> None:
    with made.store.write() as at:
        for ballot in (Ballot(1), Ballot(ref_hash="agg")):
            at.votes.add(TARGET, ballot, "j", JobVerdict.FAILURE, timestamp=START, now=START)

    query = "query q($job: String){civote(ciName: $job, ciVote: false){id commitId ciVote}}"
    [vote] = ask(client, query, job="j")["civote"]
    [aggregate] = ask(client, '{civoteAgg(refHash: "agg"){id refHash}}')["civoteAgg"]

    node = "query n($id: ID!){node(id: $id){id ... on CIVote{ciName} ... on CIVoteAgg{refHash}}}"
    assert vote["commitId"] == 1
    assert ask(client, node, id=vote["id"])["node"] == {"id": vote["id"], "ciName": "j"}
    assert ask(client, node, id=aggregate["id"])["node"]["refHash"] == "agg"
    for unknown in ("x", "Q29tbWl0Ojk5", "Q29tbWl0Oi0x", "\N{SNOWMAN}"):
        assert ask(client, node, id=unknown) == {"node": None}


def test_the_state_of_packages_is_that_of_the_release(client: httpx.Client) -> None:
    query = "{packageStatus%s{projectName status lastSuccess firstFailureCommit}}"

    rows = ask(client, query % "")["packageStatus"]
    [one] = ask(client, query % '(projectName: "python-b", status: "FAILED")')["packageStatus"]

    assert [(row["projectName"], row["status"]) for row in rows] == [
        ("python-a", "SUCCESS"),
        ("python-b", "FAILED"),
        ("python-c", "NO_BUILD"),
    ]
    assert one["firstFailureCommit"].startswith("bb22")
    assert one["lastSuccess"].startswith("2026-08-01T12:00")
    assert datetime.fromisoformat(one["lastSuccess"]).tzinfo is None, "as DLRN writes it"


def test_a_package_whose_last_failure_is_tried_again_is_one_to_retry(
    made: Factory, client: httpx.Client
) -> None:
    """Whether it was good before, or has never had an outcome that counts."""
    for name in ("python-a", "python-c"):
        with made.store.write() as at:
            build = at.builds.plan(TARGET, commit(name, "aa22"), now=made.now())
            failure = Failed(FailureReason.NETWORK, "no route")
            at.builds.settle(build.id, failure, now=made.now(), final=False)
            at.builds.retry(build.id, now=made.now())
    query = '{packageStatus(%sstatus:"RETRY"){projectName lastSuccess firstFailureCommit}}'

    of_all = ask(client, query % "")["packageStatus"]
    [of_a] = ask(client, query % 'projectName:"python-a",')["packageStatus"]
    none = ask(client, query % 'projectName:"python-b",')["packageStatus"]

    assert [one["projectName"] for one in of_all] == ["python-a", "python-c"]
    assert of_all[1]["lastSuccess"] == "1970-01-01T00:00:00"
    assert of_a["firstFailureCommit"].startswith("aa22")
    assert (of_a, none) == (of_all[0], [])


def test_a_pattern_of_an_extended_hash_matches_only_one(client: httpx.Client) -> None:
    assert ask(client, '{commits(extendedHash: "%"){id}}') == {"commits": []}


def test_queries_without_bounds_are_refused(client: httpx.Client) -> None:
    deep = "{commits" + "{civotes{edges{node{commit" * 6 + "{id}" + "}}}}" * 6 + "}"
    many = "{" + "".join(f"a{number}: commits{{id}} " for number in range(50)) + "}"
    long = "{" + "commits{id} " * 2000 + "}"
    bad: list[Any] = [deep, many, long, "", "{nope}", "{commits{id", '{commits(limit: "x"){id}}']
    bad += ["{commits(limit: -1){id}}", "mutation{x}", None, 7, []]
    for query in bad:
        answer = client.post("/api/graphql", json={"query": query})
        assert answer.status_code in {200, 400}, query
        assert answer.json()["errors"], query
    raw = client.post(
        "/api/graphql", content=b"[" * 5000, headers={"Content-Type": "application/json"}
    )
    assert raw.status_code == 400
    got = client.get("/api/graphql", params={"query": "{commits{id}}", "variables": "{"})
    assert got.status_code == 400
    form = client.post("/api/graphql", data={"query": "{commits{id}}"})
    plain = client.post(
        "/api/graphql", content="{commits{id}}", headers={"Content-Type": "application/graphql"}
    )
    assert (form.status_code, plain.status_code) == (200, 200)


ONE, TWO = "{commits(limit: 1){id}}", "query Q{commits{id}} query R{civote{id}}"
UNKNOWN = 'Unknown operation named "X".'
JSON = "application/json"
WRONG_QUESTIONS: list[tuple[dict[str, str], str, str | None, str]] = [
    ({}, "", None, "Must provide query string."),
    (
        {"query": TWO},
        "",
        None,
        "Must provide operation name if query contains multiple operations.",
    ),
    ({"query": TWO, "operationName": "X"}, "", None, UNKNOWN),
    ({"query": ONE, "operationName": "X"}, "", None, UNKNOWN),
    ({"query": "fragment F on Commit{id}"}, "", None, "Must provide an operation."),
    ({"query": "{commits{...F}}"}, "", None, "Unknown fragment 'F'."),
    ({"query": ONE, "variables": "{"}, "", None, "Variables are invalid JSON."),
    ({"query": ONE, "variables": "[1]"}, "", None, "Variables must be a JSON object."),
    ({"query": ONE}, "{", JSON, "POST body sent invalid JSON."),
    ({"query": ONE}, "[{}]", JSON, "Batch GraphQL requests are not enabled."),
    ({"query": ONE}, "7", JSON, "GraphQL params should be a dict. Received 7."),
    ({}, '{"query": 7}', JSON, "The query must be a string"),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_question_that_is_wrong_is_reported_in_the_form_of_graphql(
    client: httpx.Client, method: str
) -> None:
    for query, body, kind, message in WRONG_QUESTIONS:
        headers = {"Content-Type": kind} if kind else {}
        got = client.request(method, "/api/graphql", params=query, content=body, headers=headers)
        assert got.status_code == 400, (query, body)
        assert [one["message"] for one in got.json()["errors"]] == [message], (query, body)


def test_the_body_of_a_question_comes_before_its_address(client: httpx.Client) -> None:
    """Also of a GET; what is empty in the body is looked for in the address."""

    def names(method: str, body: dict[str, Any], **query: str) -> list[str]:
        got = client.request(method, "/api/graphql", params=query, json=body)
        return list(got.json()["data"])

    for method in ("GET", "POST"):
        assert names(method, {"query": ONE}) == ["commits"]
        assert names(method, {"query": ONE}, query="{civote{id}}") == ["commits"]
        assert names(method, {"query": None}, query="{civote{id}}") == ["civote"]
        assert names(method, {"query": TWO}, operationName="R") == ["civote"]
        assert names(method, {"query": ONE, "variables": []}) == ["commits"]


def test_a_fragment_is_measured_once(client: httpx.Client) -> None:
    """Each of the fragments spreads the next one twice: walked, they would be 2**60 places."""
    chain = [f"fragment F{n} on Commit{{...F{n + 1} ...F{n + 1}}}" for n in range(60)]
    end = "fragment F60 on Commit{%s}"
    deep = "civotes{edges{node{commit{" * 3 + "id" + "}}}}" * 3

    def asked(fields: str) -> dict[str, Any]:
        query = " ".join(["{commits{...F0}}", *chain, end % fields])
        return dict(client.get("/api/graphql", params={"query": query}).json())

    assert len(asked("id")["data"]["commits"]) == 3
    assert asked(deep)["errors"][0]["message"] == "more than 12 levels deep"
    assert asked("a: id")["errors"][0]["message"] == "more than 15 aliases"
    loop = "{commits{...F}} fragment F on Commit{...F}"
    assert client.get("/api/graphql", params={"query": loop}).status_code == 400
