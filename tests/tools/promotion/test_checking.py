"""A check of a whole repository: what cannot be installed, why, and who maintains it."""

from dataclasses import replace
from pathlib import Path

import pytest

from rdo.app.targets import OpenTarget
from rdo.checks.findings import CHEAP, CheckAnswer, CheckName
from rdo.errors import RefusedError
from rdo.promotion.checking import Surroundings, check
from rdo.promotion.compositions import change, find
from rdo.publish.site import Members
from rdo.solver import SolverRepository
from rdo.tools.rpm.createrepo import CreateRepo
from tests.publishing import Factory, open_target, package
from tests.rpms import make_rpms

ALONE = Surroundings("x86_64")


def answers(
    target: OpenTarget, name: str, against: str = "", around: Surroundings = ALONE
) -> dict[str, CheckAnswer]:
    before = find(target, against) if against else None
    found = check(target, find(target, name), around, against=before)
    assert [one.check for one in found] == list(dict.fromkeys(one.check for one in found))
    return {one.check: one for one in found}


@pytest.fixture
def six(made: Factory) -> Factory:
    """Six members, each with a maintainer."""
    packages = tuple(
        replace(package(f"python-{letter}"), maintainers=(f"{letter}@example.test",))
        for letter in "abcdef"
    )
    made.members = Members(packages)
    return made


def test_a_whole_repository_passes(six: Factory) -> None:
    six.publish("python-a", "a1")
    six.publish("python-b", "b1", requires=("python3-a >= 1.0",))
    six.publish("python-c", "c1", requires=("/usr/share/python-b/file",))

    found = answers(open_target(six), "current", against="current")

    assert {name for name, one in found.items() if not one.passed} == {CheckName.SIGNED}
    assert found[CheckName.SIGNED].skipped
    assert set(found) == set(CHEAP)


def test_pair_and_chain_of_what_cannot_be_installed_are_reported(six: Factory) -> None:
    six.publish("python-a", "a1")
    six.publish("python-b", "b1", requires=("python3-a >= 2",))
    six.publish("python-c", "c1", requires=("python3-b",))

    found = answers(open_target(six), "current")[CheckName.INSTALLABLE].findings

    assert [(one.package, one.what) for one in found] == [
        (
            "python-b",
            "python3-b-1.0-1.noarch cannot be installed: nothing provides python3-a >= 2",
        ),
        (
            "python-b",
            "python3-c-1.0-1.noarch cannot be installed: nothing provides python3-a >= 2",
        ),
    ]
    assert found[1].chain == (
        "python3-c-1.0-1.noarch requires python3-b, but none of its providers can be installed",
        "nothing provides python3-a >= 2, which python3-b-1.0-1.noarch requires",
    )
    assert found[1].maintainers == ("b@example.test",)


def test_what_is_gone_is_laid_at_the_package_that_had_it(six: Factory) -> None:
    six.publish("python-a", "a1")
    six.publish("python-b", "b1", requires=("python3-a = 1.0",))
    before = six.leads("current")
    six.publish("python-a", "a2", "2.0")
    target = open_target(six)

    found = answers(target, "current", against=before)

    [gone] = found[CheckName.VANISHED].findings
    assert gone.package == "python-a"
    assert gone.what == (
        "python3-b-1.0-1.noarch cannot be installed: "
        "python3-a-1.0-1.noarch provided python3-a = 1.0, which is gone"
    )
    assert gone.maintainers == ("a@example.test",)
    assert found[CheckName.INSTALLABLE].passed
    assert answers(target, "current")[CheckName.VANISHED].skipped


def test_a_file_that_is_gone_is_laid_at_the_package_that_had_it(six: Factory) -> None:
    six.publish("python-a", "a1")
    six.publish("python-b", "b1", requires=("/usr/share/python-a/file",))
    before = six.leads("current")
    target = open_target(six)
    wanted = change(target, find(target, "current"), (), ["python-a"])
    [composed] = six.tree.compose(wanted.build_ids, six.members)

    [gone] = answers(target, composed.path, against=before)[CheckName.VANISHED].findings

    assert gone.package == "python-a"


