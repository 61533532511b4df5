"""Find out how %prep applies patches: with git, which handles all, or with `patch`."""

import re

from rdo.spec.text import SpecText

_AUTOSETUP = re.compile(r"\s*%\{?autosetup(?=[\s}]|$)")
_BY_GIT = re.compile(r"\s-S\s*git(_am)?(?=[\s}]|$)")
_GIT_COMMAND = re.compile(r"(^|[\s;&|(])git\s+(am|apply)\b")
_SCM = re.compile(r"\s*%(global|define)\s+__scm\s+git(_am)?\s*$")


def is_applied_by_git(text: SpecText) -> bool:
    """Whether git applies the patches in %prep, so that they may contain binary files."""
    lines = [line for line in text.read() if not line.continues]
    if any(_SCM.match(line.text) for line in lines):
        return True
    prep = [line.text for line in lines if line.section == "prep"]
    setups = [line for line in prep if _AUTOSETUP.match(line)]
    if setups:
        return all(_BY_GIT.search(line) for line in setups)
    return any(_GIT_COMMAND.search(line) for line in prep)
