"""The switch that turns the tests of a package off, with its reason."""

import pytest

from rdo import metadata
from rdo.metadata import MetadataError

from .conftest import MINIMAL, Folder


def reason(folder: Folder, *lines: str) -> str:
    """What the package of a release is told, with these lines of the package."""
    text = "".join(f"  {line}\n" for line in lines)
    folder.write(main=f"{MINIMAL}packages:\n- project: a\n{text}")
    (package,) = metadata.load(folder.path, "main.yml").target("oak").packages
    return package.skip_tests


def test_tests_are_run_where_nothing_else_is_said(folder: Folder) -> None:
    assert reason(folder, "tags: {oak: ~}") == ""


def test_the_reason_may_be_the_packages_or_that_of_a_release(folder: Folder) -> None:
    assert reason(folder, "tags: {oak: ~}", "skip-tests: need a network") == "need a network"
    assert reason(folder, "tags: {oak: {skip-tests: too slow}}") == "too slow"
    assert reason(folder, "tags: {oak: {skip-tests: ~}}", "skip-tests: need a network") == ""


@pytest.mark.parametrize("value", ["true", "''", "[slow]", "' '"])
def test_tests_are_not_turned_off_without_a_reason(folder: Folder, value: str) -> None:
    with pytest.raises(MetadataError, match="skip-tests must give the reason why") as caught:
        reason(folder, "tags: {oak: ~}", f"skip-tests: {value}")

    line = len(MINIMAL.splitlines()) + 4
    assert str(caught.value.faults[0]).startswith(f"main.yml:{line}:")
