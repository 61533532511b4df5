"""The switch by which targets share the noarch RPMs of a package."""

import pytest

from rdo import metadata
from rdo.metadata import MetadataError

from .conftest import MINIMAL, Folder


def shares(folder: Folder, *lines: str) -> bool:
    """Whether the package of a release is shared, with these lines of the package."""
    text = "".join(f"  {line}\n" for line in lines)
    folder.write(main=f"{MINIMAL}packages:\n- project: a\n{text}")
    (package,) = metadata.load(folder.path, "main.yml").target("oak").packages
    return package.shares_noarch


def test_a_package_is_shared_where_it_or_its_release_says_so(folder: Folder) -> None:
    assert not shares(folder, "tags: {oak: ~}")
    assert shares(folder, "tags: {oak: ~}", "share-noarch: true")
    assert shares(folder, "tags: {oak: {share-noarch: true}}")
    assert not shares(folder, "tags: {oak: {share-noarch: false}}", "share-noarch: true")


@pytest.mark.parametrize("value", ["yes please", "1", "[deb12]"])
def test_only_true_or_false_is_understood(folder: Folder, value: str) -> None:
    with pytest.raises(MetadataError, match="share-noarch must be true or false") as caught:
        shares(folder, "tags: {oak: ~}", f"share-noarch: {value}")

    line = len(MINIMAL.splitlines()) + 4
    assert str(caught.value.faults[0]).startswith(f"main.yml:{line}:")
