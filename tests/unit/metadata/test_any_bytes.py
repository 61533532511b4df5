"""Whatever bytes the files have: an answer or a UserError, in bounded time."""

import contextlib
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdo import metadata
from rdo.errors import UserError
from rdo.metadata.checking.verify import verify

from .conftest import DATA, Folder

SEEDS = sorted(path.relative_to(DATA) for path in Path(DATA).rglob("*.yml"))
PIECES = [
    *(b"[" * 3000, b"{a: " * 3000, b"- " * 3000, b"? " * 2000, b"!!python/object:os.system x"),
    *(b"&a [*a, *a]", b"<<: *a", b"\xff\xfe", b"\x00", b"\r", b"\t", b"%(name)s", b"---\n", b": "),
    *(b"1" * 5000, b"1e999", b"0x", b"2026-99-99", b"!!binary x", b"!!timestamp x", b"*b", b"| \n"),
]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Path, bytes]:
    """A file of the tests' own with a few pieces put in, or taken out."""
    path = draw(st.sampled_from(SEEDS))
    content = (DATA / path).read_bytes()
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        gone = draw(st.integers(0, 40))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=8))
        content = content[:place] + piece + content[place + gone :]
    return path, content


@settings(max_examples=100, deadline=None)
@given(file=damaged())
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[Path, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("info") / "all"
    shutil.copytree(DATA, folder)
    (folder / file[0]).write_bytes(file[1])

    with contextlib.suppress(UserError):
        found = metadata.load(folder, "all.yml")
        verify(found)
        for release in ("oak", "master"):
            with contextlib.suppress(UserError):
                found.target(release)


def test_lists_that_multiply_by_aliases_are_refused(folder: Folder) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    folder.write(main="\n".join(rows) + "\nreleases: *a11\npackages: *a11\n")

    with pytest.raises(UserError):
        metadata.load(folder.path, "main.yml").target("oak")
