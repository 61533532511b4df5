"""Find out from git's output why it stopped: a key, a hook, a lock or a file in the way."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from rdo.errors import CommandError

_LOCK = re.compile(r"Unable to create '(?P<path>[^']*\.lock)'")
_SIGNING = re.compile(r"failed to sign|signing failed|cannot run gpg|load public key|user\.signing")
_HOOK = re.compile(r"(?<![a-z-])(?P<name>[a-z]+(?:-[a-z]+)+)'? hook|ref updates aborted by hook")
_IN_THE_WAY = re.compile(r"untracked working tree files? would be (?:overwritten|removed)[^\n]*")
_SAID = re.compile(r"^(?:fatal|error): (?P<text>.*)", re.MULTILINE)
# Hooks that can refuse a commit; git itself does not say that one has.
_COMMIT_HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg")


class GitStoppedError(CommandError):
    """git stopped for a reason outside the files; a person can remove it, and git can continue."""


def stopped(what: str, said: str, hooks: Sequence[str] = ()) -> GitStoppedError:
    """Return the error for a git command that ended without doing `what`.

    `hooks` are those that may have ended it without a message of git.

    >>> str(stopped("commit", "error: gpg failed to sign the data\\nfatal: failed to write commit"))
    'git could not commit: signing failed (gpg failed to sign the data)'
    """
    reason, hint = _reason(said, hooks)
    return GitStoppedError(f"git could not {what}: {reason}", hint=hint)


def _reason(said: str, hooks: Sequence[str]) -> tuple[str, str]:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if lock := _LOCK.search(said):
        return (
            f"another git holds {lock['path']}, or a killed one left it",
            "wait until it has finished; if no git is running here, remove the file",
        )
    if _SIGNING.search(said):
        told = next((_SAID.sub(r"\g<text>", line) for line in lines if _SIGNING.search(line)), "")
        hint = "make the key usable, or set commit.gpgSign=false in this clone"
        return f"signing failed ({told})", hint
    if found := _HOOK.search(said):
        name = found["name"] or "reference-transaction"
        return f"the hook {name} refused{_last(lines)}", "fix what the hook reports"
    if match := _IN_THE_WAY.search(said):
        names = said[match.end() :].partition("Please")[0].split()
        return f"git does not track {', '.join(names[:5])}, which is in the way", "move it away"
    if words := _SAID.findall(said):
        return "; ".join(dict.fromkeys(words[:2])), ""
    if hooks:
        shown = " or ".join(hooks)
        return f"the hook {shown} refused{_last(lines)}", "fix what the hook reports"
    return (lines or ["it ended with an error"])[-1], ""


def _last(lines: Sequence[str]) -> str:
    own = [line for line in lines if not re.match(r"(fatal|error|hint):", line)]
    return f" ({own[-1][:200]})" if own else ""


def is_locked(said: str) -> bool:
    """Whether git found the lock of another git process."""
    return _LOCK.search(said) is not None


def commit_hooks(folder: Path) -> list[str]:
    """Return the hooks in a folder that can refuse a commit."""
    return [name for name in _COMMIT_HOOKS if os.access(folder / name, os.X_OK)]
