"""When two packages' entries of one path keep rpm from installing both."""

import stat
from dataclasses import replace

import pytest

from rdo.checks.rpm_files import difference
from rdo.tools.rpm.many_headers import FileEntry

FILE = FileEntry(stat.S_IFREG | 0o644, "root", "root", "5a", 0)
LINK = FileEntry(stat.S_IFLNK | 0o777, "root", "root", "there", 0)
FOLDER = FileEntry(stat.S_IFDIR | 0o755, "root", "root", "", 0)


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (FILE, FILE, ""),
        (FILE, replace(FILE, content="5b"), "content"),
        (FILE, replace(FILE, mode=stat.S_IFREG | 0o755), "mode 100644 and 100755"),
        (FILE, replace(FILE, user="nova"), "owner root:root and nova:root"),
        (FILE, replace(FILE, group="nova"), "owner root:root and root:nova"),
        (replace(FILE, color=1), replace(FILE, content="5b", color=2), ""),
        (replace(FILE, color=2), replace(FILE, content="5b", color=2), "content"),
        (FILE, LINK, "mode 100644 and 120777"),
        (LINK, replace(LINK, content="elsewhere"), "content"),
        (LINK, replace(LINK, mode=stat.S_IFLNK | 0o755), ""),
        (FOLDER, replace(FOLDER, user="nova"), ""),
        (FOLDER, replace(FOLDER, mode=stat.S_IFDIR | 0o700), "mode 40755 and 40700"),
    ],
)
def test_entries_are_compared_as_rpm_does(one: FileEntry, other: FileEntry, told: str) -> None:
    assert difference(one, other) == told
