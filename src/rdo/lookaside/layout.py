"""The path of a file in a lookaside cache, on Fedora's and on CentOS's servers."""

import re
from enum import StrEnum

from rdo.errors import NotFoundError, RefusedError
from rdo.lookaside.hashes import HashType, hash_type_of
from rdo.lookaside.sources_file import SourceEntry, check_file_name

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}")
_MOST_PARTS = 4


class Layout(StrEnum):
    """The layout of a cache.

    Fedora's path is `NAME/FILE/HASHTYPE/HASH/FILE`, CentOS's is `NAME/BRANCH/HASH`.
    """

    FEDORA = "fedora"
    CENTOS = "centos"

    def path(self, package: str, entry: SourceEntry, branch: str = "") -> str:
        """Return the path of a file; `package` may have a namespace (`rpms/foo`).

        Raises RefusedError for a package, branch or file that cannot be part of a path.
        """
        check_package(package)
        name = check_file_name(entry.name)
        if self is Layout.FEDORA:
            return f"{package}/{name}/{entry.hash_type}/{entry.digest}/{name}"
        return f"{package}/{check_branch(branch)}/{entry.digest}"


def check_package(name: str) -> str:
    """Return the name of a package, with its namespaces; raises RefusedError if it is invalid."""
    parts = name.split("/")
    if len(parts) > _MOST_PARTS or not all(map(_PART.fullmatch, parts)):
        raise RefusedError(f"{name!r} cannot be the name of a package")
    return name


def check_branch(name: str) -> str:
    """Return the name of a branch in CentOS's paths; raises RefusedError if it is invalid."""
    if not _PART.fullmatch(name):
        raise RefusedError(f"{name!r} cannot be a branch of a lookaside cache of CentOS's layout")
    return name


def read_path(layout: Layout, path: str) -> SourceEntry:
    """Return the file that a path in a cache names; raises NotFoundError if it names none.

    In CentOS's layout a file has only its hash as name.

    >>> read_path(Layout.CENTOS, "foo/c9/d41d8cd98f00b204e9800998ecf8427e").hash_type
    <HashType.MD5: 'md5'>
    """
    parts = path.split("/")
    try:
        if layout is Layout.FEDORA and len(parts) >= 5:
            *package, name, kind, digest, again = parts
            check_package("/".join(package))
            if name == check_file_name(again) and hash_type_of(digest) == kind:
                return SourceEntry(name, HashType(kind), digest)
        elif layout is Layout.CENTOS and len(parts) >= 3:
            *package, branch, digest = parts
            check_package("/".join(package))
            check_branch(branch)
            if kind_of := hash_type_of(digest):
                return SourceEntry(digest, kind_of, digest)
    except RefusedError:
        pass
    raise NotFoundError("there is no such file in this cache")
