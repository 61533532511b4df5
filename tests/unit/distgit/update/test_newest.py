"""Which of many tags is the newest version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from rdo.distgit.update.newest import newest, pypi_project
from rdo.spec.text import SpecText


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        pytest.param([], "", id="none"),
        pytest.param(["newton-eol", "start"], "", id="none is a version"),
        pytest.param(["1.9.0", "1.10.0", "1.2.0"], "1.10.0", id="numbers and not letters"),
        pytest.param(["v1.0", "1.1"], "1.1", id="some with a v"),
        pytest.param(["1.0", "v1.1"], "1.1", id="the v is not part of it"),
        pytest.param(["1.0.0", "2.0.0.0rc1"], "1.0.0", id="a pre-release does not count"),
        pytest.param(["2.0.0.0b1", "2.0.0.0rc1"], "2.0.0.0rc1", id="unless there is nothing else"),
        pytest.param(["1.0", "1.0.0"], "1.0", id="of two ways to write it the first"),
        pytest.param(["1.0", "1.0.post1"], "1.0.post1", id="a post-release is final"),
    ],
)
def test_the_newest(tags: list[str], expected: str) -> None:
    assert newest(tags) == expected


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1))
def test_the_newest_is_the_highest_in_any_order(numbers: list[tuple[int, int]]) -> None:
    tags = [f"{major}.{minor}" for major, minor in numbers]

    assert Version(newest(tags)) == max(map(Version, tags))
    assert newest(tags) == newest(tags[::-1])


@pytest.mark.parametrize(
    ("spec", "project"),
    [
        pytest.param("%global pypi_name oslo.config", "oslo.config", id="the macro"),
        pytest.param("%global library nova\n%global pypi_name x", "x", id="the better one first"),
        pytest.param("Source0: %{pypi_source foo}", "foo", id="its source macro"),
        pytest.param("Source0: %pypi_source foo", "foo", id="its source macro without braces"),
        pytest.param("URL: https://pypi.org/project/foo-bar/", "foo-bar", id="its page"),
        pytest.param("URL: https://pypi.python.org/pypi/foo", "foo", id="its old page"),
        pytest.param("URL: https://example.test/foo", "", id="nothing says so"),
    ],
)
def test_the_project_of_a_spec(spec: str, project: str) -> None:
    assert pypi_project(SpecText.parse(f"Name: x\n{spec}\n".encode()), lambda text: text) == project
