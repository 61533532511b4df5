"""The forms of `sources` that are read, and the one that is written."""

import pytest

from rdo.errors import ConfigError, RefusedError, UserError
from rdo.lookaside.hashes import HashType
from rdo.lookaside.layout import Layout, read_path
from rdo.lookaside.sources_file import SourceEntry, parse_sources

MD5, SHA256, SHA512 = "a" * 32, "b" * 64, "c" * 128


def entry(name: str = "foo-1.0.tar.gz", digest: str = SHA512) -> SourceEntry:
    return SourceEntry(name, HashType.SHA512, digest)


@pytest.mark.parametrize(
    ("line", "kind", "folder"),
    [
        (f"SHA512 (foo-1.0.tar.gz) = {SHA512}", HashType.SHA512, ""),
        (f"SHA512 (foo-1.0.tar.gz) = {SHA512.upper()}", HashType.SHA512, ""),
        (f"MD5 (foo-1.0.tar.gz) = {MD5}", HashType.MD5, ""),
        (f"{MD5}  foo-1.0.tar.gz", HashType.MD5, ""),
        (f"{MD5} *foo-1.0.tar.gz", HashType.MD5, ""),
        # rpkg's base class writes this form for sha512, and then reads it as md5
        (f"{SHA512}  foo-1.0.tar.gz", HashType.SHA512, ""),
        (f"{SHA256} SOURCES/foo-1.0.tar.gz", HashType.SHA256, "SOURCES"),
    ],
)
def test_forms(line: str, kind: HashType, folder: str) -> None:
    (found,) = parse_sources(f"{line}\n").entries
    assert (found.name, found.hash_type, found.folder) == ("foo-1.0.tar.gz", kind, folder)


def test_a_list_of_comments_is_empty() -> None:
    found = parse_sources("# not used for RDO Trunk builds.\n\n")
    assert found.entries == ()
    assert str(found) == "# not used for RDO Trunk builds.\n\n"


@pytest.mark.parametrize(
    "line",
    [
        "foo-1.0.tar.gz",
        f"SHA512 (foo-1.0.tar.gz) = {MD5}",
        f"{MD5}  ../foo",
        f"{MD5}  /etc/passwd",
        f"{SHA256} SPECS/foo.spec",
        f"SHA512 (../foo) = {SHA512}",
        f"SHA512 (.git) = {SHA512}",
        f"SHA512 (a b) = {SHA512}",
        f"{'g' * 32}  foo",
    ],
)
def test_what_is_no_entry(line: str) -> None:
    with pytest.raises(UserError):
        parse_sources(f"# first\n{line}\n")


def test_a_bad_line_is_named_by_its_number() -> None:
    with pytest.raises(ConfigError, match="line 2"):
        parse_sources("# first\nwhat is this\n")


def test_an_upload_replaces_its_own_line_alone() -> None:
    before = parse_sources(f"# one\n{entry()}\n{entry('bar-1.tar.gz')}\n")
    after = before.add([entry(digest="d" * 128), entry("new.tar.gz")])
    assert str(after).splitlines() == [
        "# one",
        f"SHA512 (foo-1.0.tar.gz) = {'d' * 128}",
        f"SHA512 (bar-1.tar.gz) = {SHA512}",
        f"SHA512 (new.tar.gz) = {SHA512}",
    ]


def test_a_list_has_one_hash_type() -> None:
    with pytest.raises(RefusedError, match="md5 for foo"):
        parse_sources(f"{MD5}  foo-1.0.tar.gz\n").add([entry("new.tar.gz")])


@pytest.mark.parametrize("layout", Layout)
def test_a_path_is_read_as_it_is_written(layout: Layout) -> None:
    path = layout.path("rpms/foo", entry(), "c9s-sig")
    assert read_path(layout, path).digest == SHA512


@pytest.mark.parametrize("package", ["", "..", "a/../b", "/a", "a//b", ".a", "a\n", "a/b/c/d/e"])
def test_a_package_that_is_no_path(package: str) -> None:
    with pytest.raises(RefusedError):
        Layout.FEDORA.path(package, entry())
