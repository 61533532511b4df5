"""The report of a round, as JSON and as text."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rdo.model.build import Built, Failed, FailureReason, Waiting
from rdo.model.release_number import ReleaseNumber
from rdo.publish.backwards import Backwards
from rdo.trunk.plan import RoundPlan
from rdo.trunk.views.report import Ended, Held, Report, as_row, summary
from tests.unit.trunk.samples import build

A, B, C = build(1, "python-a"), build(2, "python-b"), build(3, "python-c")
FOLDER = Path("/data/builds/1")
NUMBER = ReleaseNumber(A.release_date, "0000000", "0")
OLDER = Backwards("python3-a", "2-1", "1-1")
BUILT = Ended(A, NUMBER, Built((FOLDER / "a.rpm",)), 61.26, FOLDER, backwards=(OLDER,))
BOOTSTRAP = Ended(replace(A, bootstrap=True), NUMBER, Built(()), 1.0, FOLDER)
BROKEN = Ended(B, NUMBER, Failed(FailureReason.TEST, "%check: no"), 2.0, Path("/data/builds/2"))
RETRIED = Ended(C, NUMBER, Failed(FailureReason.NETWORK, "no route"), 3.0, FOLDER, will_retry=True)
EMPTY = RoundPlan((), (), {})
IDLE = Report("t", 3, 0.5, EMPTY)


def test_what_ended_is_sorted_by_what_becomes_of_it() -> None:
    report = replace(IDLE, ended=(RETRIED, BROKEN, BUILT))

    assert (report.built, report.failed, report.to_retry) == ((BUILT,), (BROKEN,), (RETRIED,))


@pytest.mark.parametrize(
    ("report", "idle"),
    [
        pytest.param(IDLE, True, id="nothing at all"),
        pytest.param(replace(IDLE, ftbfs=("x",)), True, id="an old failure is no work"),
        pytest.param(
            replace(IDLE, plan=RoundPlan((), ("note",), {})), True, id="a note is no work"
        ),
        pytest.param(replace(IDLE, ended=(BUILT,)), False, id="a build ended"),
        pytest.param(replace(IDLE, held=(Held(A, ()),)), False, id="a build waits"),
        pytest.param(replace(IDLE, dropped=(A,)), False, id="a build was dropped"),
        pytest.param(replace(IDLE, plan=RoundPlan((A.commit,), (), {})), False, id="a plan"),
        pytest.param(replace(IDLE, plan=RoundPlan((), (), {"a": ("x",)})), False, id="one is away"),
    ],
)
def test_a_round_is_idle_if_there_was_nothing_to_do(report: Report, idle: bool) -> None:
    assert report.is_idle is idle


def test_a_program_gets_every_build_with_what_became_of_it() -> None:
    report = replace(
        IDLE,
        seconds=9.87,
        ended=(BUILT, BROKEN, RETRIED),
        held=(Held(C, ("python-b",)),),
        dropped=(replace(A, dropped="it left the release"),),
        plan=RoundPlan((A.commit,), ("rewritten",), {"python-z": ("away",)}),
        ftbfs=("python-b",),
    )

    row: dict[str, Any] = as_row(report)

    plain = {
        "package": "python-a",
        "upstream_hash": A.commit.upstream_hash,
        "distgit_hash": "d" * 40,
        "extended_hash": None,
    }
    assert row["planned"] == [plain]
    assert row["built"] == [
        {
            **plain,
            "build": 1,
            "release": "0.20260801120000.0000000",
            "bootstrap": False,
            "seconds": 61.3,
            "folder": FOLDER,
            "rpms": ["a.rpm"],
            "backwards": [str(OLDER)],
        }
    ]
    [failed], [retried] = row["failed"], row["to_retry"]
    assert (failed["reason"], failed["detail"]) == ("test", "%check: no")
    assert (retried["package"], retried["reason"]) == ("python-c", "network")
    [waiting], [dropped] = row["waiting"], row["dropped"]
    assert (waiting["build"], waiting["for"]) == (3, ("python-b",))
    assert (dropped["build"], dropped["why"]) == (1, "it left the release")
    assert (row["exit_code"], row["seconds"], row["ftbfs"]) == (1, 9.9, ("python-b",))
    assert (row["stale"], row["notes"]) == ({"python-z": ("away",)}, ("rewritten",))


def test_an_outcome_that_is_neither_good_nor_bad_has_no_reason() -> None:
    waits = Ended(A, NUMBER, Waiting(()), 1.0, FOLDER, will_retry=True)

    row: dict[str, Any] = as_row(replace(IDLE, ended=(waits,)))

    assert {"reason", "rpms"}.isdisjoint(row["to_retry"][0])


def lines(**values: object) -> list[str]:
    return summary(replace(IDLE, **values)).splitlines()  # type: ignore[arg-type]  # by the test


def words(line: str) -> list[str]:
    return line.split()


def test_a_person_reads_of_a_failure_why_and_where_to_look() -> None:
    found = lines(ended=(BROKEN,), ftbfs=("python-b",))

    assert words(found[0]) == ["FAILED", str(B.commit), "test:", "%check:", "no"]
    assert "/data/builds/2" in found[1]
    assert "rdo trunk log 2" in found[1]
    assert found[-1].endswith(": python-b")


@pytest.mark.parametrize(
    ("values", "first"),
    [
        pytest.param({"ended": (BUILT,)}, f"built {A.commit} 1 min 1 s", id="good"),
        pytest.param(
            {"ended": (BOOTSTRAP,)}, f"built {A.commit} 1.0 s (bootstrap)", id="bootstrap"
        ),
        pytest.param(
            {"ended": (RETRIED,)}, f"again {C.commit} network: no route", id="tried again"
        ),
        pytest.param(
            {"dropped": (replace(A, dropped="it left"),)},
            f"dropped {A.commit} it left",
            id="dropped",
        ),
        pytest.param(
            {"held": (Held(A, ("python-b", "python-c")),)},
            f"waiting {A.commit} for python-b, python-c",
            id="waiting",
        ),
        pytest.param({"held": (Held(A, ()),)}, f"waiting {A.commit} for its next try", id="rests"),
        pytest.param(
            {"held": (Held(A, ()),), "dry_run": True},
            f"queued {A.commit} since 2026-08-01 12:00",
            id="queued before a dry run",
        ),
        pytest.param(
            {"plan": RoundPlan((A.commit,), (), {}), "dry_run": True},
            f"would build {A.commit}",
            id="planned by a dry run",
        ),
        pytest.param({"plan": RoundPlan((), ("it moved",), {})}, "note: it moved", id="a note"),
        pytest.param({"plan": RoundPlan((), (), {"a": ("away",)})}, "stale a away", id="stale"),
    ],
)
def test_a_person_reads_a_line_for_each(values: dict[str, object], first: str) -> None:
    assert " ".join(words(lines(**values)[0])) == first


def test_a_person_reads_what_goes_backwards_below_its_build() -> None:
    assert "goes back from 2-1 to 1-1" in lines(ended=(BUILT,))[1]


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        pytest.param({}, "t: 3 packages, nothing new, nothing to build (0.5 s)", id="idle"),
        pytest.param(
            {"packages": 1, "ended": (BROKEN,)}, "t: 1 package: 0 built, 1 failed (0.5 s)", id="one"
        ),
        pytest.param(
            {
                "ended": (BUILT, BROKEN, RETRIED),
                "held": (Held(A, ()), Held(B, ())),
                "dropped": (C,),
                "plan": RoundPlan((), (), {"a": ("x",)}),
            },
            "t: 3 packages: 1 built, 1 failed, 1 to try again, 2 waiting, 1 dropped, 1 stale"
            " (0.5 s)",
            id="all there is",
        ),
        pytest.param(
            {"dry_run": True, "plan": RoundPlan((A.commit,), (), {}), "held": (Held(B, ()),)},
            "t: 3 packages: 1 to build, 1 in the queue (0.5 s)",
            id="dry run",
        ),
    ],
)
def test_the_headline_counts(values: dict[str, object], counts: str) -> None:
    assert counts in lines(**values)


@pytest.mark.parametrize(
    ("values", "more"),
    [
        pytest.param({"ended": (BUILT,)}, False, id="all is done"),
        pytest.param({"ended": (RETRIED,)}, True, id="a build is tried again"),
        pytest.param({"held": (Held(A, ()),)}, True, id="a build waits"),
        pytest.param({"plan": RoundPlan((), (), {"a": ("x",)})}, False, id="one is away"),
    ],
)
def test_a_person_reads_what_to_run_next_if_something_is_left(
    values: dict[str, object], more: bool
) -> None:
    assert ("rdo trunk run --target t" in lines(**values)[-1]) is more
