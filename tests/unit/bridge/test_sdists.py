"""Which source archive of an index is taken; packaging's own rules differ between versions."""

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from rdo.bridge.sdists import newest
from rdo.package_index import Sdist


def offered(*versions: str) -> list[Sdist]:
    """Sdists of these versions; a `!` marks one that was yanked."""
    return [
        Sdist("f", Version(text.rstrip("!")), "u", "s", is_yanked=text.endswith("!"))
        for text in versions
    ]


@pytest.mark.parametrize(
    ("specifier", "versions", "wanted"),
    [
        ("", ("0.27", "0.28.1", "1.0.dev6", "1.0b1"), "0.28.1"),
        (">=0.2", ("0.28.1", "1.0.dev6"), "0.28.1"),
        (">=0.28,<1.1", ("0.28.1", "1.0rc1"), "0.28.1"),
        (">=1.0b1", ("0.28.1", "1.0b1", "1.0b2"), "1.0b2"),
        (">=0.2,!=1.0b1", ("0.28.1", "1.0b1", "1.0b2"), "0.28.1"),
        (">=0.2,<1.0rc1", ("0.28.1", "1.0b1"), "0.28.1"),
        ("~=1.0b1", ("0.28.1", "1.0b1", "1.0b2"), "1.0b2"),
        ("===1.0b1", ("0.28.1", "1.0b1"), "1.0b1"),
        ("==1.0.dev6", ("0.28.1", "1.0.dev6"), "1.0.dev6"),
        ("", ("1.0.dev6", "1.0b1"), "1.0b1"),
        (">=0.29", ("0.28.1", "1.0.dev6", "1.0b1"), "1.0b1"),
        ("", ("1.0", "1.1!", "1.1.post1!"), "1.0"),
        ("", ("1.0!", "1.1b1"), "1.1b1"),
        ("", ("1.0", "1.0.post1"), "1.0.post1"),
        ("<1", ("1.0", "1.1"), None),
        ("", (), None),
    ],
)
def test_a_prerelease_is_taken_only_if_asked_for_or_nothing_final_fits(
    specifier: str, versions: tuple[str, ...], wanted: str | None
) -> None:
    chosen = newest(offered(*versions), SpecifierSet(specifier))

    assert (str(chosen.version) if chosen else None) == wanted
