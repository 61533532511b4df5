"""What the instances of DLRN build, and what their APIs are asked: see `instance.py`."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode

from tests.publishing import RpmShelf

Plan: TypeAlias = dict[str, Any]
START = 1_790_000_000
USER = "ciuser"


def digest(text: str) -> str:
    """A hash as git's."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def hashes(name: str, number: int, *, extended: str = "") -> dict[str, str]:
    """The hashes of a package's commit, as a client names them."""
    found = {"commit_hash": digest(f"{name} {number}"), "distro_hash": digest(f"{name} distgit")}
    return {**found, "extended_hash": extended} if extended else found


class Builds:
    """The builds of an instance, a minute apart."""

    def __init__(self, shelf: RpmShelf, folder: Path, components: dict[str, str]) -> None:
        self.shelf, self.folder, self.components = shelf, folder, components
        self.rows: list[dict[str, Any]] = []

    def add(self, name: str, number: int, version: str = "", **more: Any) -> None:
        """Add a build, which fails unless it gives a version."""
        rpms: list[str] = []
        if version:
            place = self.folder / str(len(self.rows))
            rpms = [str(one) for one in self.shelf.put(place, name, version)]
        self.rows.append(
            {
                "project_name": name,
                **hashes(name, number),
                "component": self.components.get(name),
                "committed": START + 10 * number,
                "time": START + 60 * len(self.rows),
                "rpms": sorted(rpms),
                **more,
            }
        )


EXTENDED = f"{digest('own distgit')}_{digest('own source')}"


def plain(shelf: RpmShelf, rpms: Path) -> Plan:
    """Three packages: a repository that was purged, a failure, tries, an extended hash."""
    builds = Builds(shelf, rpms, {})
    builds.add("python-a", 1, "1.0")
    builds.add("python-b", 1, "1.0")
    builds.add("python-c", 1, log="Could not resolve host: example.test\n")
    builds.add("python-c", 1, "1.0")
    builds.add("python-a", 2, "1.1")
    builds.add("python-b", 2, "1.1", extended_hash=EXTENDED)
    builds.add("python-b", 3, error="it does not compile: <b>&amp;")
    builds.add("python-a", 3, "1.2")
    return {
        "packages": packages({"python-a": None, "python-b": None, "python-c": None}),
        "builds": builds.rows,
        "changes": [*changes(), *mistakes()],
        "purged": [1],
        "reads": [*reads(), *wrong_reads()],
    }


def parted(shelf: RpmShelf, rpms: Path) -> Plan:
    """Two components, one of two packages."""
    components = {"python-a": "network", "python-b": "compute", "python-c": "compute"}
    builds = Builds(shelf, rpms, components)
    builds.add("python-a", 1, "1.0")
    builds.add("python-b", 1, "1.0")
    builds.add("python-c", 1, "1.0")
    builds.add("python-a", 2, "1.1")
    builds.add("python-b", 2, "1.1", extended_hash=EXTENDED)
    return {
        "packages": packages(components),
        "builds": builds.rows,
        "changes": [*changes(), *mistakes()],
        "reads": [*reads(), *wrong_reads()],
    }


