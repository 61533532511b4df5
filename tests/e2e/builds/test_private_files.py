"""A user whose umask hides new files from other users, as is common."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import needs_roots, rdo
from tests.e2e.hostile import TARGET, Hostile

pytestmark = needs_roots

BODY = """\
%prep
%setup -q -n plain-%{upstream_version}
%build
%install
install -D -m644 README %{buildroot}/usr/share/plain/README
%files
/usr/share/plain
"""
SPEC = """\
Name: small
Version: 1
Release: 1
Summary: x
License: MIT
BuildArch: noarch
Source0: text
%description
x
%prep
%build
%install
install -D -m644 %{SOURCE0} %{buildroot}/usr/share/small
%files
/usr/share/small
"""


@pytest.fixture(autouse=True)
def private() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_round_builds_and_others_may_read_what_it_publishes(tmp_path: Path) -> None:
    one = Hostile(tmp_path / "factory")
    one.prepare()
    one.add("plain", BODY)

    done = one.run()
    tried = rdo("trunk", "try", "plain", "--source", one.folder / "up/plain", cwd=one.folder)

    assert done.code == 0, done.stderr
    assert tried.code == 0, tried.stderr
    repos = one.folder / f"data/{TARGET}/repos"
    hidden = [path for path in repos.rglob("*") if not path.stat().st_mode & 0o004]
    assert hidden == []


def test_a_spec_is_built_beside_files_that_only_its_owner_may_read(tmp_path: Path) -> None:
    (tmp_path / "small.spec").write_text(SPEC)
    (tmp_path / "text").write_text("x\n")
    (tmp_path / "text").chmod(0o600)

    done = rdo("build", "small.spec", cwd=tmp_path)

    assert done.code == 0, done.stderr
    assert (tmp_path / "text").stat().st_mode & 0o777 == 0o600
