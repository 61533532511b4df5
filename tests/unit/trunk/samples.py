"""Short ways to the values that the round's tests use."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.store.work.builds import Build, BuildState

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)


def package(name: str, project: str = "", upstream: str = "u", **values: Any) -> Package:
    plain = Package(
        name=name,
        project=project or name.removeprefix("python-"),
        upstreams=(upstream,),
        distgit="d",
        upstream_branch="master",
        distgit_branch="rpm-master",
    )
    return replace(plain, **values)


def build(id_: int, name: str, **values: Any) -> Build:
    commit = Commit(
        package=name,
        upstream_hash=f"{id_:040}",
        distgit_hash="d" * 40,
        upstream_time=NOW,
        distgit_time=NOW,
        upstream_branch="master",
    )
    queued = Build(
        id=id_,
        target="master-deb12",
        commit=commit,
        position=id_,
        release_date=NOW,
        attempt=1,
        bootstrap=False,
        inputs="",
        state=BuildState.QUEUED,
        outcome=None,
        ticket="",
        created=NOW,
        started=None,
        finished=None,
        published=None,
        superseded=False,
    )
    return replace(queued, **values)
