"""What `rdo why` adds to a package's state: chain, dependents, notes, next steps."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rdo.errors import NotFoundError
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.trunk.order.providers import Providers
from rdo.trunk.views.state import PackageState, read_target
from rdo.trunk.views.why import Known, Why, explain, not_found, why_row
from tests.unit.trunk.views.scene import BROKEN, NEEDS_B, NOW, SCENES, A, B, Scene, package

C = "python-c"


def known(scene: Scene, **requires: str) -> Known:
    """What is known of the target, with `a="python3dist(b)"` for what python-a requires."""
    names = {f"python-{name}": frozenset({need}) for name, need in requires.items()}
    return Known(read_target(scene.trunk), Providers(scene.packages.values()), names)


def why(scene: Scene, name: str = A) -> Why:
    return explain(known(scene), name)


def test_a_target_without_builds_is_known_without_a_look_into_mirrors(scene: Scene) -> None:
    found = Known.of(scene.trunk)

    assert found.build_requires == {}
    assert explain(found, A).view.state is PackageState.NEW


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (A, A),
        ("a", A),
        ("python3dist(a)", A),
        ("python3-b", B),
        ("cmake", None),
        ("python-nothing", None),
    ],
)
def test_a_package_is_known_by_its_name_its_project_and_what_it_provides(
    scene: Scene, text: str, name: str | None
) -> None:
    assert known(scene).named(text) == name


def test_a_project_of_two_packages_names_neither(scene: Scene) -> None:
    scene.packages[C] = replace(package(C), project="a")

    assert known(scene).named("a") is None


def test_the_chain_goes_to_the_package_at_fault_and_meets_each_once(scene: Scene) -> None:
    scene.packages[C] = package(C)
    scene.end(scene.plan(), Waiting(("python3dist(b)", "python3dist(c)", "cmake")))
    scene.end(scene.plan(B), Waiting(("python3dist(c)", "python3dist(a)")))
    scene.end(scene.plan(C), BROKEN)

    found = why(scene)

    assert [(one.package, one.state) for one in found.chain] == [
        (B, PackageState.WAITING),
        (C, PackageState.FAILED),
        ("cmake", PackageState.MISSING),
    ]
    assert found.chain[2].sentence == "no package of the release provides it"


def test_who_requires_it_has_built_with_it_or_waits_for_it(scene: Scene) -> None:
    scene.packages |= {C: package(C), "python-d": package("python-d")}
    scene.end(scene.plan(), NEEDS_B)
    scene.plan("python-d")

    found = explain(known(scene, b="python3dist(b)", c="python3dist(b)", d="cmake"), B)

    assert found.needed_by == (A, C)


def test_the_last_good_build_is_noted_if_it_is_not_the_one_shown(scene: Scene) -> None:
    good = scene.plan()
    scene.publish(good)
    healthy = why(scene).notes
    scene.end(scene.plan(), BROKEN)

    assert healthy == ()
    assert why(scene).notes == (f"the last good build is {good.commit.short_hash}, build 1",)
    assert why(scene, B).notes == ("it has never been built successfully",)


def test_of_several_upstreams_the_one_built_is_named(scene: Scene) -> None:
    scene.change(upstreams=("https://git.example.test/a", "https://u:p@git.example.test/more"))
    build = scene.plan()
    scene.publish(build)

    short = build.commit.short_hash
    assert why(scene).notes == (f"{short} comes from https://git.example.test/a",)


def test_a_pause_is_noted_where_it_is_not_the_state(scene: Scene) -> None:
    scene.publish(scene.plan())
    scene.pause()
    note = "master-deb12 is paused by me since 2026-08-01 12:00 UTC: a new disk"

    assert why(scene).notes == (note,)
    scene.plan()
    assert note not in why(scene).notes
    assert why(scene).view.sentence == note


NEXT = {
    PackageState.BUILT: "",
    PackageState.UNDER_REVIEW: "after the review, remove the tag",
    PackageState.RUNNING: "",
    PackageState.HELD: "rdo trunk release python-a ends the hold",
    PackageState.PAUSED: "rdo trunk resume --target master-deb12 ends the pause",
    PackageState.QUEUED: "rdo trunk run --target master-deb12",
    PackageState.RESTING: "rdo trunk run --target master-deb12, after that time",
    PackageState.WAITING: "retried in the round after the package it waits for is built",
    PackageState.FAILED: "waits for a new commit upstream or in the distgit",
    PackageState.MISSING: "package the missing requirement or drop it, then commit",
    PackageState.CYCLE: "make one of the specs require less under %{repo_bootstrap}",
    PackageState.UNREACHABLE: "each round polls it again",
    PackageState.BRANCH_GONE: "correct its branch in the metadata",
    PackageState.EXCLUDED: "nothing to do, unless the spec should build on this architecture",
    PackageState.FAULTY: "correct the metadata; rdo info verify shows all its faults",
    PackageState.NEW: "rdo trunk run --target master-deb12",
}


@pytest.mark.parametrize("state", SCENES, ids=str)
def test_each_state_says_what_comes_next(scene: Scene, state: PackageState) -> None:
    SCENES[state](scene)

    found = why(scene).next

    assert found.startswith(NEXT[state])
    assert bool(found) is bool(NEXT[state])
    assert "{" not in found.replace("%{repo_bootstrap}", "")


def test_programs_read_what_they_always_have(scene: Scene) -> None:
    scene.publish(scene.plan())
    scene.now += timedelta(minutes=1)
    build = scene.plan()
    scene.end(build, Failed(FailureReason.TEST, "%check: x"))

    row = why_row(why(scene))

    assert row["step"] == {
        "package": A,
        "state": "FTBFS",
        "why": "its tests fail: x",
        "since": NOW + timedelta(minutes=1),
        "commit": build.commit.short_hash,
        "build_id": 2,
        "waits_for": (),
    }
    assert list(row) == ["target", "step", "chain", "needed_by", "notes", "next", "ack"]


def test_a_package_of_other_releases_is_told_from_one_that_nobody_knows(scene: Scene) -> None:
    view = read_target(scene.trunk)

    assert (
        not_found(view, "python-x", ["oak"]).next == "add the release's tag to it in the metadata"
    )
    with pytest.raises(NotFoundError, match='matches python-aa; did you mean "python-a"'):
        not_found(view, "python-aa", [])
