"""The file `.rdopkg.json`: the action in progress and its arguments.

The names in the file are rdopkg's, so that each program can continue the other's actions.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from rdo.atomic import write_file
from rdo.errors import RefusedError

STATE_FILE = ".rdopkg.json"

STEPS: Mapping[str, tuple[str, ...]] = {
    "fix": (
        "get_package_env",
        "update_spec",
        "edit_spec",
        "commit_distgit_update",
        "final_spec_diff",
    ),
    "new_version": (
        "get_package_env",
        "ensure_patches_base_ref",
        "new_version_setup",
        "diff",
        "prep_new_patches_branch",
        "get_patches_branch",
        "rebase_patches_branch",
        "update_patches",
        "update_spec",
        "get_source",
        "new_sources",
        "commit_distgit_update",
        "final_spec_diff",
        "review_patches_branch",
    ),
}
"""The actions that can stop for a person, with their steps."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments that the steps of an action share, under the names in the file.

    `report` has a line for each patch that was rebased onto a new version.
    """

    package: str = ""
    branch: str = ""
    patches_style: str = ""
    patches_branch: str = ""
    local_patches_branch: str = ""
    release_bump_index: str = ""
    version: str = ""
    version_tag_style: str = ""
    new_version: str = ""
    new_rpm_version: str = ""
    new_milestone: str = ""
    new_release: str = ""
    new_patches_base: str = ""
    changes: tuple[str, ...] = ()
    bug: str = ""
    bump_only: bool = False
    local_patches: bool = False
    no_diff: bool = False
    no_bump: bool = False
    amend: bool = False
    force: bool = False
    new_sources: bool = False
    unattended: bool = False
    push_patches: bool = False
    no_push_patches: bool = False
    no_new_sources: bool = False
    take_sources: bool = False
    repositories: tuple[str, ...] = ()
    gerrit_patches_chain: str = ""
    changelog: str = ""
    commit_header_file: str = ""
    changelog_user: str = ""
    changelog_email: str = ""
    message: str = ""
    old_patches: tuple[str, ...] = ()
    rebased_from: str = ""
    conflicted: tuple[str, ...] = ()
    report: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionState:
    """An action in progress; `step` is the next one, `entry` is its number in the journal."""

    action: str
    step: str
    arguments: Arguments
    entry: int | None = None

    @property
    def done(self) -> tuple[str, ...]:
        steps = STEPS[self.action]
        return steps[: steps.index(self.step)]


def load(folder: Path) -> ActionState | None:
    """Return the action in progress in a distgit, or None; raises RefusedError for a bad file."""
    try:
        content = (folder / STATE_FILE).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return _parse(json.loads(content))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RefusedError(
            f"the state file {STATE_FILE} cannot be read: {error}; --abort removes it"
        ) from error


def _parse(row: Any) -> ActionState:
    action, step = row["action"][0], row["action"][-1]
    if action not in STEPS or step not in STEPS[action]:
        raise ValueError(f"unknown action or step: {row['action']}")
    known = {field.name: field.type for field in fields(Arguments)}
    given = {name: value for name, value in row["args"].items() if name in known}
    return ActionState(action, step, Arguments(**_typed(given)), row.get("entry"))


def _typed(given: Mapping[str, Any]) -> dict[str, Any]:
    defaults = asdict(Arguments())
    typed: dict[str, Any] = {}
    for name, value in given.items():
        usual = defaults[name]
        if value is None:
            continue
        if isinstance(usual, tuple) and isinstance(value, list):
            typed[name] = tuple(value)
        elif isinstance(value, type(usual)):
            typed[name] = value
        else:
            raise TypeError(f"{name} is {value!r}")
    return typed


def store(folder: Path, state: ActionState) -> None:
    """Write the state of an action; values that rdopkg writes as null are written as null."""
    always = {
        "package",
        "branch",
        "patches_style",
        "patches_branch",
        "release_bump_index",
        "local_patches_branch",
        "version",
        "version_tag_style",
    }
    args = {
        name: (list(value) if isinstance(value, tuple) else value) or None
        for name, value in asdict(state.arguments).items()
        if value or name in always
    }
    row = {
        "action": [state.action, state.step],
        "args": {"package_tags": None, **args},
        "entry": state.entry,
    }
    write_file(folder / STATE_FILE, json.dumps(row))


def is_stored(folder: Path) -> bool:
    """Whether an action is in progress."""
    return (folder / STATE_FILE).exists()


def remove(folder: Path) -> bool:
    """Remove the state file; return whether there was one."""
    if not is_stored(folder):
        return False
    (folder / STATE_FILE).unlink()
    return True


def as_text(state: ActionState | None) -> str:
    """Return the output of `status`."""
    if state is None:
        return "No action in progress."
    shown = {name: value for name, value in asdict(state.arguments).items() if value}
    arguments = "\n".join(f"  {name}: {_as_words(shown[name])}" for name in sorted(shown))
    marks = [f"  [*] {state.action}"]
    for step in STEPS[state.action]:
        mark = "x" if step in state.done else "*" if step == state.step else " "
        marks.append(f"    [{mark}] {step}")
    return (
        f"Action in progress: {state.action}\n\nArguments:\n{arguments}\n\nProgress:\n"
        + "\n".join(marks)
    )


def _as_words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
