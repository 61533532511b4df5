"""DLRN's GraphQL: its schema, its filters, and bounds."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from rdo.model.vote import JobVerdict
from rdo.store.given.votes import Ballot
from rdo.web.dlrn import graphql
from tests.publishing import START, TARGET, Factory
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
