"""Edits of specs of every shape: what is taken back leaves the same bytes."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rdo.errors import RefusedError
from rdo.spec import changelog
from rdo.spec.macros import get_milestone, set_milestone
from rdo.spec.magic import PatchesBase, get_magic, magic_comments, set_magic
from rdo.spec.patches import ApplyMethod, apply_method, our_patches, patch_tags, with_patches
from rdo.spec.release import bumped
from rdo.spec.tags import get_tag, set_tag
from rdo.spec.text import SpecText

FILES = ["0001-One.patch", "0002-Two-more.patch"]

PREAMBLE = (
    "%global common_desc \\\nOne line \\\n# x=y in a macro \\\nlast",
    "%{!?upstream_version: %global upstream_version %{version}%{?milestone}}",
    "%global with_doc %{!?_without_doc:1}%{?_without_doc:0}",
    "# a comment = with blanks",
    "#",
    "# patches_base=1.0.0+2",
    "#patches_ignore = DROP-IN-RPM",
    "",
    "\n\n",
    "Source1:          nova-dist.conf",
    "Source2:\tx.service",
    "%if 0%{?rhel} && 0%{?rhel} < 9\nSource3: el8.conf\nPatch20: el8-only.patch\n%endif",
    "%if 0%{?sources_gpg} == 1\nSource101: https://example.test/%{name}.asc\n%endif",
    "%ifarch x86_64\n%if 0%{?x}\nBuildRequires: y\n%else\nBuildRequires: z\n%endif\n%endif",
    "Patch100:         somebody-else.patch",
    "Patch0: https://example.test/fix.patch",
    "BuildRequires:    python3-devel",
    "BuildArch:        noarch",
    "%{?python_provide:%python_provide python3-foo}",
)
PREP = (
    "%autosetup -n %{name}-%{upstream_version} -S git",
    "%setup -q -n foo-%{upstream_version}",
    "%setup -q\n\n%patch100 -p1\n\nsed -i s/a/b/ setup.cfg",
    "%setup -q\ngit init\ngit am %{patches}",
    "%autosetup -N\n%autopatch -p1",
)
BUILD = (
    "%{py3_build}",
    "# Generate config file\nPYTHONPATH=. oslo-config-generator --config-file=etc/x.conf",
    "cat > x <<XX\nPatch1: not-a-patch.patch\nVersion: 7\n# patches_base=9\nXX",
)
LOG = (
    "* Mon Jan 01 2024 RDO <dev@lists.rdoproject.org> 1.0.0-1\n- Update to 1.0.0",
    "* Tue Jan 02 2024 Jos\udce9 <a@example.test> 1.0.0-1\n- Latin-1\n- REMOVEME: x",
    "",
)


@st.composite
def specs(draw: st.DrawFn) -> SpecText:
    """A spec of the shapes that RDO's distgits have; its bytes need not be UTF-8."""
    head = ["Name: foo", "Version: 1.0.0", "Release: 1%{?dist}", "Source0: foo-%{version}.tar.gz"]
    parts = draw(st.lists(st.sampled_from(PREAMBLE), max_size=8, unique=True))
    has_foreign = "Patch100:         somebody-else.patch" in parts
    preps = [x for x in PREP if has_foreign or "%patch100" not in x]
    lines = [
        *head,
        *parts,
        "",
        "%description",
        "foo",
        "",
        "%prep",
        draw(st.sampled_from(preps)),
        "",
        "%build",
        draw(st.sampled_from(BUILD)),
        "",
        "%files",
        "/x",
        "",
        "%changelog",
        draw(st.sampled_from(LOG)),
    ]
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n"]))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return SpecText.parse(text.encode("utf-8", "surrogateescape"))


def is_kept(old: SpecText, new: SpecText) -> bool:
    """Whether all old lines are there still, in their order."""
    rest = iter(new.lines)
    return all(any(line == other for other in rest) for line in old.lines[:-1])


@given(st.binary(max_size=200))
def test_any_bytes_stay_the_same(content: bytes) -> None:
    assert bytes(SpecText.parse(content)) == content


@given(specs())
def test_patches_that_come_and_go_leave_the_same_bytes(text: SpecText) -> None:
    there = with_patches(text, FILES)
    back = with_patches(there, [])

    assert our_patches(there) == FILES
    assert with_patches(there, FILES) == there
    assert is_kept(text, there)
    assert bytes(back) == bytes(text)


@given(specs())
def test_patches_of_others_stay(text: SpecText) -> None:
    foreign = [(patch.number, patch.file) for patch in patch_tags(text)]

    there = with_patches(text, [*FILES, "0003-x.patch"])

    kept = [(patch.number, patch.file) for patch in patch_tags(there) if not patch.is_ours]
    numbers = [patch.number for patch in patch_tags(there)]
    assert kept == foreign
    assert len(set(numbers)) == len(numbers)


@given(specs(), st.sampled_from(["1.0", "x+3", "DROP|Ours"]))
def test_a_magic_comment_that_comes_and_goes_leaves_the_same_bytes(
    text: SpecText, value: str
) -> None:
    there = set_magic(text, "my_setting", value)

    assert get_magic(there, "my_setting") == value
    assert is_kept(text, there)
    assert bytes(set_magic(there, "my_setting", "")) == bytes(text)


