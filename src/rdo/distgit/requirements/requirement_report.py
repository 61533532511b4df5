"""`reqdiff` and `reqcheck`: compare two upstream versions, or upstream with the spec."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rdo.distgit.requirements import autosync
from rdo.distgit.requirements.availability import Available, available
from rdo.distgit.requirements.declared import (
    Difference,
    RequirementKind,
    Wanted,
    declared,
    difference,
)
from rdo.distgit.requirements.drift import Drift, find
from rdo.distgit.requirements.reqcheck import (
    Checked,
    Group,
    Overrides,
    Stated,
    check,
    is_generated,
    keys_of,
    stated,
)
from rdo.distgit.requirements.upstream_source import Upstream, at_ref, formerly_wanted
from rdo.distgit.verb.actions import change
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.environment import base_version, upstream_version
from rdo.errors import RefusedError
from rdo.model.python import Python
from rdo.spec.file import Expected
from rdo.upstream_versions import tag_of


def reqdiff(desk: Desk, refs: Sequence[str], python: Python) -> tuple[str, str, Difference]:
    """Compare the requirements of two commits (default: the spec's version and the newest).

    Like rdopkg, compare only runtime requirements, which its scripts expect. Raises RefusedError if
    a ref is missing.
    """
    old = refs[0] if len(refs) == 2 else tag_of(*base_version(desk))
    new = refs[-1] if refs else upstream_version(desk.clone)
    if not new:
        raise RefusedError(
            "Unable to determine the newest upstream version: no version tag found",
            hint="name it: rdo pkg reqdiff 1.2.3",
        )
    before, after = (at_ref(desk, ref) for ref in (old, new))
    kinds = {RequirementKind.RUN} if desk.is_rdopkg else set(RequirementKind)
    both = [declared(ref, python) for ref in (before, after)]
    unknown = tuple(
        f"{ref}: {why}"
        for ref, one in zip((before, after), both, strict=True)
        for why in one.unknown
    )
    wanted = ([x for x in one.wanted if x.kind in kinds] for one in both)
    found = difference(*wanted)
    if unknown:  # what is unknown on one side is neither new nor removed
        found = replace(found, added=(), removed=(), unknown=unknown)
    return before.ref, after.ref, found


@dataclass(frozen=True, slots=True)
class RequirementReport:
    """The result of reqcheck.

    `build`, `tests` and `extras` are missing in the spec; `diff` is what --autosync changed. If
    `unknown` has reasons why upstream may require more, no row is called excess.
    """

    source: str
    rows: tuple[Checked, ...]
    build: tuple[Wanted, ...] = ()
    tests: tuple[Wanted, ...] = ()
    extras: tuple[Wanted, ...] = ()
    drift: tuple[Drift, ...] = ()
    available: tuple[Available, ...] = ()
    diff: str = ""
    unknown: tuple[str, ...] = ()


def reqcheck(
    desk: Desk,
    source: Upstream,
    python: Python,
    overrides: Overrides,
    repositories: Sequence[Path] | None = None,
) -> RequirementReport:
    """Compare a source's requirements with the spec, and with repositories if any are given."""
    upstream = declared(source, python)
    wanted = upstream.wanted
    text = desk.spec.text()
    generated = is_generated(text)
    required = stated(desk.spec)
    rows = check(wanted, required, overrides, formerly_wanted(desk, python), generated=generated)
    if upstream.unknown:  # unknown does not mean unwanted
        rows = [row for row in rows if row.group not in (Group.EXCESS, Group.REMOVED)]
    return RequirementReport(
        source=str(source),
        rows=tuple(rows),
        build=tuple(_not_built_with(desk, wanted)),
        extras=tuple(_extras_not_met(wanted, required)),
        drift=(
            *find(desk.spec, source, wanted),
            *_no_longer(desk, rows, wanted, generated=generated),
        ),
        available=_availability(wanted, repositories),
        unknown=upstream.unknown,
    )


def _availability(
    wanted: Sequence[Wanted], repositories: Sequence[Path] | None
) -> tuple[Available, ...]:
    if repositories is None:
        return ()
    asked = [one for one in wanted if one.kind in (RequirementKind.RUN, RequirementKind.BUILD)]
    return tuple(available(asked, repositories))


def _no_longer(
    desk: Desk, rows: Sequence[Checked], wanted: Sequence[Wanted], *, generated: bool
) -> Iterator[Drift]:
    """Find Python `Requires` that nothing needs, in a spec whose requirements rpm generates."""
    if not generated:
        return
    asked = {key for one in wanted for key in keys_of(one.name)}
    left = [row.name for row in rows if row.group in (Group.EXCESS, Group.REMOVED)]
    keys = {Stated(name).key for name in left if name.startswith("python-")}
    for number, line in enumerate(desk.spec.text().lines, 1):
        match = re.match(r"Requires:\s+(\S+)", line)
        if match and Stated(match[1]).key in keys - asked:
            yield Drift(number, line.strip(), "upstream no longer requires it")


def _not_built_with(desk: Desk, wanted: Sequence[Wanted]) -> Iterator[Wanted]:
    """Yield build and test requirements that the spec's BuildRequires lack.

    Generated BuildRequires are always complete.
    """
    text = str(desk.spec.text())
    if re.search(r"^%generate_buildrequires", text, re.MULTILINE):
        return
    have = {one.key for one in stated(desk.spec, build=True)}
    seen: set[str] = set()
    for one in wanted:
        is_asked = one.kind in (RequirementKind.BUILD, RequirementKind.TEST) and one.key not in seen
        if is_asked and not keys_of(one.name) & have:
            seen.add(one.key)
            yield one


def _extras_not_met(wanted: Sequence[Wanted], required: Sequence[Stated]) -> Iterator[Wanted]:
    """Yield requirements on extras of other projects (`requests[socks]`) that the spec lacks."""
    have = {one.key for one in required}
    for one in wanted:
        for extra in one.extras if one.kind is RequirementKind.RUN else ():
            if not {f"{key}+{extra}" for key in keys_of(one.name)} & have:
                yield replace(one, extras=(extra,))


def synchronise(desk: Desk, report: RequirementReport, *, is_dry: bool) -> RequirementReport:
    """Edit the spec's Requires, and add the diff to the report."""
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
