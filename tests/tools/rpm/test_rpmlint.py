"""rpmlint, which lets rpm read specs from strangers."""

import os
import shutil
from pathlib import Path

import pytest

from rdo.tools.rpm.rpmlint import Rpmlint

pytestmark = pytest.mark.skipif(not shutil.which("rpmlint"), reason="rpmlint is not installed")

SPEC = """\
Name: x
Version: %(echo 1; touch {mark}; cat {secret})
Release: 1
Summary: x
License: MIT
%description
x
%files
"""


def test_a_spec_that_is_checked_runs_nothing_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, secret, folder = tmp_path / "mark", tmp_path / "secret", tmp_path / "distgit"
    folder.mkdir()
    secret.write_text("token-of-the-user")
    (folder / "x.spec").write_text(SPEC.format(mark=mark, secret=secret))
    monkeypatch.chdir(folder)

    found = Rpmlint().check(Path("x.spec"))

    assert not mark.exists()
    assert "token-of-the-user" not in str(found)
    assert ("x.spec", "W", "no-%build-section") in found


def test_the_configuration_of_the_user_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "configuration/rpmlint"
    own.mkdir(parents=True)
    (own / "own.toml").write_text('Filters = ["no-%build-section"]\n')
    (tmp_path / "x.spec").write_text(SPEC.format(mark=os.devnull, secret=os.devnull))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(own.parent))

    texts = [text for _, _, text in Rpmlint().check(tmp_path / "x.spec")]

    assert "no-%prep-section" in texts
    assert "no-%build-section" not in texts
