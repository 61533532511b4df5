"""`rdo pkg local`, `compile`, `install` and `verify-files` in real roots."""

from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.e2e.command import needs_roots, rdo

pytestmark = needs_roots

SPEC = """\
Name: demo
Version: 1.0
Release: 1%{?dist}
Summary: A package of the tests
License: MIT
Source0: demo.txt
BuildArch: noarch
%description
A package of the tests.
%prep
%setup -q -c -T
%build
echo compiled > out
%{?broken:false}
%install
install -D -m 0644 %{SOURCE0} %{buildroot}/usr/share/demo/demo.txt
%{?extra:touch %{buildroot}/usr/share/demo/extra}
%files
/usr/share/demo/demo.txt
%changelog
* Mon Jan 01 2024 Me <me@example.test> 1.0-1
- One
"""


@pytest.fixture
def distgit(tmp_path: Path) -> Path:
    repository = GitRepository(tmp_path / "demo", "f42")
    repository.commit("One", {"SPECS/demo.spec": SPEC, "SOURCES/demo.txt": "text"})
    return repository.path


def test_a_day_of_builds(distgit: Path) -> None:
    done = rdo("pkg", "local", cwd=distgit)
    assert done.code == 0, done.stderr
    assert (distgit / "noarch/demo-1.0-1.fc42.noarch.rpm").is_file()
    assert (distgit / "demo-1.0-1.fc42.src.rpm").is_file()
    assert "compiled" in (distgit / ".build-1.0-1.fc42.log").read_text()
    assert GitRepository(distgit).git("status", "--porcelain") == ""

    for verb in ("compile", "install", "verify-files"):
        assert rdo("pkg", verb, cwd=distgit).code == 0
    for verb in ("install", "verify-files"):
        done = rdo("pkg", verb, "--define", "extra 1", cwd=distgit)
        assert done.code == 1
        assert "/usr/share/demo/extra" in done.stdout
    done = rdo("pkg", "compile", "--define", "broken 1", "--json", cwd=distgit)
    assert (done.code, done.json["reason"]) == (1, "compile")
    assert (distgit / ".build-compile.log").is_file()
