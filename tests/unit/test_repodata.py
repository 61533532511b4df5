import gzip
import tempfile
from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdo.model.artifact import Fragment
from rdo.repodata import Composer, RepositoryEntry, _segmented

FRAGMENT = Fragment(
    '<package type="rpm">\n  <location href="x.rpm"/>\n</package>\n',
    '<package name="x"/>\n',
    '<package name="x"/>\n',
)
HREF = "{http://linux.duke.edu/metadata/common}location"


class Fetched:
    """Hands out fragments and remembers what it was asked for."""

    def __init__(self) -> None:
        self.keys: list[int] = []

    def __call__(self, keys: Collection[int]) -> dict[int, Fragment]:
        self.keys += keys
        return dict.fromkeys(keys, FRAGMENT)


def entries(count: int) -> list[RepositoryEntry]:
    return [
        RepositoryEntry(number, f"p{number}", f"pool/{number}/x.rpm") for number in range(count)
    ]


def read(directory: Path, kind: str) -> ElementTree.Element:
    (file,) = (directory / "repodata").glob(f"*-{kind}.xml.gz")
    return ElementTree.fromstring(gzip.decompress(file.read_bytes()))


def test_hrefs_and_counts(tmp_path: Path) -> None:
    composer = Composer(Fetched())

    composer.write(tmp_path, [("own.rpm", FRAGMENT)], entries(2), revision=7)

    primary = read(tmp_path, "primary")
    assert primary.get("packages") == "3"
    assert sorted(found.get("href", "") for found in primary.iter(HREF)) == [
        "own.rpm",
        "pool/0/x.rpm",
        "pool/1/x.rpm",
    ]
    assert [len(read(tmp_path, kind)) for kind in ("filelists", "other")] == [3, 3]
    assert "<revision>7</revision>" in (tmp_path / "repodata/repomd.xml").read_text()


def test_an_empty_repository_is_a_repository(tmp_path: Path) -> None:
    Composer(Fetched()).write(tmp_path, [], [], revision=1)

    assert read(tmp_path, "primary").get("packages") == "0"


def test_an_href_cannot_leave_its_attribute(tmp_path: Path) -> None:
    hostile = 'a"/><evil x="&<>.rpm'

    Composer(Fetched()).write(tmp_path, [(hostile, FRAGMENT)], [], revision=1)

    (location,) = read(tmp_path, "primary").iter(HREF)
    assert location.get("href") == hostile


def test_a_change_asks_only_for_its_own_segment(tmp_path: Path) -> None:
    fetched = Fetched()
    composer = Composer(fetched)
    for name, some in (("one", entries(400)), ("two", entries(399))):
        (tmp_path / name).mkdir()
        composer.write(tmp_path / name, [], some, revision=1)

    assert len(fetched.keys) - 400 < 30


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        Composer(Fetched()).write(tmp_path / name, [], entries(5), revision=1)

    one, two = ((tmp_path / name / "repodata/repomd.xml").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_fragment_without_location_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no location"):
        Composer(Fetched()).write(tmp_path, [("x", Fragment("", "", ""))], [], revision=1)


@given(st.permutations(range(60)))
def test_the_order_of_fragments_changes_nothing_that_a_client_reads(order: list[int]) -> None:
    found = []
    for numbers in (range(60), order):
        with tempfile.TemporaryDirectory() as folder:
            shuffled = [entries(60)[number] for number in numbers]
            Composer(Fetched()).write(Path(folder), [], shuffled, revision=1)
            packages = read(Path(folder), "primary")
            found.append(
                (packages.get("packages"), sorted(x.attrib["href"] for x in packages.iter(HREF)))
            )

    assert found[0] == found[1]


@given(st.integers(min_value=0, max_value=200))
def test_segments_hold_every_entry_once_and_few_packages(count: int) -> None:
    groups = _segmented(entries(count))

    assert sorted(entry.key for group in groups for entry in group) == list(range(count))
    assert all(groups)


def test_a_later_process_has_the_segments_of_an_earlier_one(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    Composer(Fetched(), tmp_path / "shelf").write(one, [], entries(40), revision=1)
    fetched = Fetched()

    Composer(fetched, tmp_path / "shelf").write(two, [], entries(40), revision=1)

    assert fetched.keys == []
    assert (one / "repodata/repomd.xml").read_bytes() == (two / "repodata/repomd.xml").read_bytes()


@pytest.mark.parametrize("harm", [b"", b"1 2 3\n", b"nonsense", b"5 5 5\n" + b"x" * 15])
def test_a_damaged_segment_is_made_again(tmp_path: Path, harm: bytes) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    Composer(Fetched(), tmp_path / "shelf").write(tmp_path / "one", [], entries(9), revision=1)
    [kept] = (tmp_path / "shelf").iterdir()
    kept.write_bytes(harm)
    fetched = Fetched()

    Composer(fetched, tmp_path / "shelf").write(tmp_path / "two", [], entries(9), revision=1)

    assert len(fetched.keys) == 9
    assert read(tmp_path / "two", "primary").get("packages") == "9"


def test_segments_that_nobody_needs_leave_the_shelf(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        composer = Composer(Fetched(), tmp_path / "shelf")
        composer.write(tmp_path / str(number), [], entries(8 + number), revision=1)

    assert len(list((tmp_path / "shelf").iterdir())) == 1
