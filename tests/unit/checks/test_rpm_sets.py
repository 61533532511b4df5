"""What names and versions alone say about a repository."""

from rdo.checks.rpm_sets import check_backwards, check_duplicates
from rdo.model.artifact import Artifact
from rdo.model.nevra import Nevra
from rdo.store.work.artifacts import StoredArtifact


def rpm(nevra: str, package: str, *, is_source: bool = False) -> StoredArtifact:
    parsed = Nevra.parse(nevra)
    file_name = f"{nevra.partition(':')[2] or nevra}.rpm"
    return StoredArtifact(0, 1, package, Artifact(file_name, parsed, "0" * 64, 1, is_source))


def test_two_packages_with_one_rpm_are_both_named() -> None:
    rpms = [
        rpm("python3-x-1-1.noarch", "python-x"),
        rpm("python3-x-2-1.noarch", "python-other"),
        rpm("python3-x-2-1.x86_64", "python-arch"),
        rpm("python-x-1-1.src", "python-x", is_source=True),
    ]

    [found] = check_duplicates(rpms)

    assert found.package == "python-other"
    assert found.what == "python3-x-2-1.noarch.rpm has the name of python3-x-1-1.noarch.rpm"
    assert found.chain == ("package python-x has the other one",)


def test_an_rpm_that_goes_back_is_named_and_others_are_not() -> None:
    before = [rpm("1:a-1-1.noarch", "a"), rpm("b-1.10-1.noarch", "b"), rpm("gone-1-1.noarch", "g")]
    after = [rpm("a-2-1.noarch", "a"), rpm("b-1.9-1.noarch", "b"), rpm("new-1-1.noarch", "n")]

    found = check_backwards(before, after)

    assert [(one.package, one.what) for one in found] == [
        ("a", "a goes back"),
        ("b", "b goes back"),
    ]
    assert "dnf distro-sync a" in found[0].chain[0]
    assert check_backwards(before, before) == ()
