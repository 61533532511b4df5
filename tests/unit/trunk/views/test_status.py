"""What `rdo trunk status` and `rdo trunk log` find."""

from datetime import timedelta
from typing import Any

import pytest

from rdo.cli.trunk.group import _show_target
from rdo.errors import NotFoundError
from rdo.model.build import Failed, FailureReason
from rdo.publish.consistent import Blocker
from rdo.store.work.builds import Build
from rdo.trunk.views.status import find_build, log_file, remark, status, status_row
from tests.unit.trunk.views.scene import BROKEN, A, B, Scene

TARGET = "master-deb12"


def test_status_has_names_blockers_and_the_pause(scene: Scene) -> None:
    build = scene.plan()
    scene.publish(build)
    with scene.store.write() as at:
        place = at.repositories.add(
            TARGET, component=None, path="aa/bb", build_id=build.id, digest="d", now=scene.now
        )
        at.names.move(TARGET, None, "current", place, now=scene.now, by="me", why="")
    scene.pause()

    found = status(scene.trunk)

    assert found.names == {"current": "aa/bb"}
    assert found.blocked == (Blocker(B, "was never built"),)
    assert status_row(found)["paused"] == "by me since 2026-08-01 12:00: a new disk"


def test_of_a_package_that_is_held_the_published_build_comes_first(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = scene.plan(), scene.plan()
    scene.publish(old)
    scene.publish(new)
    scene.hold(build_id=old.id)

    _show_target(status(scene.trunk))

    row = next(x for x in capsys.readouterr().out.splitlines() if x.startswith(A))
    assert row.split()[1] == "held"
    assert f" {old.id} (newest: {new.id})" in row


def test_a_target_that_is_not_paused_says_nothing_of_it(scene: Scene) -> None:
    assert status_row(status(scene.trunk))["paused"] == ""


def test_names_of_components_are_below_them(scene: Scene) -> None:
    build = scene.plan()
    scene.publish(build)
    with scene.store.write() as at:
        place = at.repositories.add(
            TARGET, component="core", path="c/aa", build_id=build.id, digest="d", now=scene.now
        )
        at.names.move(TARGET, "core", "consistent", place, now=scene.now, by="me", why="")

    assert status(scene.trunk).names == {"component/core/consistent": "c/aa"}


def test_a_remark_is_the_sentence_and_what_else_there_is_to_know(scene: Scene) -> None:
    scene.change(skip_tests="no network")
    scene.publish(scene.plan(B))
    scene.end(scene.plan(), BROKEN)
    scene.hold()

    packages = status(scene.trunk).view.packages

    assert remark(packages[B]) == ""
    assert remark(packages[A]) == (
        "held by me since 2026-08-01 12:00 UTC: it hangs; %build fails: gcc: error; "
        "its tests are skipped: no network"
    )


def test_programs_get_the_whole_detail_of_a_failure(scene: Scene) -> None:
    scene.change(component="core", skip_tests="no network")
    scene.end(scene.plan(), Failed(FailureReason.TEST, "%check: x\ny"))

    rows = status_row(status(scene.trunk))["packages"]

    assert isinstance(rows, list)
    assert (rows[0]["detail"], rows[0]["component"]) == ("test: %check: x\ny", "core")
    assert rows[0]["skip_tests"] == "no network"


def test_a_build_is_found_by_number_package_or_hash(scene: Scene) -> None:
    first, second = scene.plan(), scene.plan()
    other = scene.plan(B)

    def found(text: str) -> int:
        return find_build(scene.store, ["oak-deb12", TARGET], text).id

    assert found(str(first.id)) == first.id
    assert found(A) == second.id
    assert found(other.commit.upstream_hash) == other.id
    # a number of no build may still begin a hash
    assert found(first.commit.upstream_hash[:30]) == other.id


def test_a_build_that_was_dropped_does_not_stand_for_its_package(scene: Scene) -> None:
    first, second = scene.plan(), scene.plan()
    with scene.store.write() as at:
        at.builds.drop(second.id, "outdated", now=scene.now)

    assert find_build(scene.store, [TARGET], A).id == first.id


@pytest.mark.parametrize("text", ["99", "python-x", "abc", "abcdef"])
def test_what_no_build_is_called_is_not_found(scene: Scene, text: str) -> None:
    scene.plan()

    with pytest.raises(NotFoundError, match=f"no build matches {text}"):
        find_build(scene.store, [TARGET], text)


def test_a_build_of_another_target_is_not_found_by_its_number(scene: Scene) -> None:
    build = scene.plan()

    with pytest.raises(NotFoundError):
        find_build(scene.store, ["oak-deb12"], str(build.id))


def test_the_log_of_a_build_is_in_its_folder(scene: Scene) -> None:
    build = scene.plan()
    folder = scene.trunk.folder / "builds" / str(build.id)
    folder.mkdir(parents=True)
    (folder / "rpmbuild.log").write_text("x")

    assert log_file(scene.trunk.folder, build) == folder / "rpmbuild.log"


@pytest.mark.parametrize(
    ("is_done", "has_folder", "state"),
    [
        (False, False, "it is queued"),
        (True, False, "its folder was removed"),
        (True, True, "it is done"),
    ],
)
def test_a_missing_log_says_why(scene: Scene, is_done: bool, has_folder: bool, state: str) -> None:
    build: Build = scene.plan()
    if is_done:
        scene.end(build, BROKEN)
    if has_folder:
        (scene.trunk.folder / "builds" / str(build.id)).mkdir(parents=True)
    with scene.store.read() as at:
        build = at.builds.get(build.id)

    with pytest.raises(NotFoundError, match=f"has no log: {state}"):
        log_file(scene.trunk.folder, build)


def test_since_is_the_last_build_and_not_since_when_a_remote_is_away(scene: Scene) -> None:
    scene.publish(scene.plan())
    finished = scene.now
    scene.now += timedelta(hours=1)
    scene.lose("it is away")
    scene.lose("it is away", B)

    rows = rows_of(scene)

    assert (rows[A]["since"], rows[A]["stale_since"]) == (finished, scene.now)
    assert (rows[B]["since"], rows[B]["stale_since"]) == (None, scene.now)


def test_since_of_a_failure_is_that_of_the_first_one(scene: Scene) -> None:
    first = scene.now
    scene.end(scene.plan(), BROKEN)
    scene.now += timedelta(hours=1)
    scene.end(scene.plan(), BROKEN)
    scene.lose("it is away")

    assert rows_of(scene)[A]["since"] == first


def test_since_of_an_open_build_is_its_own(scene: Scene) -> None:
    scene.publish(scene.plan())
    scene.now += timedelta(hours=1)
    planned = scene.plan()
    scene.lose("it is away")

    assert rows_of(scene)[A]["since"] == planned.created == scene.now


def rows_of(scene: Scene) -> dict[str, dict[str, Any]]:
    rows: Any = status_row(status(scene.trunk))["packages"]
    return {row["package"]: row for row in rows}