def test_what_was_never_there_is_not_gone(six: Factory) -> None:
    six.publish("python-a", "a1")
    before = six.leads("current")
    six.publish("python-b", "b1", requires=("python3-a >= 2",))

    found = answers(open_target(six), "current", against=before)

    assert found[CheckName.VANISHED].passed
    assert [one.package for one in found[CheckName.INSTALLABLE].findings] == ["python-b"]


def test_a_step_back_is_reported(six: Factory) -> None:
    six.publish("python-a", "a1", "2.0")
    before = six.leads("current")
    six.publish("python-a", "a2", "1.0")

    found = answers(open_target(six), "current", against=before)

    assert [one.package for one in found[CheckName.BACKWARDS].findings] == ["python-a"]


def test_packages_that_exclude_each_other_are_installable_one_by_one(six: Factory) -> None:
    six.publish("python-a", "a1", requires=("(python3-c or python3-b)",))
    six.publish("python-b", "b1")
    six.publish("python-c", "c1")
    six.publish("python-d", "d1", requires=("python3-a\nConflicts: python3-b",))

    assert answers(open_target(six), "current")[CheckName.INSTALLABLE].passed


def test_an_rpm_whose_requirements_exclude_each_other_is_reported_with_the_conflict(
    six: Factory,
) -> None:
    six.publish("python-a", "a1")
    six.publish("python-b", "b1")
    six.publish("python-c", "c1", requires=("python3-a\nConflicts: python3-b",))
    six.publish("python-d", "d1", requires=("python3-b", "python3-c"))

    [found] = answers(open_target(six), "current")[CheckName.INSTALLABLE].findings

    assert (found.package, found.what) == (
        "python-d",
        "python3-d-1.0-1.noarch cannot be installed",
    )
    assert any("conflicts with python3-b" in sentence for sentence in found.chain)


def test_the_base_system_and_the_snapshot_of_dependencies_provide_too(
    six: Factory, tmp_path: Path
) -> None:
    for folder, name in ((tmp_path / "base", "python-base"), (tmp_path / "deps", "python-dep")):
        make_rpms(folder, name)
        CreateRepo().create(folder)
    snapshot = six.tree.repos / "deps/0123456789abcdef"
    snapshot.parent.mkdir(parents=True)
    (tmp_path / "deps").rename(snapshot)
    url = "http://127.0.0.1/master-deb12/repos/deps/0123456789abcdef"
    (six.tree.repos / "delorean-deps.repo").write_text(f"[deps]\nbaseurl={url}\n")
    six.publish("python-a", "a1", requires=("python3-base", "python3-dep"))
    base = SolverRepository("base", tmp_path / "base", 90, installed=True)

    found = answers(open_target(six), "current", around=Surroundings("x86_64", (base,)))
    without = answers(open_target(six), "current")

    assert found[CheckName.INSTALLABLE].passed
    [lacks] = without[CheckName.INSTALLABLE].findings
    assert "nothing provides python3-base" in lacks.what


def test_what_dnf_does_not_let_hosts_see_provides_nothing(six: Factory, tmp_path: Path) -> None:
    make_rpms(tmp_path / "base", "python-base")
    CreateRepo().create(tmp_path / "base")
    visible = tmp_path / "visible"
    base = SolverRepository("base", tmp_path / "base", 90, visible=visible)
    around = Surroundings("x86_64", (base,))
    six.publish("python-a", "a1", requires=("python3-base",))

    visible.write_text("python3-base-1.0-1.noarch\n")
    seen = answers(open_target(six), "current", around=around)
    visible.write_text("")
    hidden = answers(open_target(six), "current", around=around)

    assert seen[CheckName.INSTALLABLE].passed
    assert [one.package for one in hidden[CheckName.INSTALLABLE].findings] == ["python-a"]


def test_a_set_of_builds_that_nobody_composed_is_refused(six: Factory) -> None:
    six.publish("python-a", "a1")
    six.publish("python-b", "b1")
    target = open_target(six)

    with pytest.raises(RefusedError, match="is in no repository"):
        check(target, change(target, find(target, "current"), (), ["python-a"]), ALONE)
