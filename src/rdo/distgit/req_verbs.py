"""reqdiff, reqcheck and the sources that they and reqquery read requirements from."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rdo.distgit import autosync
from rdo.distgit.actions import change
from rdo.distgit.availability import Available, available
from rdo.distgit.desk import Desk
from rdo.distgit.drift import Drift, find
from rdo.distgit.environment import base_version, distgit_branch, upstream_version, version_tag
from rdo.distgit.problems import invalid_ref
from rdo.distgit.reqcheck import (
    Checked,
    Group,
    Overrides,
    Stated,
    check,
    is_generated,
    keys_of,
    stated,
)
from rdo.distgit.requirements import Difference, Kind, Python, Wanted, difference, read, runtime
from rdo.errors import NotFoundError, RefusedError, UserError
from rdo.spec.file import Expected
from rdo.spec.tags import get_tag
from rdo.tools.clone import Clone

log = logging.getLogger(__name__)

_DLRN_FOLDER = re.compile(r"/([^/]+)_distro(?:/|$)")


@dataclass(frozen=True, slots=True)
class RefSource:
    """The files of a commit in the distgit's clone."""

    clone: Clone
    ref: str

    def file(self, path: str) -> str | None:
        return self.clone.file_at(self.ref, path)

    def __str__(self) -> str:
        return self.ref


@dataclass(frozen=True, slots=True)
class FolderSource:
    """The files of an unpacked source, or of a checkout."""

    folder: Path

    def file(self, path: str) -> str | None:
        place = (self.folder / path).resolve()
        if not place.is_relative_to(self.folder.resolve()) or not place.is_file():
            return None
        return place.read_bytes().decode("utf-8", "surrogateescape")

    def __str__(self) -> str:
        return str(self.folder)


Upstream = RefSource | FolderSource
TagsOf = Callable[[], Mapping[str, Any]]


def python_of(desk: Desk, version: str) -> Python:
    """The interpreter that markers are asked for: X.Y, by default rdopkg's setting."""
    version = version or desk.settings.text("REQCHECK_PY_VERSION") or "3.9"
    if not re.fullmatch(r"\d+\.\d+(\.\d+)?", version):
        raise RefusedError(f"Invalid Python version: {version!r}", hint="such as 3.9 or 3.11")
    return Python(version)


def at_ref(desk: Desk, ref: str) -> RefSource:
    """A ref that must be there; a version may stand for its tag."""
    for name in (ref, f"v{ref}", f"V{ref}"):
        if desk.clone.resolve(name):
            return RefSource(desk.clone, name)
    raise invalid_ref(ref)


def upstream_of(desk: Desk, version: str, tags_of: TagsOf) -> Upstream:
    """The upstream source that the spec is for; `version` is a ref instead of the guess.

    `tags_of` gives the package's tags in the metadata; it is asked only where they count.
    """
    if version and version.upper() != "XXX":
        return at_ref(desk, version)
    written = version or get_tag(desk.spec.text(), "Version")
    if written.upper() != "XXX":
        base, style = base_version(desk)
        ref = version_tag(base, style)
        return RefSource(desk.clone, ref) if desk.clone.resolve(ref) else at_ref(desk, base)
    if "upstream" in desk.clone.remotes():
        return at_ref(desk, _upstream_ref(desk, tags_of))
    found = _DLRN_FOLDER.search(str(desk.folder.absolute()))
    if not found:
        raise RefusedError(
            "Unable to determine requirements.txt location: failed to parse current path",
            hint="there is no remote called upstream; name a commit with -R",
        )
    folder = desk.folder.absolute().parent / found[1]
    log.info("Delorean detected. Using ../%s", found[1])
    if not folder.is_dir():
        raise NotFoundError(f"Not a directory: {folder}")
    return FolderSource(folder)


def _upstream_ref(desk: Desk, tags_of: TagsOf) -> str:
    """The branch that a spec with `Version: XXX` is for."""
    branch = distgit_branch(desk).replace("rpm-", "")
    if branch not in ("master", "main"):
        return f"upstream/stable/{branch.removesuffix('-rdo')}"
    try:
        tags = tags_of()
    except UserError as error:
        log.warning("the metadata is not asked: %s", error)
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
    """Projects that stable branches of the upstream, older than this commit, ask for."""
    clone = desk.clone
    out = clone.plumb(
        "for-each-ref", "--format=%(committerdate:unix) %(refname)",
        "refs/remotes/upstream/stable", "refs/remotes/openstack/stable",
    )  # fmt: skip
    now = int(clone.plumb("log", "--max-count=1", "--format=%ct") or 0) if clone.resolve(
        "HEAD") else 0  # fmt: skip
    found: set[str] = set()
    for row in out.splitlines():
        when, _, ref = row.partition(" ")
        if int(when) <= now:
            found |= {one.name for one in runtime(RefSource(clone, ref), python)}
    return found


