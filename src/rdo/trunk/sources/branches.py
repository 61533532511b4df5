"""Choose the branch or tag of a remote to build a package from, also if the usual one is gone."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_MASTERS = ("master", "main")


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch or tag that exists: its short name and the hash of its commit."""

    name: str
    hash: str


@dataclass(frozen=True, slots=True)
class BranchRules:
    """The rules for replacing a branch that does not exist.

    A branch that matches one of `nonfallback` (anchored only where it says so) is never replaced. A
    release's stable branch becomes `unmaintained/<release>` and later the tag `<release>-eol`; a
    new release's branches do not exist before it is cut, and until then its packages are built from
    master. `upstream_falls_back` is whether master also replaces an upstream branch, which it
    should only while the release is in development.
    """

    fallback_to_master: bool = True
    upstream_falls_back: bool = True
    nonfallback: tuple[str, ...] = ("^master$", "^rpm-master$")

    def upstream(self, refs: Mapping[str, str], wished: str) -> Branch | None:
        """Return the upstream branch or tag that is built for `wished`."""
        return _first(refs, self._upstream_names(wished))

    def distgit(self, refs: Mapping[str, str], wished: str) -> Branch | None:
        """Return the distgit branch that is built for `wished`."""
        return _first(refs, self._distgit_names(wished))

    def _upstream_names(self, wished: str) -> Iterator[str]:
        yield wished
        if self._is_fixed(wished):
            return
        if release := wished.removeprefix("stable/").removeprefix("unmaintained/"):
            yield f"unmaintained/{release}"
            yield f"{release}-eol"
        if self.fallback_to_master and self.upstream_falls_back:
            yield from _MASTERS

    def _distgit_names(self, wished: str) -> Iterator[str]:
        yield wished
        if wished.endswith("-rdo") and self.fallback_to_master and not self._is_fixed(wished):
            yield "rpm-master"

    def _is_fixed(self, wished: str) -> bool:
        return any(re.search(pattern, wished) for pattern in self.nonfallback)


def stands_in(branch: str, wished: str) -> str:
    """Return the branch if it is master or main and replaces another one; else nothing.

    >>> stands_in("main", "stable/x"), stands_in("main", "main"), stands_in("x-eol", "x")
    ('main', '', '')
    """
    return branch if branch in _MASTERS and wished not in _MASTERS else ""


def find(refs: Mapping[str, str], name: str) -> Branch | None:
    """Return the branch called `name`, else the tag; `refs` are in the form of `ls_remote`."""
    for full in (f"refs/heads/{name}", f"refs/tags/{name}^{{}}", f"refs/tags/{name}"):
        if full in refs:
            return Branch(name, refs[full])
    return None


def _first(refs: Mapping[str, str], names: Iterator[str]) -> Branch | None:
    return next((branch for name in names if (branch := find(refs, name))), None)
