"""Compare upstream's requirements with the spec's, in rdopkg's groups."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pymod2pkg
import yaml
from packaging.version import InvalidVersion, Version

from rdo.distgit.requirements.declared import RequirementKind, Wanted
from rdo.errors import ConfigError, NotFoundError
from rdo.python_names import pep440_version, rpm_names
from rdo.spec.file import SpecFile
from rdo.spec.text import SpecText

_DIST = re.compile(r"python3(?:\.\d+)?dist\(([^)\[]+)(?:\[([^\]]+)\])?\)")
_PREFIX = re.compile(r"^python[23](?:\.\d+)?-")
_GENERATING = re.compile(
    r"^[ \t]*%\{?(pyproject_(install|wheel)|py3_install_wheel)\b", re.MULTILINE
)
_NOT_GENERATING = re.compile(r"^[ \t]*%\{?\??python_disable_dependency_generator\b", re.MULTILINE)


class Group(StrEnum):
    """The result for a requirement, in rdopkg's order."""

    MET = "met"
    ANY = "any"
    EXCESS = "excess"
    MISMATCH = "mismatch"
    MISSING = "missing"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Stated:
    """A dependency in the spec; `name` has `python-` for every Python, `versions` has no epoch."""

    name: str
    versions: str = ""

    @property
    def key(self) -> str:
        return _key(self.name)


@dataclass(frozen=True, slots=True)
class Checked:
    """A requirement and the spec's version of it.

    `versions` is None if the spec lacks it; `overridden` is upstream's requirement before an
    override; `sign` and `trouble` describe what --autosync did.
    """

    group: Group
    name: str
    wanted: str = ""
    versions: str | None = None
    overridden: str = ""
    is_generated: bool = False
    sign: str = ""
    trouble: str = ""

    def __str__(self) -> str:
        text = f"{self.name} {self.wanted}".rstrip()
        notes = [f"{self.versions} in .spec"] if self.versions else []
        if self.is_generated:
            notes.append("generated")
        if self.overridden:
            notes.append(f"{self.overridden} has been overridden in requirements file")
        if notes:
            text += f"  ({', '.join(notes)})"
        if self.sign:
            return f"{self.sign} {text}"
        return f"{text} {self.trouble}".rstrip()


def package_of(project: str) -> str:
    """Return RDO's package name for a project on PyPI, with `python-` for every Python."""
    return str(pymod2pkg.module2package(project, "epel"))


def _key(name: str) -> str:
    """Return a key that is the same for all spellings of a Python package's name."""
    return re.sub(r"[-_.]+", "-", re.sub(r"^python[23]?(?:\.\d+)?-", "", name)).lower()


def keys_of(project: str) -> set[str]:
    """Return the keys of all names by which a spec can require a project."""
    return {_key(one) for one in (package_of(project), project, *rpm_names(project))}


def stated(spec: SpecFile, *, build: bool = False) -> list[Stated]:
    """Return what the spec's packages require from others, as rpm reads it, sorted by name."""
    rows = spec.requires(build=build)
    own = {name for name, _ in rows} | {spec.path.stem}
    same = f"= {spec.reading().vr_only}"  # packages of one spec require each other like this
    found: dict[str, Stated] = {}
    for _, dependency in rows:
        for one in _parse(dependency):
            kept = found.get(one.name)
            if one.name not in own and one.versions != same and not one.name.startswith("rpmlib("):
                found[one.name] = one if kept is None or not kept.versions else kept
    return [found[name] for name in sorted(found)]


def _parse(dependency: str) -> Iterable[Stated]:
    """Parse `python3-x >= 2:1.0`, or the first part of a rich dependency."""
    plain = dependency.strip()
    if plain.startswith("("):
        plain = plain[1:].removesuffix(")").strip()
    parts = re.split(r"(?<!\s)\s+(?:with|and|or|if)\s+", plain)
    first = parts[0].strip("()") if "(" in plain else plain
    if match := _DIST.match(plain):
        name, rest = match[0], plain[match.end() :]
        bare = f"{match[1]}+{match[2]}" if match[2] else match[1]
        yield Stated(f"python-{_key(bare)}", _versions(rest.split(" with ")[0].strip("() ")))
        return
    name, _, rest = first.partition(" ")
    yield Stated(_PREFIX.sub("python-", name), _versions(rest))


def _versions(text: str) -> str:
    """Convert `>= 2:1.0` to `>= 1.0`."""
    match = re.match(r"([<>=]+)\s*(?:\d+:)?(\S+)", text.strip())
    return f"{match[1]} {match[2]}" if match else ""


def is_generated(text: SpecText) -> bool:
    """Whether rpm generates the runtime requirements from the package's own metadata."""
    whole = str(text)
    return bool(_GENERATING.search(whole)) and not _NOT_GENERATING.search(whole)


