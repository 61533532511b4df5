"""Specs as rpm reads them: edits under every condition, behind macros, in any spelling."""

from pathlib import Path

import pytest

from rdo.run import run
from tests.distgits import SPEC, Distgit, Said

A = "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
RDO = "%{!?upstream_version: %global upstream_version %{version}%{?milestone}}\n"


@pytest.fixture
def distgit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Distgit:
    return Distgit(tmp_path / "foo-bar", monkeypatch, capsys)


def made(
    distgit: Distgit,
    *,
    prefix: str = "",
    new: str = "2.0.0",
    patches: int = 1,
    top: str = "",
    **parts: str,
) -> Distgit:
    """A distgit with patches on 1.0.0 that its spec does not have yet, and a newer version."""
    text = top + SPEC.format(
        **{
            "version": "1.0.0",
            "release": "1%{?dist}",
            "source": "foo-bar-%{version}.tar.gz",
            "extra": "",
            "prep": "%autosetup -p1",
            **parts,
        }
    )
    distgit.spec(text=text)
    distgit.upstream_version(f"{prefix}1.0.0", {"a.py": A})
    commits = [(f"Mend {n}", {"a.py": _mended(n)}) for n in range(1, patches + 1)]
    if commits:
        distgit.patch_commits(*commits, base=f"{prefix}1.0.0")
    distgit.upstream_version(f"{prefix}{new}", {"a.py": f"new\n{A}"}, base=f"{prefix}1.0.0")
    return distgit


def _mended(count: int) -> str:
    return "".join(
        f"{n} mended\n" if n <= 3 * count and n % 3 == 0 else f"{n}\n" for n in range(1, 10)
    )


def nothing_is_done(distgit: Distgit, *command: str, why: str) -> Said:
    """The command is refused with this reason, and all is as before: no action waits either."""
    before = distgit.state

    said = distgit.pkg(*command, code=5)

    assert why in said.err
    assert distgit.state == before
    assert not (distgit.path / ".rdopkg.json").exists()
    return said


# conditions


@pytest.mark.parametrize(
    ("head", "condition"),
    [
        ("", "0%{?rhel} == 8"),
        ("", "0%{?rhel} == 7"),
        ("", "0%{?suse_version} >= 1500"),
        ("", "0%{?fedora} < 40 && 0%{?fedora}"),
        ("%bcond_with old\n", "%{with old}"),
        ("%bcond_without old\n", "%{without old}"),
        ("", '"%{?dist}" == ".el8"'),
        ("", "%(test -e /etc/no-such-file && echo 1 || echo 0)"),
        ("%global old %{?_with_old:1}%{!?_with_old:0}\n", "0%{?old}"),
    ],
)
def test_a_patch_that_one_platform_would_not_apply_is_refused(
    distgit: Distgit, head: str, condition: str
) -> None:
    prep = f"%if {condition}\n%setup -q\n%patch1 -p1\n%else\n%autosetup -p1\n%endif"
    made(distgit, patches=2, top=head, extra="Patch1: 0001-Mend-1.patch", prep=prep)

    nothing_is_done(distgit, "patch", "-l", why="would not apply the patch 0002-Mend-2.patch")


def test_a_patch_line_left_over_on_one_platform_is_refused(distgit: Distgit) -> None:
    prep = "%if 0%{?rhel} == 8\n%setup -q\n%patch1 -p1\n%patch2 -p1\n%else\n%autosetup -p1\n%endif"
    extra = "Patch1: 0001-Mend-1.patch\nPatch2: 0002-Old.patch"
    made(distgit, extra=extra, prep=prep)

    nothing_is_done(distgit, "patch", "-l", why="No patch number 2 (with %{rhel} 8)")


@pytest.mark.parametrize("condition", ["0%{?rhel} == 8", "0%{?suse_version}", "%{with x}"])
def test_a_condition_elsewhere_is_none_of_the_edits_business(
    distgit: Distgit, condition: str
) -> None:
    made(distgit, top="%bcond_with x\n", extra=f"%if {condition}\nBuildRequires: x\n%endif")

    distgit.pkg("patch", "-l")

    assert distgit.patches == ["0001-Mend-1.patch"]


def test_too_many_conditions_are_refused_with_their_number(distgit: Distgit) -> None:
    extra = "\n".join(f"%if 0%{{?x{n}}}\nSource{n}: {n}.conf\n%endif" for n in range(1, 8))
    made(distgit, extra=extra)

    nothing_is_done(distgit, "patch", "-l", why="7 conditions in more than 64 combinations")


@pytest.mark.parametrize(
    ("prep", "why"),
    [
        ("%autosetup -p1\n%patch1 -p1", "would apply the patch 0001-Mend-1.patch 2 times"),
        ("%autosetup -p0", "0001-Mend-1.patch with -p0, and git's patches need -p1"),
        ("%autosetup \\\n  -p1", "without -p1"),  # rpm ends a macro's options with the line
    ],
)
def test_patches_that_would_not_apply_as_meant_are_refused(
    distgit: Distgit, prep: str, why: str
) -> None:
    made(distgit, prep=prep)

    nothing_is_done(distgit, "patch", "-l", why=why)


def test_an_autosetup_without_a_level_gets_the_one_of_gits_patches(distgit: Distgit) -> None:
    made(distgit, prep="%autosetup -n foo")

    distgit.pkg("patch", "-l")

    assert "\n%autosetup -p1 -n foo\n" in distgit.text
    assert distgit.patches == ["0001-Mend-1.patch"]


def test_an_autosetup_that_also_applies_others_is_left_alone(distgit: Distgit) -> None:
    made(distgit, prep="%autosetup -n foo", extra="Patch7: other.patch")
    distgit.commit("other", {"other.patch": "--- a.py\n+++ a.py\n@@ -1 +1 @@\n-1\n+one\n"})

    why = "0001-Mend-1.patch without -p1, and git's patches need -p1"
    nothing_is_done(distgit, "patch", "-l", why=why)