def packages(components: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the metadata."""
    return [
        {
            "name": name,
            "project": name,
            "upstream": f"https://git.example.test/{name}",
            "master-distgit": f"https://git.example.test/{name}-distgit",
            "maintainers": ["me@example.test"],
            "tags": {},
            **({"component": component} if component else {}),
        }
        for name, component in components.items()
    ]


def post(path: str, body: Any, **more: Any) -> dict[str, Any]:
    return {"method": "POST", "path": path, "json": body, "user": USER, **more}


def report(job: str, number: int, name: str = "python-a", **more: Any) -> dict[str, Any]:
    """A vote; its timestamp is a text, as DLRN's client sends it."""
    body = {
        **hashes(name, number),
        "job_id": job,
        "url": f"http://logs.example.test/{job}",
        "timestamp": str(START + 10 * number),
        "success": "true",
        **more,
    }
    return post("report_result", {key: value for key, value in body.items() if value is not None})


def changes() -> list[dict[str, Any]]:
    """Votes and promotions, as jobs and promoters make them."""
    of_a, of_b = hashes("python-a", 2), hashes("python-b", 2, extended=EXTENDED)
    pair = [{**of_a, "promote_name": "tested"}, {**of_b, "promote_name": "tested"}]
    return [
        report("unit", 2, notes="all is well"),
        report("slow", 2, success="False", timestamp=START + 5),
        report("unit", 2, "python-b", extended_hash=EXTENDED, timestamp=START + 7),
        post("last_tested_repo", {"max_age": "0", "reporting_job_id": "next", "job_id": "unit"}),
        post("promote", {**of_a, "promote_name": "candidate"}, user="promoter"),
        post("promote", {**of_b, "promote_name": "candidate"}),
        post("promote-batch", pair),
        post("promote", {**hashes("python-a", 1), "promote_name": "old"}),
    ]


def mistakes() -> list[dict[str, Any]]:
    """What is refused, in each way that DLRN documents."""
    of_a = hashes("python-a", 2)
    unknown = {**of_a, "commit_hash": digest("nothing")}
    return [
        {"method": "POST", "path": "promote", "json": of_a},
        post("promote", of_a, password="wrong"),
        post("promote", of_a, user="nobody"),
        post("promote", of_a),
        post("promote", {**of_a, "promote_name": "current"}),
        post("promote", {**of_a, "promote_name": "consistent"}),
        post("promote", {**of_a, "promote_name": "../up"}),
        post("promote", {**unknown, "promote_name": "tested"}),
        {**post("promote", None), "text": "a=b", "type": "application/x-www-form-urlencoded"},
        post("promote-batch", [of_a]),
        post("promote-batch", [{**of_a, "promote_name": "current"}]),
        post("promote-batch", [{**unknown, "promote_name": "tested"}]),
        report("unit", 9),
        report("unit", 2, commit_hash=None),
        report("unit", 2, distro_hash=None),
        report("unit", 2, commit_hash=None, distro_hash=None),
        report("unit", 2, aggregate_hash="x"),
        report("unit", 2, commit_hash=None, distro_hash=None, aggregate_hash="x"),
        report("unit", 2, url=None),
        post(
            "promote-batch", [{**of_a, "promote_name": "../up"}, {**unknown, "promote_name": "x"}]
        ),
        report("unit", 2, job_id=None),
        report("unit", 2, success=None),
        report("unit", 2, timestamp=None),
        post("last_tested_repo", {"max_age": "0"}),
        post("last_tested_repo", {"reporting_job_id": "x"}),
        post(
            "last_tested_repo", {"max_age": 0, "reporting_job_id": "x", "sequential_mode": "true"}
        ),
        post("remote/import", {}),
        post("health", {}),
    ]


SEVERAL = "query Q{commits{id}} query R{civote{id}}"
QUESTIONS = {
    "commits": "id projectName status notes commitHash distroHash extendedHash component "
    "dtBuild dtCommit dtDistro dtExtended commitBranch artifacts flags type",
    "civote": "id commitId ciName ciUrl ciVote ciInProgress timestamp notes user component",
    "civoteAgg": "id refHash ciName ciUrl ciVote ciInProgress timestamp notes user",
}


def reads() -> list[dict[str, Any]]:
    """Questions, each in the three forms in which clients send them."""
    return [
        form
        for path, values in _questions()
        for form in (
            {"path": path, "query": values},
            {"path": path, "json": values},
            {"path": path, "query": values, "json": values},
        )
    ] + [
        *(
            {"path": "graphql", "query": {"query": f"{{{name}{{{what}}}}}"}}
            for name, what in QUESTIONS.items()
        ),
        {
            "path": "graphql",
            "query": {"query": '{commits(projectName:"python-b",status:"FAILED"){id}}'},
        },
        {"path": "graphql", "query": {"query": "{commits(limit:2,offset:1){projectName dtBuild}}"}},
        {
            "path": "graphql",
            "query": {"query": '{civote(ciName:"unit"){ciName commit{projectName}}}'},
        },
        {"path": "graphql", "query": {"query": '{commits(extendedHash:"%"){id}}'}},
        {"path": "graphql", "query": {"query": "{nothing}"}, "json": {"query": "{__typename}"}},
        *(
            {"path": "promotions", "query": {"limit": number}}
            for number in ("+1", " 1", "0", "99999999999999999999")
        ),
        {"path": "promotions", "query": {"component": ""}},
        {"path": "repo_status", "query": f"{urlencode(hashes('python-a', 2))}&commit_hash=x"},
        {"path": "health", "text": "{", "type": "application/json"},
    ]


def _questions() -> Iterator[tuple[str, dict[str, Any]]]:
    of_a, of_b = hashes("python-a", 2), hashes("python-b", 2, extended=EXTENDED)
    yield "health", {}
    yield "repo_status", of_a
    yield "repo_status", of_b
    yield "repo_status", hashes("python-b", 2)
    yield "repo_status", {**of_a, "success": "true"}
    yield "repo_status", {**of_a, "success": "False"}
    yield "repo_status", {**of_a, "success": "0"}
    yield "agg_status", {"aggregate_hash": "none"}
    yield "last_tested_repo", {"max_age": "0", "job_id": "slow"}
    yield "last_tested_repo", {"max_age": "0", "job_id": "unit", "success": "true"}
    sequential = {"max_age": "0", "sequential_mode": "true"}
    yield "last_tested_repo", {**sequential, "previous_job_id": "unit"}
    yield "last_tested_repo", {**sequential, "previous_job_id": "none"}
    yield "promotions", {}
    yield "promotions", {"promote_name": "candidate"}
    yield "promotions", {"promote_name": "candidate", "limit": "1"}
    yield "promotions", {"offset": "1", "limit": "2"}
    yield "promotions", {"limit": "1000"}
    yield "promotions", of_a
    yield "promotions", {**of_b, "promote_name": "tested"}
    yield "promotions", {"component": "network"}
    yield "promotions", {"aggregate_hash": "none"}
    day = {"start_date": "2026-09-20", "end_date": "2026-09-23"}
    yield "metrics/builds", day
    yield "metrics/builds", {**day, "package_name": "python-b"}
    yield "metrics/builds", {"start_date": "2020-01-01", "end_date": "2020-01-02"}


def wrong_reads() -> list[dict[str, Any]]:
    """Questions that lack something, or ask for what there is not."""
    of_a = hashes("python-a", 2)
    return [
        {"path": "repo_status"},
        {"path": "repo_status", "query": {"commit_hash": of_a["commit_hash"]}},
        {"path": "repo_status", "query": {**of_a, "commit_hash": digest("nothing")}},
        {"path": "repo_status", "query": {**of_a, "extended_hash": "x"}},
        {"path": "agg_status"},
        {"path": "last_tested_repo"},
        {"path": "last_tested_repo", "query": {"max_age": "0", "sequential_mode": "true"}},
        {"path": "promotions", "query": {"commit_hash": of_a["commit_hash"]}},
        {"path": "promotions", "query": {"distro_hash": of_a["distro_hash"]}},
        {"path": "promotions", "query": {**of_a, "commit_hash": digest("nothing")}},
        {"path": "metrics/builds"},
        {"path": "metrics/builds", "query": {"start_date": "2026-09-20"}},
        {"path": "metrics/builds", "query": {"start_date": "20.9.", "end_date": "2026-09-23"}},
        {"path": "last_tested_repo", "query": {"max_age": "0", "component": ""}},
        {"path": "graphql", "query": {"query": SEVERAL}},
        {"path": "graphql", "query": {"query": SEVERAL, "operationName": "X"}},
        {"path": "graphql", "query": {"query": "{__typename}", "variables": "{"}},
        {"path": "graphql", "query": {"query": "{__typename}"}, "json": [{}]},
        {"path": "graphql", "query": {"query": "{__typename}"}, "json": 7},
        {"path": "graphql", "text": "{", "type": "application/json"},
    ]
