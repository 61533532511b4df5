"""How `rdo why` explains a package that came over the bridge."""

import pytest

from rdo.bridge.lock_file import LockedPackage, LockFile, PackageOrigin
from rdo.trunk.order.providers import Providers
from rdo.trunk.views.state import PackageState, read_target
from rdo.trunk.views.why import Known, explain
from rdo.trunk.views.why_bridged import explain_bridged, with_beginning
from tests.unit.trunk.views.scene import A, B, Scene

REQUESTS = LockedPackage(
    PackageOrigin.PYPI,
    "Requests",
    "2.31",
    "0" * 64,
    requires=("idna>=2.5",),
    asked_by=("python3dist(requests) >= 2",),
)
IDNA = LockedPackage(PackageOrigin.PYPI, "idna", "3.4", "1" * 64)
FFI = LockedPackage(
    PackageOrigin.DEBIAN, "libffi-dev", "3.4.4", "2" * 64, asked_by=("libffi-devel",)
)
ENTRIES = (REQUESTS, IDNA, FFI)


def known(scene: Scene) -> Known:
    requires = {
        A: frozenset({"python3dist(requests) >= 2"}),
        B: frozenset({"libffi-devel", "cmake"}),
    }
    return Known(read_target(scene.trunk), Providers(scene.packages.values()), requires)


@pytest.mark.parametrize("text", ["idna", "python3dist(idna)", "IDNA"])
def test_it_names_what_requires_it_and_the_package_that_began_it(scene: Scene, text: str) -> None:
    found = explain_bridged(known(scene), text, LockFile(ENTRIES))

    assert found
    assert found.view.state is PackageState.BRIDGED
    assert found.view.sentence.startswith("3.4 came from PyPI: Requests 2.31 requires idna>=2.5; ")
    assert [one.package for one in found.chain] == ["Requests"]
    assert found.needed_by == (A,)


@pytest.mark.parametrize("text", ["libffi-dev", "libffi-devel"])
def test_a_debian_package_is_known_by_its_name_and_by_what_asked_for_it(
    scene: Scene, text: str
) -> None:
    found = explain_bridged(known(scene), text, LockFile(ENTRIES))

    assert found
    assert found.view.sentence.startswith("3.4.4 came from Debian: ")
    assert (found.chain, found.needed_by) == ((), (B,))


def test_what_did_not_come_over_the_bridge_is_none_of_its_business(scene: Scene) -> None:
    assert explain_bridged(known(scene), "flask", LockFile(ENTRIES)) is None


@pytest.mark.parametrize(
    ("entry", "notes"),
    [
        (
            LockedPackage(PackageOrigin.PYPI, "a", "1.2", "3" * 64),
            ("bootstrap builds used version 1.2 from PyPI, to break a cycle",),
        ),
        (LockedPackage(PackageOrigin.DEBIAN, "a", "1.2", "3" * 64), ()),
        (LockedPackage(PackageOrigin.PYPI, "b", "1.2", "3" * 64), ()),
    ],
)
def test_a_package_that_began_with_one_from_outside_says_so(
    scene: Scene, entry: LockedPackage, notes: tuple[str, ...]
) -> None:
    before = explain(known(scene), A)

    found = with_beginning(before, scene.packages[A], [entry])

    assert found.notes == (*before.notes, *notes)
