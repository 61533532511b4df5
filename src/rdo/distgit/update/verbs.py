"""The verbs as lists of steps, in rdopkg's order and with its names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from rdo.distgit.patches import patches_branch as branch
from rdo.distgit.update import new_version_steps as new
from rdo.distgit.update import spec_update as spec
from rdo.distgit.verb.actions import Steps, change, start
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.state import Arguments

PlainStep = Callable[[Desk, Arguments], Arguments]

FIX: Steps = {
    "get_package_env": branch.get_package_env,
    "update_spec": spec.update_spec,
    "edit_spec": spec.edit_spec,
    "commit_distgit_update": spec.commit_distgit_update,
    "final_spec_diff": spec.final_spec_diff,
}

NEW_VERSION: Steps = {
    "get_package_env": branch.get_package_env,
    "ensure_patches_base_ref": new.ensure_base,
    "new_version_setup": new.new_version_setup,
    "diff": new.show_diff,
    "prep_new_patches_branch": new.prep_new_patches_branch,
    "get_patches_branch": branch.get_patches_branch,
    "rebase_patches_branch": new.rebase_patches_branch,
    "update_patches": branch.update_patches,
    "update_spec": spec.update_spec,
    "get_source": new.get_source,
    "new_sources": new.new_sources,
    "commit_distgit_update": spec.commit_distgit_update,
    "final_spec_diff": new.finish,
    "review_patches_branch": new.review_patches_branch,
}

ACTIONS: Mapping[str, Steps] = {"fix": FIX, "new_version": NEW_VERSION}
"""The actions that can stop for a person, with their steps."""

PATCH: Sequence[PlainStep] = (
    branch.get_package_env,
    branch.ensure_patches_base_ref,
    branch.ensure_patches_branch,
    branch.get_patches_branch,
    branch.check_new_patches,
    branch.update_patches,
    branch.ensure_patches_changed,
    spec.update_spec,
    spec.commit_distgit_update,
    spec.final_spec_diff,
)


def fix(desk: Desk, args: Arguments, *, is_dry: bool = False) -> None:
    """Run `fix`: write a new Release and changelog entry, wait for edits, then commit."""
    start(desk, "fix", FIX, args, is_dry=is_dry)


def new_version(desk: Desk, args: Arguments, *, is_dry: bool = False) -> Arguments:
    """Run `new-version`: update to another upstream version, and rebase the patches onto it."""
    is_clean = not args.bump_only
    return start(desk, "new_version", NEW_VERSION, args, is_dry=is_dry, is_clean=is_clean)


def patch(desk: Desk, args: Arguments, *, is_dry: bool = False, verb: str = "patch") -> None:
    """Run `patch`: copy the patches of the patches branch into the distgit."""
    change(desk, verb, lambda here: _all(here, args, PATCH), is_dry=is_dry, is_clean=True)


def update_patches(desk: Desk, args: Arguments, *, is_dry: bool = False) -> None:
    """Run `patch` from the local patches branch, without a new Release."""
    args = replace(args, local_patches=True, no_bump=True)
    patch(desk, args, is_dry=is_dry, verb="update-patches")


def get_patches(desk: Desk, args: Arguments, *, is_dry: bool = False) -> None:
    """Check out the patches branch, reset to its state on the remote."""
    steps = (
        branch.get_package_env,
        branch.ensure_patches_branch,
        branch.get_patches_branch,
        branch.checkout_patches_branch,
    )
    change(desk, "get-patches", lambda here: _all(here, args, steps), is_dry=is_dry, is_clean=True)


def _all(desk: Desk, args: Arguments, steps: Sequence[PlainStep]) -> None:
    for step in steps:
        args = step(desk, args)