@pytest.mark.parametrize(
    "prep",
    [
        "%autosetup -n foo-nN -p1",
        "%{autosetup -p1}",
        "%autosetup -p1 -S git",
        "%autosetup -S git_am",
        "%setup -q\n%autopatch -p1",
        "%autosetup -n x -N",
        "%autosetup -N\n%autopatch -p 1",
        "%setup -q\n%patch -P 1 -p1",
        "%setup -q -n x \\\n  -c",
    ],
)
def test_patches_are_applied_however_rpm_spells_it(distgit: Distgit, prep: str) -> None:
    made(distgit, prep=prep)

    distgit.pkg("patch", "-l")

    assert distgit.patches == ["0001-Mend-1.patch"]


# sections, macros, Release


def test_sections_may_be_in_capitals(distgit: Distgit) -> None:
    made(distgit)
    for section in ("prep", "install", "files", "changelog", "description"):
        distgit.edit(f"%{section}", f"%{section.capitalize()}")
    distgit.git("commit", "--quiet", "-am", "capitals")

    distgit.pkg("patch", "-l")
    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert distgit.text.lower().count("%changelog") == 1
    assert "Update to 2.0.0" in distgit.message
    assert distgit.patches == ["0001-Mend-1.patch"]


@pytest.mark.parametrize(
    ("release", "fixed", "updated"),
    [
        ("1%?dist", "2%?dist", "1%?dist"),
        ("1%dist", "2%dist", "1%dist"),
        ("1%{dist}", "2%{dist}", "1%{dist}"),
        ("1%{?dist:%{dist}}", "2%{?dist:%{dist}}", "1%{?dist:%{dist}}"),
        ("3", "4%{?dist}", "1%{?dist}"),
        ("3%{?dist}.1", "4%{?dist}.1", "1%{?dist}.1"),
    ],
)
def test_a_release_has_the_dist_tag_once(
    distgit: Distgit, release: str, fixed: str, updated: str
) -> None:
    made(distgit, release=release)

    distgit.pkg("patch", "-l")
    after_patch = distgit.tag("Release")
    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert (after_patch, distgit.tag("Release")) == (fixed, updated)


@pytest.mark.parametrize(
    ("top", "parts", "expected"),
    [
        pytest.param(
            "%global upver 1.0.0\n",
            {"version": "%{upver}"},
            ["%global upver 2.0.0"],
            id="one macro",
        ),
        pytest.param(
            "%define upver 1.0.0\n", {"version": "%upver"}, ["%define upver 2.0.0"], id="define"
        ),
        pytest.param(
            "%{!?upver: %global upver 1.0.0}\n",
            {"version": "%{?upver}"},
            ["%{!?upver: %global upver 2.0.0}"],
            id="a default",
        ),
        pytest.param(
            "%global major 1\n%global minor 0\n%global micro 0\n",
            {"version": "%{major}.%{minor}.%{micro}"},
            ["%global major 2", "%global minor 0", "%global micro 0"],
            id="three macros",
        ),
        pytest.param(
            "%global base 1.0\n%global full %{base}.0\n",
            {"version": "%{full}"},
            ["%global base 2.0", "%global full %{base}.0"],
            id="a macro in a macro",
        ),
        pytest.param(
            "%global major 1.0\n",
            {"version": "%{major}.0"},
            ["%global major 2.0", "Version:          %{major}.0"],
            id="a number beside a macro",
        ),
        pytest.param(
            "%global upver 1.0.0 %dnl what upstream says\n",
            {"version": "%{upver}"},
            ["%global upver 2.0.0 %dnl what upstream says"],
            id="a comment behind a definition",
        ),
        pytest.param(
            "",
            {"version": '%{lua: print("1.0.0")}'},
            ['Version:          %{lua: print("2.0.0")}'],
            id="a number in a program",
        ),
        pytest.param(
            "# global prerel rc1\n",
            {"version": "1.0.0%{?prerel:~%{prerel}}"},
            ["Version:          2.0.0%{?prerel:~%{prerel}}"],
            id="a pre-release that is not one",
        ),
        pytest.param(
            "",
            {"prep": "%autosetup -n foo-bar-1.0.0 -p1"},
            ["%autosetup -n foo-bar-2.0.0 -p1"],
            id="the folder of the source",
        ),
        pytest.param(
            "%global top foo-bar-1.0.0\n",
            {"prep": "%autosetup -n %{top} -p1"},
            ["%global top foo-bar-2.0.0"],
            id="the folder of the source in a macro",
        ),
        pytest.param(
            "%global rel 3%{?dist}\n",
            {"release": "%{rel}"},
            ["%global rel 1%{?dist}", "Version:          2.0.0"],
            id="release",
        ),
        pytest.param(
            "%global baserelease 3\n",
            {"release": "%{baserelease}%{?dist}"},
            ["%global baserelease 1", "Release:          %{baserelease}%{?dist}"],
            id="baserelease",
        ),
    ],
)
def test_version_and_release_are_changed_at_their_definition(
    distgit: Distgit, top: str, parts: dict[str, str], expected: list[str]
) -> None:
    made(distgit, top=top, **parts)  # type: ignore[arg-type] # only texts are in `parts`

    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert set(expected) <= set(distgit.text.splitlines())
    assert distgit.message.startswith("foo-bar-2.0.0-1\n")


def test_a_fix_bumps_a_release_behind_a_macro(distgit: Distgit) -> None:
    made(distgit, top="%global baserelease 3\n", release="%{baserelease}%{?dist}")

    distgit.pkg("patch", "-l")

    assert "%global baserelease 4\n" in distgit.text
    assert distgit.tag("Release") == "%{baserelease}%{?dist}"