@given(specs())
def test_only_the_preamble_has_magic_comments(text: SpecText) -> None:
    assert {one.name for one in magic_comments(text)} <= {"patches_base", "patches_ignore"}
    assert get_magic(text, "patches_base") != "9"


@given(specs())
def test_a_version_changes_one_line(text: SpecText) -> None:
    new = set_tag(text, "Version", "2.0.0")

    changed = [pair for pair in zip(text.lines, new.lines, strict=True) if pair[0] != pair[1]]
    assert len(changed) == 1
    assert get_tag(new, "Version") == "2.0.0"
    assert bytes(set_tag(new, "Version", "1.0.0")) == bytes(text)


@given(specs())
def test_a_milestone_that_comes_and_goes_leaves_the_same_bytes(text: SpecText) -> None:
    there = set_milestone(text, ".0rc1")

    assert get_milestone(there) == ".0rc1"
    assert bytes(set_milestone(there, "")) == bytes(text)


@given(specs())
@settings(max_examples=50)
def test_an_entry_is_on_top_and_the_rest_stays(text: SpecText) -> None:
    first = changelog.header(datetime(2026, 3, 5), "A <a@example.test>", "1.0-2")  # noqa: DTZ001

    new = changelog.with_entry(text, first, ["One", "Two"])

    assert changelog.entries(new)[0].header == first
    assert changelog.entries(new)[0].lines[:2] == ("- One", "- Two")
    assert is_kept(text, new)


@pytest.mark.parametrize(
    ("prep", "method"),
    [
        ("%setup -q", ApplyMethod.RPM),
        ("%autosetup -p1", ApplyMethod.AUTOSETUP),
        ("%{autosetup -p1}", ApplyMethod.AUTOSETUP),
        ("%autosetup -n %{name}-N", ApplyMethod.AUTOSETUP),
        ("%autosetup -nfooN", ApplyMethod.AUTOSETUP),
        ("%autosetup -n %{name} -qN\n%autopatch -p1", ApplyMethod.AUTOPATCH),
        ("%autosetup -N -n x\n%autopatch -p1", ApplyMethod.AUTOPATCH),
        ("%setup -q\ngit am %{patches}", ApplyMethod.GIT_AM),
        ("true", ApplyMethod.NONE),
    ],
)
def test_how_patches_are_applied(prep: str, method: ApplyMethod) -> None:
    assert apply_method(SpecText.parse(f"Name: x\n%prep\n{prep}\n".encode())) is method


@pytest.mark.parametrize(
    ("release", "index", "new"),
    [
        ("1", "last-numeric", "2%{?dist}"),
        ("1.0%{?dist}.1", "last-numeric", "1.1%{?dist}.1"),
        ("0.1%{?milestone}%{?dist}", "last-numeric", "0.2%{?milestone}%{?dist}"),
        ("0.20170811112938.81363ec%{?dist}", "2", "0.20170811112939.81363ec%{?dist}"),
        ("0.1.20170811112938.81363ec%{?dist}", "2", "0.2.20170811112938.81363ec%{?dist}"),
        ("1.2.3.lul", "minor", "1.3.3.lul%{?dist}"),
        ("1000%{?dist}", "1", "1001%{?dist}"),
        ("23.23.23%{?dist}", "0", "23.23.23%{?dist}"),
    ],
)
def test_a_release_goes_up(release: str, index: str, new: str) -> None:
    assert bumped(release, index) == new


@pytest.mark.parametrize(
    ("release", "index", "message"),
    [
        ("1.lul.1", "minor", "index: 2. part of Release '1.lul.1' isn't numeric: lul"),
        ("1.2.3", "1337", r"index: 1337 \(Release: 1.2.3\)"),
        ("1", "xyz", "index: xyz"),
    ],
)
def test_a_part_that_cannot_go_up_is_named(release: str, index: str, message: str) -> None:
    with pytest.raises(RefusedError, match=f"Invalid Release bump {message}"):
        bumped(release, index)


@pytest.mark.parametrize("text", ["1.0", "1.0+2", "+3", ""])
def test_a_base_is_read_as_it_is_written(text: str) -> None:
    assert str(PatchesBase.parse(text)) == text


def numbers(text: SpecText, names: Sequence[str]) -> list[int | None]:
    return [patch.number for patch in patch_tags(with_patches(text, names)) if patch.is_ours]


def test_numbers_of_others_are_not_taken() -> None:
    text = SpecText.parse(b"Source0: x\nPatch2: else.patch\n%prep\n%autosetup\n")

    assert numbers(text, ["0001-a.patch"]) == [1]
    assert numbers(text, FILES) == [3, 4]


def test_lines_left_over_from_patches_that_are_gone_apply_nothing_twice() -> None:
    text = SpecText.parse(
        b"Name: foo\nSource0: x\n\n%prep\n%setup -q\n\n%patch0001 -p1\n%patch0002 -p1\n\n%build\n"
    )

    new = str(with_patches(text, FILES[:1]))

    assert new.count("%patch") == 1
    assert "%setup -q\n\n%patch0001 -p1\n\n%build" in new
