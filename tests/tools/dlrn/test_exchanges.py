"""Exchanges recorded from DLRN 0.26.1, replayed against a factory that took its instance over."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import html5lib
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdo.access.roles import Role
from rdo.app import App
from tests.publishing import TARGET
from tests.serving import INFO, Served, serving
from tests.tools.dlrn.conftest import Instance
from tests.tools.dlrn.plans import EXTENDED, hashes
from tests.tools.dlrn.test_import import answer, factory, take_over
from tests.tools.dlrn.test_remote_import import place_of, web

pytestmark = pytest.mark.slow  # they make an instance of DLRN


def told(body: Any) -> Any:
    """An answer without what depends on the moment; a timestamp is a number here."""
    if not isinstance(body, dict):
        return body
    return {key: value for key, value in body.items() if key != "timestamp"}


def replayed(root: Path, recorded: list[dict[str, Any]]) -> list[Any]:
    """Send the changes; return those that are answered otherwise. DLRN's 401 is HTML."""
    found = []
    with serving(App(root)) as server, server.client() as client:
        for asked in recorded:
            got = answer(client, asked)
            same = told(got.json()) == told(asked["answer"]) or asked["status"] == 401
            if got.status_code != asked["status"] or not same:
                found.append({**asked, "ours": (got.status_code, got.json())})
    return found


def without_moments(reads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The questions whose answers have no moment of a change in them."""
    moving = ("promotions", "graphql", "repo_status", "last_tested_repo")
    return [one for one in reads if one["path"] not in moving or one["status"] != 200]


@pytest.mark.parametrize("components", [False, True])
def test_what_clients_change_is_answered_as_by_dlrn(
    request: pytest.FixtureRequest, tmp_path: Path, components: bool
) -> None:
    """Votes, promotions and whole batches, with the hash of each aggregate, and each mistake."""
    instance: Instance = request.getfixturevalue("parted" if components else "plain")
    before = Instance(Path(f"{instance.folder}-before"), [], [])
    root = factory(tmp_path / "rdo", components=components)
    take_over(root, before)

    different = replayed(root, instance.changes)

    assert not different, json.dumps(different, indent=1)
    assert not replayed(root, without_moments(instance.reads))
    repos = root / f"data/{TARGET}/repos"
    names = ("candidate", "tested", "old")
    for name in names:
        parts = sorted(instance.tree.glob(f"component/*/{name}")) or [instance.tree / name]
        for part in parts:
            ours = repos / part.relative_to(instance.tree)
            assert ours.readlink() == part.readlink()
        if components:
            file = f"{name}/delorean.repo.md5"
            assert (repos / file).read_text() == (instance.tree / file).read_text()


@pytest.fixture(scope="module")
def taken(plain: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of a factory that has taken the plain instance over."""
    root = factory(tmp_path_factory.mktemp("taken") / "rdo")
    take_over(root, plain)
    with serving(App(root)) as server:
        yield server


def test_the_pages_of_dlrn_answer_at_their_addresses(taken: Served) -> None:
    of_a = hashes("python-a", 2)
    with taken.client() as client:
        general = client.get("/api/civotes.html")
        detail = client.get("/api/civotes_detail.html", params=of_a)
        failed = client.get("/api/civotes_detail.html", params={**of_a, "success": "False"})
        of_job = client.get("/api/civotes_detail.html", params={"ci_name": "unit"})
        nothing = client.get("/api/civotes_detail.html")
        aggregates = client.get("/api/civotes_agg.html", params={"offset": "x"})
        no_aggregate = client.get("/api/civotes_agg_detail.html")
        report = client.get("/api/report.html")

    for page in (general, detail, failed, of_job, aggregates):
        assert page.status_code == 200
        html5lib.HTMLParser(strict=True).parse(page.text)
    assert f"{of_a['commit_hash'][:12]}_{of_a['distro_hash'][:8]}" in general.text
    assert [word in general.text for word in ("consistent</td>", ">consistent<")] == [False] * 2
    assert all(job in detail.text for job in ("unit", "slow", "next", "all is well"))
    assert [job in failed.text for job in ("slow", "all is well")] == [True, False]
    assert [job in of_job.text for job in ("unit", "slow")] == [True, False]
    assert nothing.status_code == no_aggregate.status_code == 400
    assert "Please specify either commit_hash+distro_hash" in nothing.text
    assert (report.status_code, report.headers["location"]) == (307, "../report.html")


def test_what_strangers_vote_is_only_text_on_a_page(taken: Served) -> None:
    evil = "<script>alert(1)</script>"
    body = {**hashes("python-a", 2), "job_id": evil, "url": "javascript:alert(1)"}
    with taken.client(taken.token(Role.ADMIN, name="evil")) as client:
        sent = {**body, "timestamp": 5, "success": True, "notes": evil}
        assert client.post("/api/report_result", json=sent).status_code == 201
        pages = [
            client.get(f"/api/{page}", params={"ci_name": evil, **hashes("python-a", 2)})
            for page in ("civotes.html", "civotes_detail.html", "civotes_agg_detail.html")
        ]

    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "javascript:" not in page.text


PATHS = (
    *("repo_status", "agg_status", "last_tested_repo", "promotions", "components"),
    *("metrics/builds", "health", "civotes.html", "civotes_detail.html", "civotes_agg.html"),
)
POSTS = (
    *("report_result", "promote", "promote-batch", "last_tested_repo", "recheck_package"),
    *("remote/import", "graphql", "health"),
)
NAMES = (
    *("commit_hash", "distro_hash", "extended_hash", "aggregate_hash", "success", "max_age"),
    *("job_id", "reporting_job_id", "sequential_mode", "previous_job_id", "component", "offset"),
    *("limit", "promote_name", "timestamp", "url", "notes", "start_date", "end_date", "repo_url"),
    *("package_name", "query", "variables", "ci_name", "ref_hash"),
)
KNOWN = (*hashes("python-a", 2).values(), EXTENDED, "unit", "tested", "True", "0", "-1", "1e400")
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(KNOWN),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(KNOWN)
QUERIES = st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=6)