@pytest.mark.parametrize(
    ("top", "version", "why"),
    [
        pytest.param(
            "%if 0%{?rhel}\n%global v 1.0.0\n%else\n%global v 1.0.0\n%endif\n",
            "%{v}",
            "the macro %{v}, which the .spec file defines more than once (line 2 and 4)",
            id="two definitions",
        ),
        pytest.param("", "%(echo 1.0).0", "which only rpm can compute", id="a program"),
        pytest.param(
            "%global v 1.0.0\n", "%{v}.9", "cannot be divided among its macros", id="no part of it"
        ),
    ],
)
def test_a_version_that_cannot_be_changed_names_macro_and_line(
    distgit: Distgit, top: str, version: str, why: str
) -> None:
    made(distgit, top=top, version=version, extra="# patches_base=1.0.0")

    nothing_is_done(distgit, "new-version", "2.0.0", "-l", "-n", "-d", why=why)


@pytest.mark.parametrize(
    ("top", "parts", "why"),
    [
        (
            "%if 1\n%global top foo-bar-1.0.0\n%endif\n",
            {"prep": "%autosetup -n %{top} -p1"},
            "%prep would still enter the folder foo-bar-1.0.0",
        ),
        (
            "%global pre .rc1\n",
            {"release": "0.3%{?pre}%{?dist}"},
            "Release would be 1.rc1, with the rc1 of a pre-release",
        ),
        ("", {"prep": "%autosetup -p0"}, "with -p0, and git's patches need -p1"),
        (
            "",
            {"extra": "%if 1\nPatch1: 0001-Mend-1.patch\n%endif"},
            "%prep would apply other patches",
        ),
    ],
)
def test_what_would_be_wrong_with_a_new_version_is_reported_before_its_first_step(
    distgit: Distgit, top: str, parts: dict[str, str], why: str
) -> None:
    made(distgit, top=top, **parts)  # type: ignore[arg-type] # only texts are in `parts`
    (distgit.path / "0001-Mend-1.patch").write_text("--- a/a.py\n")

    said = nothing_is_done(distgit, "new-version", "2.0.0", "-l", "-n", "-d", why=why)

    assert "git rebase" not in said.err


@pytest.mark.parametrize("command", [("patch", "-l"), ("new-version", "2.0.0", "-l", "-n", "-d")])
def test_an_entry_that_rpm_would_not_read_is_refused(
    distgit: Distgit, command: tuple[str, ...]
) -> None:
    made(distgit)
    old = "%if 0%{?unusual}\n%changelog\n* Mon Mar 23 2015 A <a@b> 1-1\n- x\n%else\n%changelog\n"
    distgit.edit("%changelog\n", old)
    distgit.edit("(rhbz#123456)\n", "(rhbz#123456)\n%endif\n")
    distgit.git("commit", "--quiet", "-am", "two changelogs")

    nothing_is_done(distgit, *command, why="rpm would read other entries in %changelog")


def test_a_new_entry_is_not_older_than_the_newest(distgit: Distgit) -> None:
    made(distgit)
    distgit.edit("* Mon Mar 23 2015", "* Fri Mar 23 2040")
    distgit.git("commit", "--quiet", "-am", "from the future")

    distgit.pkg("patch", "-l")

    assert "\n* Fri Mar 23 2040 " in distgit.text.replace("* Fri Mar 23 2040 Old Hand", "")


def test_a_byte_order_mark_is_reported(distgit: Distgit) -> None:
    made(distgit, top="\ufeff")

    nothing_is_done(distgit, "patch", "-l", why="byte order mark")


# the platform's macros


@pytest.mark.parametrize(
    "line",
    [
        "Requires: %{py3_dist tenacity}",
        "BuildRequires: python%{python3_pkgversion}-devel",
        "%{?systemd_requires}",
        "%{?python_provide:%python_provide python3-foo}",
    ],
)
def test_the_macros_of_the_platform_are_known(distgit: Distgit, line: str) -> None:
    made(distgit, extra=line)

    distgit.pkg("patch", "-l")
    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert distgit.tag("Version") == "2.0.0"


def test_requirements_by_macros_are_known_by_name(distgit: Distgit) -> None:
    extra = "Requires: python%{python3_pkgversion}-six\nRequires: %{py3_dist tenacity}"
    made(distgit, extra=extra)
    distgit.git("checkout", "--quiet", "--detach", "1.0.0")
    distgit.commit("requirements", {"requirements.txt": "six>=1.10\n"})
    distgit.git("tag", "--force", "1.0.0")
    distgit.git("checkout", "--quiet", "master")

    said = distgit.tried("reqcheck")

    assert "python-six >= 1.10" in said.out
    assert "python-tenacity" in said.out.partition("EXCESS:")[2]
    assert "python-six" not in said.out.partition("EXCESS:")[2]


@pytest.mark.parametrize("line", ["%forgemeta", "%gometa -f", "%{forgemeta}"])
def test_a_foreign_macro_is_named(distgit: Distgit, line: str) -> None:
    made(distgit, extra=line)

    said = distgit.pkg("patch", "-l", code=5)

    name = line.strip("%{}").split()[0]
    owner = {"forgemeta": "forge-srpm-macros", "gometa": "go-rpm-macros"}[name]
    assert f"no macro of the platform is called %{name} (of {owner})" in said.err
    assert f"Write what %{name} stands for in its place" in said.err


# a spec that is a link


def test_a_spec_that_is_a_link_stays_one(distgit: Distgit) -> None:
    made(distgit)
    (distgit.path / "SPECS").mkdir()
    distgit.git("mv", "foo-bar.spec", "SPECS/foo-bar.spec")
    (distgit.path / "foo-bar.spec").symlink_to("SPECS/foo-bar.spec")
    distgit.git("add", "foo-bar.spec")
    distgit.git("commit", "--quiet", "-m", "link")
    before = distgit.state

    distgit.pkg("patch", "-l")
    is_link = (distgit.path / "foo-bar.spec").is_symlink()
    changed = distgit.git("show", "--name-only", "--format=").split()
    distgit.pkg("undo")

    assert is_link
    assert changed == ["0001-Mend-1.patch", "SPECS/foo-bar.spec"]
    assert distgit.state == before


