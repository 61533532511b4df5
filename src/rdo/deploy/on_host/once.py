"""Commands that must run once per version, such as for database schemas and keys."""

import glob
import hashlib
import json
import os
from pathlib import Path

from rdo.deploy.on_host import mariadb
from rdo.deploy.on_host.acts import Unsure, Wanted, as_user, run, write
from rdo.deploy.on_host.packages import version_of

_MARKS = Path("/var/lib/rdo/deploy")


def look_once(wanted: Wanted) -> "list[str]":
    """Return whether the command must run; it must also if its database or files are gone."""
    if wanted["creates"]:
        is_done = bool(glob.glob(wanted["creates"]))  # noqa: PTH207
        return [] if is_done else [wanted["title"]]
    if _mark(wanted) != _stamp(wanted):
        return [wanted["title"]]
    if wanted["database"]:
        try:
            is_empty = mariadb.is_empty(wanted["database"])
        except Unsure:
            if mariadb.is_installed():
                raise
            is_empty = True
        return [wanted["title"]] if is_empty else []
    return []


def make_once(wanted: Wanted) -> None:
    """Run the command as its user, and record the version for which it has run."""
    for command in wanted["commands"]:
        words = as_user(wanted["user"], *command) if wanted["user"] else tuple(command)
        run(*words, env=wanted["env"])
    if not wanted["creates"]:
        _MARKS.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = _MARKS / f"{wanted['name']}.json"
        write(path, json.dumps(_stamp(wanted)), uid=0, gid=0, mode=0o600)


def _stamp(wanted: Wanted) -> "dict[str, str]":
    """Return a hash of what the command depends on: the package, its arguments and its settings."""
    given = json.dumps([wanted["commands"], sorted(wanted["env"].items())])
    return {
        "package": version_of(wanted["package"]) if wanted["package"] else "",
        "given": hashlib.sha256(given.encode()).hexdigest(),
    }


def _mark(wanted: Wanted) -> object:
    path = _MARKS / f"{wanted['name']}.json"
    if not os.access(path, os.R_OK):
        return None
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None