@pytest.fixture(scope="module")
def fuzzed(taken: Served) -> Iterator[httpx.Client]:
    with taken.client(taken.token(Role.ADMIN, name="fuzz")) as client:
        yield client


@settings(max_examples=120)
@given(path=st.sampled_from(PATHS), query=QUERIES, body=st.none() | BODIES)
def test_no_question_meets_a_bug(
    fuzzed: httpx.Client, path: str, query: dict[str, str], body: dict[str, Any] | None
) -> None:
    content = None if body is None else json.dumps(body)
    headers = {} if body is None else {"Content-Type": "application/json"}
    got = fuzzed.request("GET", f"/api/{path}", params=query, headers=headers, content=content)

    assert got.status_code in {200, 400}, (path, query, body, got.text)


@settings(max_examples=120)
@given(path=st.sampled_from(POSTS), body=BODIES | VALUES | st.lists(BODIES, max_size=3))
def test_no_change_meets_a_bug(fuzzed: httpx.Client, path: str, body: Any) -> None:
    headers = {"Content-Type": "application/json"}
    got = fuzzed.post(f"/api/{path}", content=json.dumps(body), headers=headers)

    assert got.status_code in {200, 201, 400, 403, 409, 410}, (path, body, got.text)
    assert "internal error" not in got.text


def dlrnapi(url: str, token: str, *args: str) -> Any:
    """Run DLRN's own client; return the JSON that it prints."""
    program = Path(sys.executable).with_name("dlrnapi")
    environment = {key: text for key, text in os.environ.items() if "proxy" not in key.lower()}
    done = subprocess.run(
        [str(program), "--url", url, "-u", "admin", "-p", token, *args],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_client_of_dlrn_promotes_components_and_imports(
    parted: Instance, tmp_path: Path
) -> None:
    """What its other commands do is shown with a round of ours, in e2e/test_serve.py."""
    parts = {"a": "network", "b": "compute", "c": "compute"}
    info = f"components: [{{name: network}}, {{name: compute}}]\n{INFO}"
    for name, part in parts.items():
        row = f"project: python-{name}, "
        info = info.replace(row, f"{row}component: {part}, ")
    root = factory(tmp_path / "rdo", components=True, info=info)
    take_over(root, Instance(Path(f"{parted.folder}-before"), [], []))
    of_a, of_b = hashes("python-a", 2), hashes("python-b", 2)
    pairs = f"{of_a['commit_hash']}_{of_a['distro_hash']},"
    pairs += f"{of_b['commit_hash']}_{of_b['distro_hash']}_{EXTENDED}"
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(web(parted.tree))
        text = (root / "rdo.toml").read_text()
        allowed = f'import-from = ["{address}/"]\n[targets.other'
        (root / "rdo.toml").write_text(text.replace("[targets.other", allowed))
        server = stack.enter_context(serving(App(root)))
        token = server.token(Role.ADMIN, name="admin")

        def ask(*args: str) -> Any:
            return dlrnapi(f"{server.url}/{TARGET}", token, *args)

        batch = ask("repo-promote-batch", "--hash-pairs", pairs, "--promote-name", "green")
        aggregate = batch["aggregate_hash"]
        report = (
            "--job-id",
            "j",
            "--info-url",
            "http://x",
            "--timestamp",
            "5",
            "--success",
            "true",
        )
        voted = ask("report-result", *report, "--agg-hash", aggregate)
        status = ask("agg-status", "--agg-hash", aggregate)
        of_aggregate = ask("promotion-get", "--agg-hash", aggregate)
        of_network = ask("promotion-get", "--component", "network", "--promote-name", "green")
        url = f"{address}/component/network/{place_of('python-a', 1)}"
        imported = ask("commit-import", "--repo-url", url)
        dates = ("--start-date", "2026-09-20", "--end-date", "2026-09-23")
        metrics = ask("build-metrics", *dates, "--package-name", "python-a")

    assert aggregate == (root / f"data/{TARGET}/repos/green/delorean.repo.md5").read_text()
    assert (voted["aggregate_hash"], status[0]["job_id"]) == (aggregate, "j")
    assert [one["component"] for one in of_aggregate] == ["compute"]
    assert [one["commit_hash"] for one in of_network] == [of_a["commit_hash"]]
    assert imported["repo_url"] == url
    assert (metrics["succeeded"], metrics["failed"]) == (2, 0)