@pytest.mark.parametrize(
    "target", ["../outside.spec", "missing.spec", ".git/x.spec", "/etc/passwd", "foo-bar.spec"]
)
def test_a_spec_that_leads_elsewhere_is_refused(distgit: Distgit, target: str) -> None:
    made(distgit)
    outside = distgit.path.parent / "outside.spec"
    outside.write_text(distgit.text)
    (distgit.path / ".git/x.spec").write_text(distgit.text)
    distgit.git("rm", "--quiet", "foo-bar.spec")
    (distgit.path / "foo-bar.spec").symlink_to(target)
    distgit.git("add", "foo-bar.spec")
    distgit.git("commit", "--quiet", "-m", "link")
    old = outside.read_text()

    said = distgit.pkg("patch", "-l", code=5)

    assert "foo-bar.spec is a link that leads" in said.err
    assert outside.read_text() == old


def test_a_spec_in_specs_may_be_a_link_to_another_folder(distgit: Distgit) -> None:
    made(distgit)
    for folder in ("SPECS", "packaging/rpm"):
        (distgit.path / folder).mkdir(parents=True)
    distgit.git("mv", "foo-bar.spec", "packaging/rpm/foo-bar.spec")
    (distgit.path / "SPECS/foo-bar.spec").symlink_to("../packaging/rpm/foo-bar.spec")
    distgit.git("add", "SPECS")
    distgit.git("commit", "--quiet", "-m", "link")

    distgit.pkg("patch", "-l")

    assert (distgit.path / "SPECS/foo-bar.spec").is_symlink()
    changed = distgit.git("show", "--name-only", "--format=").split()
    assert changed == ["SPECS/0001-Mend-1.patch", "packaging/rpm/foo-bar.spec"]


def test_patches_of_a_distgit_with_specs_and_sources_are_in_sources(distgit: Distgit) -> None:
    made(distgit, extra="Patch100: %{name}-%{version}-static.patch")
    for folder in ("SPECS", "SOURCES"):
        (distgit.path / folder).mkdir()
    distgit.git("mv", "foo-bar.spec", "SPECS/foo-bar.spec")
    distgit.commit("static", {"SOURCES/foo-bar-1.0.0-static.patch": "x\n"})
    before = distgit.state

    distgit.pkg("patch", "-l")
    first = distgit.git("show", "--name-status", "--format=").split()
    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")
    second = distgit.git("show", "--name-only", "--no-renames", "--format=").split()
    distgit.pkg("undo")
    distgit.pkg("undo")

    assert first == ["A", "SOURCES/0001-Mend-1.patch", "M", "SPECS/foo-bar.spec"]
    assert [name for name in second if "static" in name] == [
        "SOURCES/foo-bar-1.0.0-static.patch",
        "SOURCES/foo-bar-2.0.0-static.patch",
    ]
    assert all(name.startswith(("SOURCES/", "SPECS/")) for name in second)
    assert distgit.state == before


# patches of others that follow the version


def test_a_file_with_the_new_name_that_is_not_in_git_is_refused(distgit: Distgit) -> None:
    made(distgit, extra="Patch100: %{name}-%{version}-static.patch")
    distgit.commit("static", {"foo-bar-1.0.0-static.patch": "x\n"})
    (distgit.path / "foo-bar-2.0.0-static.patch").write_text("y\n")

    told = distgit.pkg("new-version", "2.0.0", "-d", code=5)

    assert "a file of that name is not in git" in told.err
    assert "git add foo-bar-2.0.0-static.patch" in told.err


def test_a_foreign_patch_named_by_the_version_is_renamed(distgit: Distgit) -> None:
    made(distgit, extra="Patch100: %{name}-%{version}-static.patch")
    distgit.commit("static", {"foo-bar-1.0.0-static.patch": "x\n"})
    before = distgit.state

    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")
    there = (distgit.path / "foo-bar-2.0.0-static.patch").read_text()
    gone = not (distgit.path / "foo-bar-1.0.0-static.patch").exists()
    distgit.pkg("undo")

    assert there == "x\n"
    assert gone
    assert distgit.state == before


def test_a_file_of_the_distgit_named_by_the_version_is_renamed(distgit: Distgit) -> None:
    made(distgit, extra="Source5: %{name}-%{version}.conf\nSource6: other-%{version}.tgz")
    ours = {"foo-bar-1.0.0.conf": "x\n", "other-1.0.0.tgz": "upstream's"}
    distgit.commit("ours", ours)

    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert (distgit.path / "foo-bar-2.0.0.conf").read_text() == "x\n"
    assert not (distgit.path / "foo-bar-1.0.0.conf").exists()
    assert not (distgit.path / "other-2.0.0.tgz").exists()  # it would have the bytes of 1.0.0


def test_a_foreign_patch_that_was_renamed_already_is_taken(distgit: Distgit) -> None:
    made(distgit, extra="Patch100: %{name}-%{version}-static.patch")
    distgit.commit("static", {"foo-bar-2.0.0-static.patch": "y\n"})

    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert (distgit.path / "foo-bar-2.0.0-static.patch").read_text() == "y\n"


@pytest.mark.parametrize("verb", [("new-version", "2.0.0", "-l", "-n", "-d"), ("fix",)])
def test_a_foreign_patch_named_by_the_release_is_refused_before_the_first_step(
    distgit: Distgit, verb: tuple[str, ...]
) -> None:
    made(distgit, release="3%{?dist}", extra="Patch100: static-%{release}.patch")
    distgit.commit("static", {"static-3.patch": "x\n"})
    before = distgit.state

    told = distgit.pkg(*verb, code=5)

    assert "static-3.patch" in told.err
    assert distgit.state == before


# versions and tags


