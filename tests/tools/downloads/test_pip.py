"""pip, when it reads wheels from strangers."""

from pathlib import Path

import pytest

from rdo.errors import CommandError
from rdo.model.python import Python
from rdo.tools.packaging.pip import MAX_REPORT, Pip
from tests.wheels import metadata, wheel


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, which is all that pip may look into."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


def resolve(wheels: Path, name: str) -> list[str]:
    found = Pip("3.11", "2.36", find_links=wheels).resolve([name])
    return [f"{one.name} {one.version}" for one in found]


def test_wheels_and_what_they_require_are_found(wheels: Path) -> None:
    (wheels / "a-1.0-py3-none-any.whl").write_bytes(wheel("a", "1.0", None, "b>=2"))
    (wheels / "b-2.0-py3-none-any.whl").write_bytes(wheel("b", "2.0"))

    assert sorted(resolve(wheels, "a")) == ["a 1.0", "b 2.0"]


def test_markers_are_evaluated_for_the_interpreter_of_the_wheels(wheels: Path) -> None:
    asked = (
        'backport; python_version < "3.10"',
        'patch; python_full_version <= "3.9.2"',
        'modern; python_version >= "3.10"',
    )
    (wheels / "a-1.0-py3-none-any.whl").write_bytes(wheel("a", "1.0", None, *asked))
    for name in ("backport", "patch", "modern"):
        (wheels / f"{name}-1.0-py3-none-any.whl").write_bytes(wheel(name, "1.0"))

    found = Pip("3.9", "2.34", find_links=wheels, look=lambda: Python("3.9.2")).resolve(["a"])

    assert sorted(one.name for one in found) == ["a", "backport", "patch"]


def test_metadata_that_is_too_long_fails_what_requires_it(wheels: Path) -> None:
    endless = metadata("big", "1.0") + "\n" + "x" * (MAX_REPORT + 1)
    content = wheel("big", "1.0", {"big-1.0.dist-info/METADATA": endless})
    (wheels / "big-1.0-py3-none-any.whl").write_bytes(content)

    with pytest.raises(CommandError, match="the metadata of big is too long"):
        resolve(wheels, "big")
