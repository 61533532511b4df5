"""Commands and pages give the same answer about a package, whatever its state."""

import html
from collections.abc import Iterator

import pytest

from rdo.bridge.lock_file import LockedPackage, LockFile, PackageOrigin
from rdo.store import Store
from rdo.trunk.order.providers import Providers
from rdo.trunk.views.pages import Pages
from rdo.trunk.views.queue import as_line, as_row, open_builds
from rdo.trunk.views.state import FAILING, PackageState, read_target
from rdo.trunk.views.status import remark, status, status_row
from rdo.trunk.views.why import Known, Why, explain, not_found, why_row
from rdo.trunk.views.why_bridged import explain_bridged
from tests.unit.trunk.views.scene import SCENES, A, Scene

OPEN = {
    PackageState.RUNNING,
    PackageState.PAUSED,
    PackageState.QUEUED,
    PackageState.RESTING,
    PackageState.WAITING,
}
FOR_PROGRAMS = {
    # state: the condition of `status --json`, the state of `why --json` and `queue --json`
    PackageState.BUILT: ("built", "built"),
    PackageState.UNDER_REVIEW: ("built", "under review"),
    PackageState.RUNNING: ("running", "running"),
    PackageState.HELD: ("built", "built"),
    PackageState.PAUSED: ("queued", "queued"),
    PackageState.QUEUED: ("queued", "queued"),
    PackageState.RESTING: ("queued", "resting"),
    PackageState.WAITING: ("waiting", "waiting"),
    PackageState.FAILED: ("FTBFS", "FTBFS"),
    PackageState.MISSING: ("FTBFS", "missing dependency"),
    PackageState.CYCLE: ("FTBFS", "cycle"),
    PackageState.UNREACHABLE: ("built", "unreachable"),
    PackageState.BRANCH_GONE: ("built", "branch gone"),
    PackageState.FAULTY: ("faulty metadata", "faulty metadata"),
    PackageState.EXCLUDED: ("never built", "excluded"),
    PackageState.NEW: ("never built", "new"),
}


@pytest.fixture(scope="module", params=SCENES, ids=str)
def state(request: pytest.FixtureRequest) -> PackageState:
    """Each state in turn."""
    assert isinstance(request.param, PackageState)
    return request.param