@pytest.mark.parametrize(
    ("version", "evr", "source"),
    [
        ("2.0.0.post1", "2.0.0.post1-1", "foo-bar-2.0.0.post1.tar.gz"),
        ("2.0.0rc1", "2.0.0-0.1.rc1", "foo-bar-2.0.0rc1.tar.gz"),
        ("2.0.0b2", "2.0.0-0.1.b2", "foo-bar-2.0.0b2.tar.gz"),
        ("2.0.0.0rc1", "2.0.0-0.1.0rc1", "foo-bar-2.0.0.0rc1.tar.gz"),
        ("2.0.0-rc1", "2.0.0-0.1.rc1", "foo-bar-2.0.0-rc1.tar.gz"),
        ("2.0.0.dev4", "2.0.0-0.0.1.dev4", "foo-bar-2.0.0.dev4.tar.gz"),
        ("2.0.0a1.dev3", "2.0.0-0.1.a1~dev3", "foo-bar-2.0.0a1.dev3.tar.gz"),
        ("2.0.0+local.1", "2.0.0^local.1-1", "foo-bar-2.0.0+local.1.tar.gz"),
    ],
)
def test_a_version_becomes_numbers_in_its_order(
    distgit: Distgit, version: str, evr: str, source: str
) -> None:
    made(distgit, new=version, patches=0, top=RDO, source="foo-bar-%{upstream_version}.tar.gz")

    distgit.pkg("new-version", version, "-n", "-d")

    assert distgit.message.startswith(f"foo-bar-{evr}\n")
    said = distgit.pkg("get-source", code=4)
    assert f"File not found: {source}" in said.err


def test_versions_follow_each_other_upwards(distgit: Distgit) -> None:
    versions = [
        "2.0.0.dev4",
        "2.0.0a1.dev3",
        "2.0.0a1",
        "2.0.0rc1",
        "2.0.0-rc2",
        "2.0.0",
        "2.0.0.post1",
    ]
    made(distgit, patches=0, top=RDO, new="1.9", source="foo-bar-%{upstream_version}.tar.gz")
    for version in versions:
        distgit.upstream_version(version, {"a.py": version}, base="1.9")

        distgit.pkg("new-version", version, "-n", "-d")

    assert distgit.message.startswith("foo-bar-2.0.0.post1-1\n")
    assert "2.0.0-rc2" not in distgit.text.partition("%changelog")[0]


@pytest.mark.parametrize("prefix", ["foo_", "foo-bar-", "release-", "v", "foo-bar/v"])
@pytest.mark.parametrize("asked", ["{prefix}2.0.0", "2.0.0"])
def test_a_tag_is_found_by_its_version(distgit: Distgit, prefix: str, asked: str) -> None:
    made(distgit, prefix=prefix, extra=f"# patches_base={prefix}1.0.0")

    distgit.pkg("new-version", asked.format(prefix=prefix), "-l", "-n", "-d")

    assert distgit.tag("Version") == "2.0.0"
    assert distgit.patches == ["0001-Mend-1.patch"]


def test_the_newest_version_is_found_among_tags_with_a_name(distgit: Distgit) -> None:
    made(distgit, prefix="foo_", extra="# patches_base=foo_1.0.0")
    distgit.git("tag", "other_9.0.0", "foo_2.0.0")
    up = str(distgit.path.parent / "upstream")
    distgit.git("clone", "--quiet", "--bare", ".", up)
    distgit.git("-C", up, "update-ref", "refs/heads/master", "foo_2.0.0")
    distgit.git("remote", "add", "upstream", up)
    distgit.git("fetch", "--quiet", "upstream")

    distgit.pkg("new-version", "-l", "-n", "-d")

    assert distgit.tag("Version") == "2.0.0"


def test_a_tag_that_rpm_would_run_is_never_written(distgit: Distgit) -> None:
    made(distgit)
    distgit.git("tag", "%(id)-2.0.0", "2.0.0")
    distgit.git("tag", "-d", "2.0.0")

    said = distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d", code=5)

    assert "the tag %(id)-2.0.0 cannot be written as patches_base" in said.err
    assert "%(id)" not in distgit.text


@pytest.mark.parametrize("asked", ["foo_next", "next", "1.0-later"])
def test_what_is_not_a_version_never_becomes_one(distgit: Distgit, asked: str) -> None:
    made(distgit)
    distgit.git("tag", asked, "2.0.0")

    nothing_is_done(distgit, "new-version", asked, "-l", "-n", "-d", why="is not a version")


# names of sources


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("http://127.0.0.1:1/cgi?file=demo.tar.gz", "demo.tar.gz"),
        ("http://127.0.0.1:1/a%%20b.tar.gz", "a%20b.tar.gz"),
        ("http://127.0.0.1:1/page#sha256=abc", "abc"),
        ("http://127.0.0.1:1/v1.tar.gz#/demo-1.tar.gz", "demo-1.tar.gz"),
    ],
)
def test_a_source_has_the_name_that_rpm_gives_it(distgit: Distgit, value: str, name: str) -> None:
    made(distgit, source=value)
    (distgit.path / name).write_text("x")

    said = distgit.pkg("get-source")

    assert f"{name} already present" in said.err


def test_the_files_of_a_list_of_sources_are_sources(distgit: Distgit) -> None:
    made(distgit)
    distgit.edit("Source0:          foo-bar-%{version}.tar.gz\n", "")
    listed = "%sourcelist\n# a comment\n%if 1\nhttp://127.0.0.1:1/a#/one.tar.gz\n%endif\n\n"
    distgit.edit("%description\n", f"{listed}%description\n")
    (distgit.path / "one.tar.gz").write_text("x")

    said = distgit.pkg("get-source")

    assert "one.tar.gz already present" in said.err


# sources that name the version themselves


@pytest.mark.parametrize(
    ("top", "source", "name"),
    [
        ("", "foo-bar-1.0.0.tar.gz", "foo-bar-2.0.0.tar.gz"),
        ("", "x-1.0.0.tar.gz\nSource1: x-1.0.0.tar.gz.asc", "x-2.0.0.tar.gz"),
        ("", "http://127.0.0.1:1/v1.0.0.tar.gz#/foo-%{version}.tar.gz", "foo-2.0.0.tar.gz"),
        ("%global under 1_0_0\n", "foo-bar-%{under}.tar.gz", "foo-bar-2_0_0.tar.gz"),
        ("%global tag v1.0.0\n", "%{tag}.tar.gz", "v2.0.0.tar.gz"),
        ("%global dash %(echo 1.0.0 | tr . -)\n", "foo-%{dash}.tar.gz", "foo-2-0-0.tar.gz"),
        ("", "foo-1.0-0-src.tar.gz", "foo-2.0-0-src.tar.gz"),
        ("%if 0%{?rhel} == 7\nSource0: foo-1.0.0.tar.bz2\n%else\n", "f.tgz\n%endif", "f.tgz"),
    ],
)
def test_a_source_that_names_the_old_version_follows_the_new_one(
    distgit: Distgit, top: str, source: str, name: str
) -> None:
    made(distgit, top=top, source=source)

    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert distgit.tag("Version") == "2.0.0"
    assert "1.0.0" not in distgit.text.partition("%description")[0]
    (distgit.path / name).write_text("x")
    assert f"{name} already present" in distgit.pkg("get-source").err


