"""The errors of a maintainer's verbs, besides the families of `rdo.errors`.

`rdopkg_code` is the exit code of `rdopkg`; for all other errors it is 1.
"""

from collections.abc import Sequence
from pathlib import Path

from rdo.errors import NotFoundError, RefusedError, UserError

RETIRED_FILES = ("dead.package", "dead.module")
"""The file that marks a retired distgit or module."""


class LintError(RefusedError):
    """A spec has problems at the level that fails the check."""

    rdopkg_code = 23


class MissingDependenciesError(RefusedError):
    """The spec lacks requirements of upstream."""

    rdopkg_code = 2

    def __init__(self) -> None:
        super().__init__("There are missing dependencies")


class MismatchingDependenciesError(RefusedError):
    """The spec requires other versions than upstream."""

    rdopkg_code = 4

    def __init__(self) -> None:
        super().__init__("There are mismatching dependencies")


class NothingToDoError(UserError):
    """An early end because nothing has to change; not a failure."""

    exit_code = 0
    rdopkg_code = 0


class NoActionError(UserError):
    """There is no action to continue or abort."""

    def __init__(self) -> None:
        super().__init__("No action in progress. See `rdopkg -h` for help.")


class OpenActionError(RefusedError):
    """Another action is still in progress."""

    def __init__(self) -> None:
        super().__init__(
            "Please `--continue` or `--abort` previous action before running a new one."
        )


class StoppedError(RefusedError):
    """An action stopped for a person unexpectedly, for example at a conflict."""


class DeclinedError(UserError):
    """The user answered no."""

    def __init__(self) -> None:
        super().__init__("Aborted by user.")


def missing_patches_branch(name: str) -> RefusedError:
    """Return the error with the text that scripts look for, including its trailing blank."""
    return RefusedError(
        f"Configuration error: remote patches branch '{name}' not found. \n\n"
        f"Specify with -p/--patches-branch, use -l/--local-patches, or skip patches branch "
        f"operations with -b/--bump-only"
    )


def invalid_base(ref: str) -> RefusedError:
    """Return the error for a missing git ref below the patches."""
    return RefusedError(
        f"Invalid base patches branch git reference: {ref}\n\n"
        f"Make sure .spec Version references existing git tag\n"
        f"or select explicitly using #patches_base=ANY_GIT_REF\n\n"
        f"`rdopkg pkgenv` can help you debug this!"
    )


def nothing_to_undo() -> NotFoundError:
    """Return the error for an empty journal."""
    return NotFoundError("nothing to undo: no verb has changed anything here")


def invalid_ref(ref: str, known: Sequence[str] = ()) -> RefusedError:
    """Return the error for a git ref that does not exist; `known` are the newest existing tags."""
    hint = "to fetch upstream's versions: git fetch upstream --tags"
    if known:
        hint = f"the newest tags here are {', '.join(known)}; {hint}"
    return RefusedError(f"Invalid git reference: {ref}", hint=hint)


def refuse_retired(folder: Path) -> None:
    """Raise RefusedError, with fedpkg's words, for a retired distgit."""
    for name in RETIRED_FILES:
        if (folder / name).is_file():
            raise RefusedError(
                "This package or module is retired. The action has stopped.",
                hint=f"{name} gives the reason; rdo pkg switch-branch leads to other branches",
            )
