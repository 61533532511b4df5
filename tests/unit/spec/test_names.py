"""The names that a spec gives its packages, known without the platform that builds it."""

import pytest

from rdo.spec.names import written_names
from rdo.spec.text import SpecText

PACKAGES = """\
%global sname demo
%if 0%{?rhel}
%global pyver 3
%else
%global pyver 2
%endif
Name: python-%{sname}
%package -n python%{pyver}-%{sname}
Summary: x
%package  doc
%if 0%{?rhel}
%package -n %{name}-tests
%endif
%description
Name: this is text
"""


def names(text: str) -> list[str] | None:
    found = written_names(SpecText.parse(text.encode()))
    return None if found is None else sorted(found)


def test_each_branch_counts() -> None:
    assert names(PACKAGES) == [
        "python-demo",
        "python-demo-doc",
        "python-demo-tests",
        "python2-demo",
        "python3-demo",
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("%package doc\n", id="no name"),
        pytest.param("Name: %{name}\n", id="a name of itself"),
        pytest.param("%global a %b\n%global b %a\nName: %a\n", id="macros of each other"),
        pytest.param("Name: python%{python3_pkgversion}-x\n", id="a macro of the platform"),
        pytest.param("Name: x\n%package -n %{?scl_prefix}x\n", id="or of another one"),
        pytest.param("%{!?p: %global p y}\nName: %{p}\n", id="a value that a platform replaces"),
        pytest.param("%global x %(date)\nName: x-%{x}\n", id="the output of a program"),
        pytest.param("Name: %{lower:X}\n", id="a function"),
        pytest.param("Name: x\n%package -n\n", id="a package without a name"),
        pytest.param("Name: x\n%package -f y -n z\n", id="an option nobody knows"),
        pytest.param("Name: " + "%a" * 100_000, id="a long name"),
        pytest.param("Name: x\n" + "%package y\n" * 100_000, id="many packages"),
        pytest.param(
            "".join(f"%global a{n} %a{n + 1}%a{n + 1}\n" for n in range(60))
            + "%global a60 1\n%global a60 2\nName: %a0\n",
            id="too many values",
        ),
        pytest.param(
            "".join(f"%global a{n} %a{n + 1}\n" for n in range(500)) + "Name: %a0\n", id="deep"
        ),
    ],
)
def test_what_only_the_platform_knows_is_not_known(text: str) -> None:
    assert names(text) is None


def test_a_macro_that_may_be_undefined_has_both_forms() -> None:
    text = "%if 1\n%global suffix -x\n%endif\nName: a%{?suffix}\n"
    assert names(text) == ["a", "a-x"]