def test_a_source_behind_several_definitions_is_refused(distgit: Distgit) -> None:
    top = "%if 0%{?rhel}\n%global old 1.0.0\n%else\n%global old 1.0.0\n%endif\n"
    made(distgit, top=top, source="foo-bar-%{old}.tar.gz")

    why = "Source0 would still name the version 1.0.0: foo-bar-1.0.0.tar.gz"
    nothing_is_done(distgit, "new-version", "2.0.0", "-l", "-n", "-d", why=why)


def test_a_source_that_names_the_day_of_the_old_version_is_refused(distgit: Distgit) -> None:
    made(distgit, source="http://127.0.0.1:1/v%{version}/foo1.0.0-20260407.1.src.tar.gz")

    why = "Source0 would still name the version 1.0.0: http://127.0.0.1:1/v2.0.0/foo1.0.0-20260407"
    nothing_is_done(distgit, "new-version", "2.0.0", "-l", "-n", "-d", why=why)


def test_a_source_that_keeps_the_day_of_the_old_version_is_refused(distgit: Distgit) -> None:
    made(distgit, top="%global day 20260407\n", source="foo-%{version}-%{day}.tar.gz")

    why = "Source0 would still name the day of the version 1.0.0: foo-2.0.0-20260407.tar.gz"
    nothing_is_done(distgit, "new-version", "2.0.0", "-l", "-n", "-d", why=why)


def test_a_signature_follows_a_source_that_follows_the_version(distgit: Distgit) -> None:
    made(distgit, source="foo-%{version}.tar.gz\nSource1: http://127.0.0.1:1/foo-1.0.0.tar.gz.asc")
    distgit.edit("foo-%{version}.tar.gz\n", "http://127.0.0.1:1/foo-%{version}.tar.gz\n")
    distgit.git("commit", "--quiet", "-am", "signed")

    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert "Source1: http://127.0.0.1:1/foo-2.0.0.tar.gz.asc\n" in distgit.text


def test_a_pre_release_does_not_take_the_final_archive(distgit: Distgit) -> None:
    made(distgit, new="2.0.0rc1")

    why = "Source0 would be the archive of the final version, foo-bar-2.0.0.tar.gz"
    nothing_is_done(distgit, "new-version", "2.0.0rc1", "-l", "-n", "-d", why=why)


COMMIT = f"%global commit {'1' * 40}\n"


@pytest.mark.parametrize(
    "parts",
    [
        {"source": "foo-bar-%{commit}.tar.gz"},
        {"source": "foo-%{short}.tar.gz", "top": "%global short %(c=%{commit}; echo ${c:0:7})\n"},
        {"prep": "%autosetup -p1 -n foo-bar-%{commit}"},
        {"release": "1.git%{commit}%{?dist}"},
    ],
)
def test_the_commit_of_upstream_is_not_the_one_of_the_patches(
    distgit: Distgit, parts: dict[str, str]
) -> None:
    made(distgit, **{**parts, "top": COMMIT + parts.get("top", "")})  # type: ignore[arg-type]

    distgit.pkg("patch", "-l")

    assert COMMIT in distgit.text


def test_a_commit_that_only_the_build_uses_is_the_tip_of_the_patches(distgit: Distgit) -> None:
    made(distgit, top=COMMIT, prep="%autosetup -p1\n\n%build\necho %{commit}")

    distgit.pkg("patch", "-l")

    assert f"%global commit {distgit.git('rev-parse', 'master-patches').strip()}\n" in distgit.text


def test_a_source_named_by_a_commit_gets_the_one_of_the_new_version(distgit: Distgit) -> None:
    made(distgit, top=COMMIT, source="foo-bar-%{commit}.tar.gz")

    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert f"%global commit {distgit.git('rev-parse', '2.0.0').strip()}\n" in distgit.text


@pytest.mark.parametrize("length", [40, 12, 7])
def test_a_commit_spelt_out_in_a_source_becomes_the_one_of_the_new_version(
    distgit: Distgit, length: int
) -> None:
    made(distgit)
    old, new = (distgit.git("rev-parse", tag).strip()[:length] for tag in ("1.0.0", "2.0.0"))
    distgit.edit("foo-bar-%{version}.tar.gz", f"https://example.org/foo-bar-{old}.tar.gz")
    distgit.edit("%autosetup -p1", f"%autosetup -p1 -n foo-bar-{old}")
    distgit.git("commit", "--quiet", "-am", "from a forge")

    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert distgit.tag("Source0") == f"https://example.org/foo-bar-{new}.tar.gz"
    assert f"%autosetup -p1 -n foo-bar-{new}\n" in distgit.text


def test_a_commit_spelt_out_in_a_source_does_not_stay(distgit: Distgit) -> None:
    made(distgit, source=f"foo-bar-{'1' * 40}.tar.gz", patches=0)

    why = "Source0 would still name a commit of the old version: foo-bar-1111"
    nothing_is_done(distgit, "new-version", "3.0.0", "-b", "-n", "-d", why=why)


@pytest.mark.parametrize(
    ("name", "old", "length"), [("shortcommit", "1a2b3c4", 7), ("gitday", "20240102", 0)]
)
def test_a_short_commit_is_one_by_its_name(
    distgit: Distgit, name: str, old: str, length: int
) -> None:
    made(distgit, top=f"%global {name} {old}\n", source=f"foo-%{{{name}}}.tar.gz")

    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    new = distgit.git("rev-parse", "2.0.0")[:length] or old
    assert f"%global {name} {new}\n" in distgit.text


