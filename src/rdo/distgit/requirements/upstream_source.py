"""Where upstream's requirements are read: a commit in the clone, or a folder."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.distgit.requirements.declared import runtime
from rdo.distgit.requirements.text_encoding import decoded
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.environment import base_version, distgit_branch, release_ref
from rdo.distgit.verb.problems import invalid_ref
from rdo.errors import NotFoundError, RefusedError, UserError
from rdo.model.python import Python
from rdo.spec.tags import get_tag
from rdo.tools.git.clone import Clone
from rdo.upstream_versions import tag_of, tags_of_version

log = logging.getLogger(__name__)

_DLRN_FOLDER = re.compile(r"/([^/]+)_distro(?:/|$)")


@dataclass(frozen=True, slots=True)
class RefSource:
    """A commit in the distgit's clone, as a source of files."""

    clone: Clone
    ref: str

    def file(self, path: str) -> str | None:
        data = self.clone.bytes_at(self.ref, path)
        return None if data is None else decoded(data)

    def __str__(self) -> str:
        return self.ref


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder with an unpacked source or a checkout, as a source of files."""

    folder: Path

    def file(self, path: str) -> str | None:
        place = (self.folder / path).resolve()
        if not place.is_relative_to(self.folder.resolve()) or not place.is_file():
            return None
        return decoded(place.read_bytes())

    def __str__(self) -> str:
        return str(self.folder)


Upstream = RefSource | FolderSource
TagsOf = Callable[[], Mapping[str, Any]]


def python_of(desk: Desk, version: str) -> Python:
    """Return the interpreter to evaluate markers for: X.Y, by default rdopkg's setting.

    Raises RefusedError for a version of another form.
    """
    version = version or desk.settings.text("REQCHECK_PY_VERSION") or "3.9"
    if not re.fullmatch(r"\d+\.\d+(\.\d+)?", version):
        raise RefusedError(
            f"Invalid Python version: {version!r}", hint="pass a version such as 3.9 or 3.11"
        )
    return Python(version)


def at_ref(desk: Desk, ref: str) -> RefSource:
    """Return a ref as a source, or a version's tag; raises RefusedError if neither exists."""
    for name in (ref, f"v{ref}", f"V{ref}", *tags_of_version(ref, desk.clone.tags())):
        if desk.clone.resolve(name):
            return RefSource(desk.clone, name)
    raise invalid_ref(ref)


def upstream_of(desk: Desk, version: str, tags_of: TagsOf) -> Upstream:
    """Return the upstream source of the spec; `version` names a ref instead of guessing it.

    `tags_of` returns the package's tags in the metadata; it is called only if they are needed.
    Raises RefusedError or NotFoundError if no source can be found.
    """
    if version and version.upper() != "XXX":
        return at_ref(desk, version)
    written = version or get_tag(desk.spec.text(), "Version")
    if written.upper() != "XXX":
        base, style = base_version(desk)
        ref = tag_of(base, style)
        return RefSource(desk.clone, ref) if desk.clone.resolve(ref) else at_ref(desk, base)
    if "upstream" in desk.clone.remotes():
        return at_ref(desk, _upstream_ref(desk, tags_of))
    found = _DLRN_FOLDER.search(str(desk.folder.absolute()))
    if not found:
        raise RefusedError(
            "Unable to determine requirements.txt location: failed to parse current path",
            hint="there is no remote named upstream; name a commit with -R",
        )
    folder = desk.folder.absolute().parent / found[1]
    log.info("Delorean detected. Using ../%s", found[1])
    if not folder.is_dir():
        raise NotFoundError(f"Not a directory: {folder}")
    return FolderSource(folder)


def _upstream_ref(desk: Desk, tags_of: TagsOf) -> str:
    """Return the upstream branch that a spec with `Version: XXX` is for."""
    branch = distgit_branch(desk).replace("rpm-", "")
    if branch not in ("master", "main"):
        return release_ref(desk.clone, branch) or f"upstream/stable/{branch.removesuffix('-rdo')}"
    try:
        tags = tags_of()
    except UserError as error:
        log.warning("cannot read the metadata: %s", error)
        tags = {}
    for tag, override in tags.items():
        wanted = override.get("source-branch") if isinstance(override, Mapping) else None
        for name in (wanted, f"v{wanted}", f"upstream/{wanted}") if wanted else ():
            if tag.endswith("-uc") and desk.clone.resolve(str(name)):
                return str(name)
    for name in ("upstream/master", "upstream/main"):
        if desk.clone.resolve(name):
            return name
    return "upstream/master"


def formerly_wanted(desk: Desk, python: Python) -> set[str]:
    """Return the projects that upstream's stable branches older than this commit require."""
    clone = desk.clone
    out = clone.plumb(
        "for-each-ref",
        "--format=%(committerdate:unix) %(refname)",
        "refs/remotes/upstream/stable",
        "refs/remotes/openstack/stable",
    )
    now = (
        int(clone.plumb("log", "--max-count=1", "--format=%ct") or 0)
        if clone.resolve("HEAD")
        else 0
    )
    found: set[str] = set()
    for row in out.splitlines():
        when, _, ref = row.partition(" ")
        if int(when) <= now:
            found |= {one.name for one in runtime(RefSource(clone, ref), python)}
    return found
