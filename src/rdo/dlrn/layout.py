"""The path of a commit's hash repository in the published tree."""

import re
from pathlib import PurePosixPath

from rdo.model.commit import Commit

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_EXTENDED = re.compile(r"[0-9a-f]{8,}(_[0-9a-f]{8,})?")
_COMPONENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_SECOND_HALF = slice(41, 49)


def component_directory(component: str | None) -> PurePosixPath:
    """Return the path of a component's part of the tree; for None, of the whole tree.

    Raises ValueError for a name that cannot be a folder.
    """
    if component is None:
        return PurePosixPath()
    if not _COMPONENT.fullmatch(component):
        raise ValueError(f"component {component!r} cannot be a folder")
    return PurePosixPath("component", component)


def hash_directory(commit: Commit, component: str | None = None) -> PurePosixPath:
    """Return the commit's directory in the tree, below `component` if the target uses components.

    An extended hash of two halves (`<40 digits>_<40 digits>`) adds two suffixes, a shorter one adds
    one. Raises ValueError for a malformed hash or component.
    """
    for value in (commit.upstream_hash, commit.distgit_hash):
        if not _HASH.fullmatch(value):
            raise ValueError(f"{commit.package}: {value!r} is not a commit hash")
    name = f"{commit.upstream_hash}_{commit.distgit_hash[:8]}"
    if extended := commit.extended_hash:
        if not _EXTENDED.fullmatch(extended):
            raise ValueError(f"{commit.package}: {extended!r} is not an extended hash")
        name += f"_{extended[:8]}"
        if len(extended) >= _SECOND_HALF.stop:
            name += f"_{extended[_SECOND_HALF]}"
    start = component_directory(component)
    return start / commit.upstream_hash[:2] / commit.upstream_hash[2:4] / name
