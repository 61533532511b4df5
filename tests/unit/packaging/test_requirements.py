"""packaging/requirements.lock, which `make` installs, and the ranges that it was chosen from."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).parents[3]
PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
LOCK = (REPOSITORY / "packaging/requirements.lock").read_text()

_PIN = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+?)(?: ;[^\\\n]*)? \\\n(?P<rest>(?:  .*\n)+)", re.M
)


def wanted() -> list[Requirement]:
    """All that pyproject.toml asks for, to build, to run and to develop."""
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    lists = (PYPROJECT["build-system"]["requires"], project["dependencies"], *extras)
    return [Requirement(text) for texts in lists for text in texts]


def test_the_lock_is_within_the_ranges() -> None:
    locked = {
        canonicalize_name(pin["name"]): Version(pin["version"]) for pin in _PIN.finditer(LOCK)
    }

    for one in wanted():
        version = locked.get(canonicalize_name(one.name))
        assert version, f"{one} is not locked: make lock"
        assert one.specifier.contains(version, prereleases=True), f"{one}: make lock"


def test_each_range_has_a_lower_bound_that_test_oldest_can_try() -> None:
    without = [str(one) for one in wanted() if not any(s.operator == ">=" for s in one.specifier)]

    assert without == []


def test_every_file_is_known_by_its_hash_and_by_no_address() -> None:
    pins = list(_PIN.finditer(LOCK))

    assert len(pins) == len(re.findall(r"^[^\s#]", LOCK, re.MULTILINE))
    assert [pin["name"] for pin in pins if "--hash=sha256:" not in pin["rest"]] == []
    assert not re.search(r"://|--index|--find-links|--extra", LOCK)