@dataclass(frozen=True, slots=True)
class Overrides:
    """Versions that replace upstream's, by package name; an empty one means ignore."""

    versions: Mapping[str, str]

    @classmethod
    def read(cls, file: Path, package: str) -> "Overrides":
        """Read rdopkg's YAML: `packages: {all|NAME: [{name, version}]}`.

        Raises NotFoundError or ConfigError if the file is missing or malformed.
        """
        try:
            tree = yaml.safe_load(file.read_text())
        except FileNotFoundError as error:
            raise NotFoundError(f"Unable to load the override file: no file {file}") from error
        except (OSError, ValueError, yaml.YAMLError) as error:
            why = " ".join(str(error).split())[:200]
            raise ConfigError(f"Unable to load the override file {file}: {why}") from error
        try:
            groups = tree["packages"]
            rows = [row for who in ("all", package) for row in groups.get(who) or ()]
            versions = {str(row["name"]): str(row.get("version") or "") for row in rows}
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"The override file is not well formatted: {file}",
                hint="packages: {all: [{name: python-six, version: '>= 1.0'}]}",
            ) from error
        return cls(versions)

    def of(self, name: str) -> str | None:
        """Return the version that replaces a package's, or None if it is not overridden."""
        keyed = {_key(one): version for one, version in self.versions.items()}
        return keyed.get(_key(name))


def check(
    wanted: Sequence[Wanted],
    spec: Sequence[Stated],
    overrides: Overrides,
    formerly: Iterable[str] = (),
    *,
    generated: bool = False,
) -> list[Checked]:
    """Compare runtime requirements with the spec's.

    `formerly` are projects that upstream required earlier; if the spec still requires one, it is
    reported as removed. With `generated`, rpm adds requirements that the spec does not name.
    """
    rest = {one.key: one for one in spec}
    found = []
    for one in wanted:
        if one.kind is not RequirementKind.RUN:
            continue
        keys = keys_of(one.name)
        here = next((rest.pop(key) for key in sorted(keys) if key in rest), None)
        override = overrides.of(package_of(one.name))
        if override == "":
            continue
        found.append(_compare(one, here, override, generated=generated))
    before = {key for project in formerly for key in keys_of(project)}
    for left in rest.values():
        group = Group.REMOVED if left.key in before else Group.EXCESS
        found.append(Checked(group, left.name, versions=left.versions))
    return found


def _compare(one: Wanted, here: Stated | None, override: str | None, *, generated: bool) -> Checked:
    lower = _spaced(override) if override else one.lower
    overridden = one.versions if override else ""
    row = Checked(Group.MET, package_of(one.name), lower, overridden=overridden)
    if here is None:
        if generated:
            return replace(row, is_generated=True)
        return replace(row, group=Group.MISSING)
    row = replace(row, versions=here.versions)
    if not here.versions:
        return replace(row, group=Group.ANY if lower else Group.MET)
    return row if _same(lower, here.versions) else replace(row, group=Group.MISMATCH)


def _spaced(version: str) -> str:
    """Return an override's version with uniform blanks."""
    return re.sub(r"(?<!\s)\s*([<>=!]+)\s*", r"\1 ", version).strip()


def _same(one: str, other: str) -> bool:
    """Whether two relations mean the same: `>= 1.0` and `>= 1.0.0`."""
    a, b = (text.replace("==", "=").partition(" ") for text in (one, other))
    if a[0] != b[0]:
        return False
    try:
        return Version(pep440_version(a[2])) == Version(pep440_version(b[2]))
    except InvalidVersion:
        return a[2] == b[2]


def of_group(rows: Iterable[Checked], group: Group) -> list[Checked]:
    """Return the rows of one group."""
    return [row for row in rows if row.group is group]


def as_text(rows: Sequence[Checked], before: str = "  ", *, short: bool = False) -> str:
    """Return rdopkg's layout: a title per non-empty group, and `before` at the start of each line.

    `short` leaves out the notes, for lines to copy into a spec.
    """
    blocks = []
    for group in Group:
        lines = of_group(rows, group)
        if lines:
            texts = [f"{row.name} {row.wanted}".rstrip() if short else str(row) for row in lines]
            blocks.append("\n".join([f"{group.upper()}:", *(f"{before}{text}" for text in texts)]))
    return "\n\n".join(blocks)


def as_json(rows: Sequence[Checked]) -> str:
    """Return rdopkg's JSON: for each group, the names and the spec's versions."""
    groups: dict[str, Any] = {
        group.value: [{"name": row.name, "vers": row.versions} for row in of_group(rows, group)]
        for group in Group
    }
    return json.dumps(groups)
