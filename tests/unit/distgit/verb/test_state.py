"""The state file is read as it was written, whoever wrote it."""

import json
from pathlib import Path

import pytest

from rdo.distgit.verb import state
from rdo.distgit.verb.settings import load as load_settings
from rdo.distgit.verb.state import STATE_FILE, STEPS, ActionState, Arguments
from rdo.errors import ConfigError, RefusedError


@pytest.mark.parametrize("action", STEPS)
def test_an_action_is_read_as_it_was_written(tmp_path: Path, action: str) -> None:
    arguments = Arguments(package="foo", version="1.0", changes=("One", "Two"), bump_only=True)
    for step in STEPS[action]:
        written = ActionState(action, step, arguments, entry=3)

        state.store(tmp_path, written)

        assert state.load(tmp_path) == written


def test_people_see_lists_as_text() -> None:
    arguments = Arguments(package="foo", changes=("Update to 2.0", "Drop patch: x"))

    shown = state.as_text(ActionState("new_version", "diff", arguments)).splitlines()

    assert "  changes: Update to 2.0, Drop patch: x" in shown


def test_what_is_not_known_is_null_as_rdopkg_writes_it(tmp_path: Path) -> None:
    state.store(tmp_path, ActionState("fix", "edit_spec", Arguments(package="foo")))

    row = json.loads((tmp_path / STATE_FILE).read_text())

    assert row["action"] == ["fix", "edit_spec"]
    assert row["args"]["package_tags"] is None
    assert row["args"]["version_tag_style"] is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"action": []}',
        '{"action": ["fix", "nothing"], "args": {}}',
        '{"action": ["fix", "edit_spec"], "args": {"version": 7}}',
        '{"action": [["x"]], "args": {}}',
        '{"action": ["fix", "edit_spec"], "args": []}',
    ],
)
def test_a_file_that_is_no_state_is_one_clear_error(tmp_path: Path, content: str) -> None:
    (tmp_path / STATE_FILE).write_text(content)

    with pytest.raises(RefusedError, match=r"the state file \.rdopkg\.json cannot be read"):
        state.load(tmp_path)


@pytest.mark.parametrize(
    "content", ["X = open('x')", "X = __import__('os').getpid()", "X = 1 +", "X = [y for y in z]"]
)
def test_settings_that_would_have_to_be_run_are_refused(tmp_path: Path, content: str) -> None:
    folder = tmp_path / ".rdopkg/conf.d"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text(content)

    with pytest.raises(ConfigError, match=r"Configuration error: .*a\.py"):
        load_settings(tmp_path, system=tmp_path / "none")


def test_later_settings_count_and_may_use_earlier_ones(tmp_path: Path) -> None:
    folder = tmp_path / ".rdopkg/conf.d"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("BASE = 'https://example.test'\nMINEINFO_REPO = BASE + '/x'\n")
    (folder / "b.py").write_text("DISTRO = 'MINE'\nlower = 1\n")

    settings = load_settings(tmp_path, system=tmp_path / "none")

    assert settings.source() == ("https://example.test/x", "")
    assert "lower" not in settings.values