@pytest.fixture(scope="module")
def shared(state: PackageState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A package in that state, for tests that change nothing of it."""
    with Store.temporary() as store:
        made = Scene(tmp_path_factory.mktemp("scene"), store)
        SCENES[state](made)
        yield made


def known(scene: Scene) -> Known:
    """What `rdo why` knows, without a look into mirrors."""
    providers = Providers(scene.packages.values())
    return Known(read_target(scene.trunk), providers, {})


def why(scene: Scene) -> Why:
    return explain(known(scene), A)


def row_of(scene: Scene) -> dict[str, object]:
    """The package as `rdo trunk status --json` shows it."""
    rows = status_row(status(scene.trunk))["packages"]
    assert isinstance(rows, list)
    [row] = [one for one in rows if one["package"] == A]
    assert isinstance(row, dict)
    return row


def test_every_state_that_a_package_of_the_release_can_have_has_a_scene() -> None:
    others = {PackageState.BRIDGED, PackageState.NOT_IN_RELEASE}

    assert SCENES.keys() | others == set(PackageState)
    assert FOR_PROGRAMS.keys() == SCENES.keys()


def test_status_and_why_say_the_same(shared: Scene, state: PackageState) -> None:
    shown = status(shared.trunk).view.packages[A]
    explained = why(shared)

    assert shown.state is state
    assert explained.view == shown
    assert "\n" not in shown.sentence
    told = [part for part in remark(shown).split("; ") if part]
    assert set(told) <= {explained.view.sentence, *explained.notes} | set(
        explained.view.sentence.split("; ")
    )
    if state is not PackageState.BUILT:  # of which a table has nothing to remark
        assert remark(shown).startswith(explained.view.sentence)


def test_the_queue_says_what_why_says(shared: Scene, state: PackageState) -> None:
    explained, found = why(shared), open_builds([shared.trunk])

    lines, rows = list(map(as_line, found)), list(map(as_row, found))

    assert bool(lines) is bool(rows) is (state in OPEN)
    for line, row in zip(lines, rows, strict=True):
        step = why_row(explained)["step"]
        assert isinstance(step, dict)
        assert (line[4], line[7]) == (state, explained.view.sentence)
        assert (row["state"], row["why"]) == (step["state"], step["why"])
        assert row["waits_for"] == step["waits_for"]


def test_the_pages_say_what_why_says(shared: Scene, state: PackageState) -> None:
    sentence = html.escape(why(shared).view.sentence, quote=False)

    Pages(shared.trunk).write([])

    top = shared.trunk.tree.repos
    page, queue = ((top / name).read_text() for name in ("status_report.html", "queue.html"))
    assert (sentence in page) is (state is not PackageState.BUILT)
    assert (f">{sentence}</td>" in queue) is (state in OPEN)
    assert (f">{state}</td>" in queue) is (state in OPEN)
    assert ("fails to build.</strong>" in page) is (state in FAILING)


def test_programs_read_the_values_they_know(shared: Scene, state: PackageState) -> None:
    row, step = row_of(shared), why_row(why(shared))["step"]

    assert isinstance(step, dict)
    assert (row["condition"], step["state"]) == FOR_PROGRAMS[state]
    assert (row["commit"], row["build_id"]) == (step["commit"], step["build_id"])
    assert list(row) == [
        *("package", "component", "condition", "since", "commit", "build_id", "detail"),
        *("waiting_for", "stale", "stale_since", "skip_tests", "held", "stands_in", "ack"),
    ]
    assert list(step) == [
        *("package", "state", "why", "since", "commit", "build_id", "waits_for"),
    ]


def test_a_held_build_that_waits_is_the_same_to_all_programs(scene: Scene) -> None:
    SCENES[PackageState.WAITING](scene)
    scene.hold()

    row, step = row_of(scene), why_row(why(scene))["step"]

    assert isinstance(step, dict)
    assert read_target(scene.trunk).packages[A].state is PackageState.HELD
    assert (row["condition"], step["state"]) == ("waiting", "waiting")
    assert row["waiting_for"] == list(step["waits_for"]) == ["python-b"]
    assert row["held"] == "by me since 2026-08-01 12:00: it hangs"


def test_a_stale_package_has_the_times_that_programs_know(scene: Scene) -> None:
    SCENES[PackageState.UNREACHABLE](scene)
    before = row_of(scene)
    scene.lose("gone", "python-b")
    rows = status_row(status(scene.trunk))["packages"]
    assert isinstance(rows, list)

    assert before["since"] is not None
    assert before["stale"] == "upstream cannot be reached: no route\nfatal: no route"
    assert (rows[1]["condition"], rows[1]["since"], rows[1]["stale"]) == (
        "never built",
        None,
        "gone",
    )
    assert rows[1]["stale_since"] == scene.now


def test_only_why_knows_of_what_the_release_does_not_have(scene: Scene) -> None:
    SCENES[PackageState.BUILT](scene)
    entries = (
        LockedPackage(PackageOrigin.PYPI, "idna", "3.4", "1" * 64, asked_by=("python3dist(idna)",)),
    )

    bridged = explain_bridged(known(scene), "idna", LockFile(entries))
    elsewhere = not_found(read_target(scene.trunk), "python-c", ["oak", "maple"])

    assert bridged
    assert bridged.view.state is PackageState.BRIDGED
    assert bridged.view.sentence.startswith("3.4 came from PyPI: ")
    assert elsewhere.view.state is PackageState.NOT_IN_RELEASE
    assert elsewhere.view.sentence == "the metadata has it in maple, oak"
    assert read_target(scene.trunk).packages.keys() == {A, "python-b"}