def test_programs_in_a_spec_run_under_bash_as_in_a_build(distgit: Distgit) -> None:
    top = "%global hash 0123456789\n%global short %(c=%{hash}; echo ${c:0:7})\n"
    made(distgit, top=top, release="1.git%{short}%{?dist}")

    distgit.pkg("patch", "-l")

    assert distgit.message.startswith("foo-bar-1.0.0-2.git0123456\n")


# Release, patches, versions in further forms


@pytest.mark.parametrize(
    ("top", "release", "fixed", "updated"),
    [
        ("%global p 0.\n", "%{p}3%{?dist}", "%{p}4%{?dist}", "%{p}1%{?dist}"),
        ("", "%{?p}3%{?dist}", "%{?p}4%{?dist}", "%{?p}1%{?dist}"),
        (
            "",
            "%{?p:0.}3%{?p:.%p}%{?dist}",
            "%{?p:0.}4%{?p:.%p}%{?dist}",
            "%{?p:0.}1%{?p:.%p}%{?dist}",
        ),
        (
            "%global s 1\n",
            "%{?s:0.%{s}.}3%{?dist}",
            "%{?s:0.%{s}.}4%{?dist}",
            "%{?s:0.%{s}.}1%{?dist}",
        ),
        ("%global p beta.\n", "%{?p}3%{?dist}", "%{?p}4%{?dist}", "%{?p}1%{?dist}"),
        ("%global s .20240102git\n", "3%{s}%{?dist}", "4%{s}%{?dist}", "1%{s}%{?dist}"),
        ("%global s 20240102git\n", "3.%{s}%{?dist}", "4.%{s}%{?dist}", "1.%{s}%{?dist}"),
        (
            "%if 0%{?rhel}\n%global s .el\n%endif\n",
            "3%{?s}%{?dist}",
            "4%{?s}%{?dist}",
            "1%{?s}%{?dist}",
        ),
    ],
)
def test_a_release_behind_a_prefix_keeps_it(
    distgit: Distgit, top: str, release: str, fixed: str, updated: str
) -> None:
    made(distgit, top=top, release=release)

    distgit.pkg("patch", "-l")
    after_patch = distgit.tag("Release")
    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert (after_patch, distgit.tag("Release")) == (fixed, updated)
    assert top in distgit.text


@pytest.mark.parametrize("release", ["%autorelease", "%autorelease -b 3", "%{autorelease -p -e x}"])
def test_autorelease_may_have_options(distgit: Distgit, release: str) -> None:
    made(distgit, release=release)
    distgit.edit("%changelog\n", "%changelog\n%autochangelog\n\n#")
    distgit.git("commit", "--quiet", "-am", "rpmautospec")

    distgit.pkg("patch", "-l", "-m", "Mend")

    assert distgit.tag("Release") == release
    assert distgit.patches == ["0001-Mend-1.patch"]


@pytest.mark.parametrize(
    "releases",
    [
        ("Release: %{?autorelease}%{!?autorelease:1%{?dist}}",),
        ("%if %{defined autorelease}", "Release: %autorelease", "%else", "Release: 1%{?dist}"),
        ("%if 0%{?rhel} == 8", "Release: 1%{?dist}", "%else", "Release: %autorelease"),
    ],
)
def test_a_release_beside_autorelease_is_counted_on(
    distgit: Distgit, releases: tuple[str, ...]
) -> None:
    made(distgit)
    end = ["%endif"] if releases[1:] else []
    distgit.edit("Release: ", "\n".join((*releases, *end, "#")))
    distgit.git("commit", "--quiet", "-am", "rpmautospec somewhere")

    distgit.pkg("patch", "-l")

    assert distgit.text.count("2%{?dist}") == 1
    assert distgit.text.count("autorelease") == "".join(releases).count("autorelease")
    assert "> 1:1.0.0-2\n" in distgit.text
    assert distgit.message.startswith("foo-bar-1.0.0-2\n")


def test_a_prerelease_beside_autorelease_is_in_version(distgit: Distgit) -> None:
    top = "%{!?upstream_version: %global upstream_version %{version}%{?milestone}}\n"
    source = "foo-bar-%{upstream_version}.tar.gz"
    made(distgit, release="%autorelease", source=source, top=top, patches=0, new="2.0.0rc1")

    distgit.pkg("new-version", "2.0.0rc1", "-b", "-d")

    assert distgit.tag("Version") == "2.0.0~rc1"
    assert "%global upstream_version 2.0.0rc1}" in distgit.text
    distgit.pkg("new-version", "2.0.0", "-b", "-d")
    assert distgit.tag("Version") == "2.0.0"


def test_a_url_that_is_the_same_for_both_versions_is_refused(distgit: Distgit) -> None:
    made(distgit, source="https://example.test/foo-bar.tar.gz", patches=0)

    refused = distgit.pkg("new-version", "2.0.0", "-b", "-d", code=5)

    assert "Source0 would be downloaded from the same URL as for 1.0.0" in str(refused)
    assert distgit.tag("Version") == "1.0.0"
    distgit.pkg("new-version", "2.0.0", "-b", "-d", "--force")
    assert distgit.tag("Version") == "2.0.0"


def test_patches_without_a_number_are_replaced(distgit: Distgit) -> None:
    made(distgit, extra="Patch: 0001-Old.patch", prep="%setup -q\n%patch0 -p1", patches=2)

    distgit.pkg("patch", "-l")

    assert distgit.patches == ["0001-Mend-1.patch", "0002-Mend-2.patch"]
    assert "%patch0000" not in distgit.text


def test_a_loop_over_all_patches_applies_ours(distgit: Distgit) -> None:
    made(distgit, prep='%setup -q\nfor x in %{patches}; do patch -p1 < "$x"; done')

    distgit.pkg("patch", "-l")

    assert distgit.patches == ["0001-Mend-1.patch"]
    assert "%patch -P" not in distgit.text


