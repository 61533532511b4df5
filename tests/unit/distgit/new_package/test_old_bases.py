"""Assumptions of a spec that hold only on its writer's own base."""

import pytest

from rdo.distgit.new_package.old_bases import old_bases
from rdo.spec.text import SpecText

GOOD = """\
Name: python-lemon
BuildRequires: python3-devel
BuildRequires: python3dist(pbr) >= 2
%patch -P 1
%build
%{python3} setup.py build
%install
rm %{buildroot}%{python3_sitelib}/tests.py
%files
%{python3_sitelib}/lemon
# /usr/lib/python3.9/site-packages was its place
%changelog
* Thu Jan 1 2026 A <a@example.test> - 1-1
- no python3.9 any more
"""
ANOTHER = "because Python differs between bases"


def test_a_spec_that_assumes_nothing_is_good() -> None:
    assert old_bases(SpecText.parse(GOOD.encode())).is_done


@pytest.mark.parametrize(
    ("section", "line", "said"),
    [
        ("", "Requires: python3.11dist(six)", "write python3dist(…)"),
        ("", "BuildRequires: python3.12-devel", "write %{python3} or %{python3_version}"),
        ("", "BuildRequires: pkgconfig(python3)", "write pkgconfig(python-%{python3_version})"),
        ("%build", "gcc $(python3-config --includes) x.c", "write %{python3}-config"),
        ("%build", "cc $(/usr/bin/python3-config --libs) x.c", "write %{python3}-config"),
        ("%build", "python3 setup.py build", "write %{python3}"),
        ("%check", "PYTHONPATH=. python3 -m pytest", "write %{python3}"),
        ("%check", "PYTHON=/usr/bin/python3 stestr run", "write %{python3}"),
        (
            "%files",
            "/usr/lib/python3.9/site-packages/lemon",
            "write %{python3_sitelib} or %{python3_sitearch}",
        ),
    ],
)
def test_what_names_one_interpreter_is_reported_with_what_to_write(
    section: str, line: str, said: str
) -> None:
    step = old_bases(SpecText.parse(f"Name: x\n{section}\n{line}\n{line}\n".encode()))

    assert (step.is_done, step.detail) == (False, f"lines 3, 4: {said}, {ANOTHER}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("BuildSystem: pyproject", "BuildSystem needs rpm 4.20"),
        ("BuildOption(install): -l lemon", "BuildSystem needs rpm 4.20"),
        ("%install -a", "%SECTION -a or -p needs rpm 4.20"),
        ("%patch 1 -p1", "%patch NUMBER, unlike %patch -P NUMBER, needs rpm 4.18"),
        ("%conf", "%conf needs rpm 4.18"),
        ("%preuntrans", "%preuntrans needs rpm 4.19"),
    ],
)
def test_what_an_old_rpm_does_not_have_is_reported(line: str, said: str) -> None:
    step = old_bases(SpecText.parse(f"Name: x\n{line}\n".encode()))

    assert (step.is_done, step.detail) == (False, said)
