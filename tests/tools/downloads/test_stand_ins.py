"""How pip resolves stand-ins for wheels that are not built yet."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from rdo.bridge.stand_ins import put_stand_ins
from rdo.tools.packaging.pip import Pip
from tests.wheels import wheel


def test_pip_resolves_with_a_stand_in_and_names_it_by_its_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    top = wheel("top", "1.0", None, "Deep.Down[fast]>=1")
    (tmp_path / "top-1.0-py3-none-any.whl").write_bytes(top)

    made = put_stand_ins([Requirement("deep-down===1.5")], tmp_path)

    found = Pip("3.11", "2.36", find_links=tmp_path).resolve(["top"])
    assert sorted((one.name, one.version) for one in found) == [
        ("deep-down", "1.5"),
        ("top", "1.0"),
    ]
    assert [one.name for one in found if one.sha256 in made] == ["deep-down"]


def test_what_has_a_wheel_already_gets_no_stand_in(tmp_path: Path) -> None:
    (tmp_path / "deep_down-1.5-py3-none-any.whl").write_bytes(wheel("deep-down", "1.5"))

    assert put_stand_ins([Requirement("Deep.Down==1.5")], tmp_path) == {}