def reqdiff(desk: Desk, refs: Sequence[str], python: Python) -> tuple[str, str, Difference]:
    """The requirements of two commits, by default of the spec's version and of the newest."""
    old = refs[0] if len(refs) == 2 else version_tag(*base_version(desk))
    new = refs[-1] if refs else upstream_version(desk.clone)
    if not new:
        raise RefusedError(
            "Unable to determine the newest upstream version: no version tag found",
            hint="name it: rdo pkg reqdiff 1.2.3",
        )
    before, after = (at_ref(desk, ref) for ref in (old, new))
    return before.ref, after.ref, difference(read(before, python), read(after, python))


@dataclass(frozen=True, slots=True)
class Report:
    """All that reqcheck found; `build`, `tests` and `extras` are what BuildRequires or extras of
    the spec do not have, `diff` is what --autosync changed.
    """

    source: str
    rows: tuple[Checked, ...]
    build: tuple[Wanted, ...] = ()
    tests: tuple[Wanted, ...] = ()
    extras: tuple[Wanted, ...] = ()
    drift: tuple[Drift, ...] = ()
    available: tuple[Available, ...] = ()
    diff: str = ""


def reqcheck(
    desk: Desk,
    source: Upstream,
    python: Python,
    overrides: Overrides,
    repositories: Sequence[Path] | None = None,
) -> Report:
    """Compare what the source asks for with the spec, and with repositories if any are given."""
    wanted = read(source, python)
    text = desk.spec.text()
    generated = is_generated(text)
    required = stated(desk.spec)
    rows = check(wanted, required, overrides, formerly_wanted(desk, python), generated=generated)
    return Report(
        source=str(source),
        rows=tuple(rows),
        build=tuple(_not_built_with(desk, wanted)),
        extras=tuple(_extras_not_met(wanted, required)),
        drift=(
            *find(desk.spec, source, wanted),
            *_no_longer(desk, rows, wanted, generated=generated),
        ),
        available=_availability(wanted, repositories),
    )


def _availability(
    wanted: Sequence[Wanted], repositories: Sequence[Path] | None
) -> tuple[Available, ...]:
    if repositories is None:
        return ()
    asked = [one for one in wanted if one.kind in (Kind.RUN, Kind.BUILD)]
    return tuple(available(asked, repositories))


def _no_longer(
    desk: Desk, rows: Sequence[Checked], wanted: Sequence[Wanted], *, generated: bool
) -> Iterator[Drift]:
    """Python `Requires` of a spec whose requirements rpm generates, for which nobody asks."""
    if not generated:
        return
    asked = {key for one in wanted for key in keys_of(one.name)}
    left = [row.name for row in rows if row.group in (Group.EXCESS, Group.REMOVED)]
    keys = {Stated(name).key for name in left if name.startswith("python-")}
    for number, line in enumerate(desk.spec.text().lines, 1):
        match = re.match(r"Requires:\s+(\S+)", line)
        if match and Stated(match[1]).key in keys - asked:
            yield Drift(number, line.strip(), "upstream no longer asks for it")


def _not_built_with(desk: Desk, wanted: Sequence[Wanted]) -> Iterator[Wanted]:
    """Build and test requirements that the spec's BuildRequires lack.

    Where the BuildRequires are generated, none of them can be lacking.
    """
    text = str(desk.spec.text())
    if re.search(r"^%generate_buildrequires", text, re.MULTILINE):
        return
    have = {one.key for one in stated(desk.spec, build=True)}
    seen: set[str] = set()
    for one in wanted:
        is_asked = one.kind in (Kind.BUILD, Kind.TEST) and one.key not in seen
        if is_asked and not keys_of(one.name) & have:
            seen.add(one.key)
            yield one


def _extras_not_met(wanted: Sequence[Wanted], required: Sequence[Stated]) -> Iterator[Wanted]:
    """Requirements on extras of others (`requests[socks]`) that the spec does not name."""
    have = {one.key for one in required}
    for one in wanted:
        for extra in one.extras if one.kind is Kind.RUN else ():
            if not {f"{key}+{extra}" for key in keys_of(one.name)} & have:
                yield replace(one, extras=(extra,))


def synchronise(desk: Desk, report: Report, *, is_dry: bool) -> Report:
    """Edit the spec's Requires; the difference is part of the report."""
    old = desk.spec.text()
    new, rows = autosync.synchronise(old, report.rows)

    def write(here: Desk) -> None:
        here.spec.write(new, Expected())

    if bytes(new) != bytes(old) and not is_dry:
        change(desk, "reqcheck", write)
    return replace(report, rows=tuple(rows), diff=_diff(str(old), str(new), desk.spec.path.name))


def _diff(old: str, new: str, name: str) -> str:
    import difflib

    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"a/{name}", f"b/{name}", lineterm=""
    )
    return "\n".join(lines)