def test_a_spec_with_a_list_of_sources_takes_patches(distgit: Distgit) -> None:
    made(distgit)
    distgit.edit("Source0:          foo-bar-%{version}.tar.gz\n", "")
    distgit.edit("%description\n", "%sourcelist\nfoo-bar-%{version}.tar.gz\n\n%description\n")
    distgit.git("commit", "--quiet", "-am", "list")

    distgit.pkg("patch", "-l")

    assert distgit.patches == ["0001-Mend-1.patch"]


def test_a_numbered_patch_with_a_macro_in_its_name_is_foreign(distgit: Distgit) -> None:
    extra = "%global kernel 6\nPatch100: 0001-for-%{kernel}.patch"
    made(distgit, extra=extra)

    distgit.pkg("patch", "-l")

    assert distgit.patches == ["0001-Mend-1.patch", "0001-for-%{kernel}.patch"]


@pytest.mark.parametrize("tag", ["2.0.0rc1", "v2.0.0-rc1"])
def test_the_tag_of_a_version_with_a_tilde_is_found(distgit: Distgit, tag: str) -> None:
    made(distgit, version="2.0.0~rc1", source="foo-bar-2.tar.gz", patches=0)
    distgit.git("tag", tag, "1.0.0")
    distgit.git("tag", tag.replace("rc1", "rc2"), "2.0.0")
    distgit.patch_commits(("Mend 1", {"a.py": _mended(1)}), base=tag)

    distgit.pkg("patch", "-l")
    first = distgit.patches
    distgit.pkg("new-version", tag.replace("rc1", "rc2"), "-l", "-n", "-d")

    assert first == ["0001-Mend-1.patch"]
    assert (distgit.tag("Version"), distgit.tag("Release")) == ("2.0.0~rc2", "1%{?dist}")


def test_a_version_of_the_same_form_is_taken(distgit: Distgit) -> None:
    made(distgit, version="1.0.fb9", new="1.0.fb10", patches=0)

    distgit.pkg("new-version", "1.0.fb10", "-b", "-n", "-d")

    assert distgit.message.startswith("foo-bar-1.0.fb10-1\n")


@pytest.mark.parametrize("release", ["%{python3_version}%{?dist}", "rc3%{?dist}"])
def test_a_release_without_a_number_is_refused(distgit: Distgit, release: str) -> None:
    made(distgit, release=release)

    why = f"Release has no number of its own: {release}"
    nothing_is_done(distgit, "new-version", "2.0.0", "-l", "-n", "-d", why=why)


@pytest.mark.parametrize(
    ("top", "folder", "after"),
    [
        ("", "1.0", "2.0"),
        ("%global series 1.0\n", "%{series}", "%{series}"),
        ("%global series %(echo 1.0.0 | cut -d. -f1,2)\n", "%{series}", "%{series}"),
    ],
)
def test_a_folder_named_by_the_series_follows_the_version(
    distgit: Distgit, top: str, folder: str, after: str
) -> None:
    url = "https://example.test/{}/foo-bar-%{{version}}.tar.gz"
    made(distgit, source=url.format(folder), top=top)

    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert distgit.tag("Source0") == url.format(after)
    read = run("rpmspec", "-P", distgit.path / "foo-bar.spec").stdout
    [line] = [one for one in read.splitlines() if one.startswith("Source0:")]
    assert line.split()[1] == "https://example.test/2.0/foo-bar-2.0.0.tar.gz"


def test_a_folder_named_by_the_first_number_is_not_kept_silently(distgit: Distgit) -> None:
    made(distgit, source="https://example.test/1/foo-bar-%{version}.tar.gz")

    why = "Source0 would still be in the folder of the series 1: https://example.test/1/foo-bar"
    nothing_is_done(distgit, "new-version", "2.0.0", "-l", "-n", "-d", why=why)
    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d", "--force")


def test_a_spec_that_rpm_never_finishes_reading_is_reported(
    distgit: Distgit, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(distgit, top="%global forever %(sleep 600)\n")
    monkeypatch.setattr("rdo.tools.rpm.rpmspec._SLOWEST", 1)
    before = distgit.state

    said = distgit.pkg("patch", "-l", code=3)

    assert "error: rpm did not finish reading the .spec file within" in said.err
    assert "may never end" in said.err
    assert distgit.state == before


def test_a_release_that_changes_with_each_reading_is_reported(distgit: Distgit) -> None:
    made(distgit, release="1.%(date +%N)%{?dist}")

    why = "Release changes each time rpm reads it"
    nothing_is_done(distgit, "new-version", "2.0.0", "-l", "-n", "-d", why=why)


def test_a_final_version_leaves_the_archive_of_its_pre_release(distgit: Distgit) -> None:
    made(distgit, version="2.0.0~rc1", source="foo-bar-2.0.0rc1.tar.gz")
    distgit.git("tag", "2.0.0rc1", "1.0.0")

    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert distgit.tag("Source0") == "foo-bar-2.0.0.tar.gz"


def test_the_date_of_a_snapshot_is_not_counted_on(distgit: Distgit) -> None:
    made(distgit, release="3.20240102git1a2b3c4%{?dist}")

    distgit.pkg("patch", "-l")

    assert distgit.tag("Release") == "4.20240102git1a2b3c4%{?dist}"


@pytest.mark.parametrize(
    "version",
    [
        "%(echo %{tag} | sed s/^v//)",
        '%{lua:print((rpm.expand("%{tag}"):gsub("v", "")))}',
    ],
)
def test_a_version_that_rpm_computes_from_a_macro_is_changed_there(
    distgit: Distgit, version: str
) -> None:
    top, extra = "%global tag v1.0.0\n", "# patches_base=1.0.0"
    made(distgit, top=top, version=version, extra=extra, source="%{tag}.tar.gz")

    distgit.pkg("new-version", "2.0.0", "-l", "-n", "-d")

    assert "%global tag v2.0.0\n" in distgit.text
    assert distgit.message.startswith("foo-bar-2.0.0-1\n")
