"""A repository is installed in a fresh root, and upgraded to; whatever breaks is reported."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rdo.checks.findings import CheckAnswer, CheckName
from rdo.promotion.checked import CheckWish, check
from rdo.promotion.checking import Subject, Surroundings
from rdo.promotion.compositions import find
from rdo.publish.site import Members
from rdo.solver import SolverRepository
from tests.e2e.command import base_layer, needs_roots, rdo
from tests.e2e.own_index import Factory as Site
from tests.publishing import Factory, open_target, package

pytestmark = needs_roots
MODULES = "/usr/lib/python3.11/site-packages"


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    base = base_layer()
    installed = SolverRepository("base", base.metadata, 90, installed=True)
    roots = tmp_path_factory.mktemp("roots")
    return Surroundings(base.platform.arch, (installed,), base, roots=roots)


@pytest.fixture
def made(made: Factory) -> Factory:
    made.members = Members(
        tuple(
            replace(package(f"python-{letter}"), maintainers=(f"{letter}@example.test",))
            for letter in "abc"
        )
    )
    return made


def answer(made: Factory, around: Surroundings, name: CheckName, against: str = "") -> CheckAnswer:
    target = open_target(made)
    before = find(target, against) if against else None
    subject = Subject(target, find(target, "current"), around, before)
    [found] = check(subject, CheckWish((name,)), by="me")
    return found


@pytest.mark.slow
def test_what_works_passes(made: Factory, around: Surroundings) -> None:
    made.publish("python-a", "a1", files=((f"{MODULES}/a/__init__.py", "import json"),))
    made.publish(
        "python-b", "b1", files=((f"{MODULES}/b.py", "import a"),), requires=("python3-a",)
    )

    found = answer(made, around, CheckName.INSTALL)

    assert found.passed, found.findings
    assert found.said == "2 RPMs installed, 2 modules imported"
    assert "installing 2 packages" in (made.folder / found.log).read_text()


def test_a_module_that_cannot_be_imported_is_reported(made: Factory, around: Surroundings) -> None:
    made.publish("python-a", "a1", files=((f"{MODULES}/a.py", "new_name = 1"),))
    bad = (
        (f"{MODULES}/b/__init__.py", ""),
        (f"{MODULES}/b/needs.py", "from a import old_name"),
        (f"{MODULES}/b/leaves.py", "import os; os._exit(3)"),
        (f"{MODULES}/b/tests/test_it.py", "import nothing"),
        (f"{MODULES}/b/works.py", ""),
    )
    made.publish("python-b", "b1", files=bad, requires=("python3-a",))

    [found] = answer(made, around, CheckName.INSTALL).findings

    assert (found.package, found.maintainers) == ("python-b", ("b@example.test",))
    assert found.what.startswith("python3-b: b.")
    leaves, needs = sorted(found.chain)
    assert leaves == "b.leaves: importing it ends Python with status 3"
    assert "b.needs: ImportError: cannot import name 'old_name' from 'a'" in needs

    without = replace(around, import_exceptions=("b.leav*", "b.needs"))
    assert answer(made, without, CheckName.INSTALL).findings == ()


def test_files_that_a_scriptlet_changes_and_one_that_fails_are_reported(
    made: Factory, around: Surroundings
) -> None:
    changes = "rpm\n%post -n python3-a\necho more >> /usr/share/python-a/file\nexit 1"
    made.publish("python-a", "a1", requires=(changes,))

    found = answer(made, around, CheckName.INSTALL)

    assert any("scriptlet failed" in one.what for one in found.findings), found
    assert any(
        one.what == "python3-a: rpm -V finds 1 files changed"
        and "/usr/share/python-a/file" in one.chain[0]
        for one in found.findings
    ), found


def test_packages_that_exclude_each_other_get_roots_of_their_own(
    made: Factory, around: Surroundings
) -> None:
    made.publish("python-a", "a1")
    made.publish("python-b", "b1", requires=("rpm\nConflicts: python3-a",))

    found = answer(made, around, CheckName.INSTALL)

    assert found.passed
    assert found.said == "2 RPMs installed, 0 modules imported"


def test_units_are_not_verified_without_systemd_and_this_is_reported(
    made: Factory, around: Surroundings
) -> None:
    unit = ("/usr/lib/systemd/system/a.service", "[Service]\nExecStart=/nowhere")
    made.publish("python-a", "a1", files=(unit,))

    found = answer(made, around, CheckName.INSTALL)

    assert found.passed
    assert "skipped: 1 units, because the root has no systemd-analyze" in found.said


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of dependencies with dnf and systemd."""
    site = Site(tmp_path_factory.mktemp("tools"))
    done = rdo("platform", "deps", "add", "dnf", "systemd", cwd=site.folder)
    assert done.code == 0, done.stderr
    return site.snapshot


@pytest.fixture
def equipped(made: Factory, tools: Path) -> Factory:
    """A target whose dependencies have what a host is upgraded and started by."""
    shutil.copytree(tools, made.tree.repos / "deps" / tools.name, copy_function=os.link)
    url = f"http://127.0.0.1/master-deb12/repos/deps/{tools.name}"
    (made.tree.repos / "delorean-deps.repo").write_text(f"[deps]\nbaseurl={url}\n")
    return made


@pytest.mark.slow
def test_a_faulty_unit_is_reported(equipped: Factory, around: Surroundings) -> None:
    good = ("/usr/lib/systemd/system/b.service", "[Service]\nExecStart=/usr/bin/true")
    bad = ("/usr/lib/systemd/system/a.service", "[Service]\nExecStart=/nowhere")
    equipped.publish("python-a", "a1", files=(bad,))
    equipped.publish("python-b", "b1", files=(good,))

    [found] = answer(equipped, around, CheckName.INSTALL).findings

    assert found.package == "python-a"
    assert "/nowhere" in found.what


def test_an_upgrade_that_dnf_can_do_passes(equipped: Factory, around: Surroundings) -> None:
    equipped.publish("python-a", "a1")
    equipped.publish("python-b", "b1")
    before = equipped.leads("current")
    equipped.publish("python-a", "a2", "2.0")

    found = answer(equipped, around, CheckName.UPGRADE, before)

    assert found.passed, found
    assert found.said == "2 packages, upgrade 1"


@pytest.mark.parametrize(
    ("version", "requires", "files", "told"),
    [
        ("2.0", ("python3-b < 1",), (), "python3-b < 1"),
        ("2.0", (), (("/usr/share/python-b/file", "mine"),), "file /usr/share/python-b/file"),
    ],
    ids=["dependencies", "files"],
)
def test_why_dnf_does_not_upgrade_is_reported(
    equipped: Factory,
    around: Surroundings,
    version: str,
    requires: tuple[str, ...],
    files: tuple[tuple[str, str], ...],
    told: str,
) -> None:
    equipped.publish("python-a", "a1")
    equipped.publish("python-b", "b1")
    before = equipped.leads("current")
    equipped.publish("python-a", "a2", version, requires=requires, files=files)
    equipped.publish("python-b", "b2", "2.0")

    [found] = answer(equipped, around, CheckName.UPGRADE, before).findings

    assert found.what.startswith("dnf does not upgrade a host: ")
    assert told in " ".join((found.what, *found.chain))
    assert found.package == "python-a"


def test_without_dnf_the_upgrade_is_skipped_with_a_remedy(
    made: Factory, around: Surroundings
) -> None:
    made.publish("python-a", "a1")
    before = made.leads("current")
    made.publish("python-a", "a2", "2.0")

    found = answer(made, around, CheckName.UPGRADE, before)

    assert "rdo platform deps add @host" in found.skipped
