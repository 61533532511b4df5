"""The file of an update: its purpose, and the builds in it (rdo-update's format of 2015)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rdo.errors import ConfigError, NotFoundError

TO_FILL = "FILLME"
"""The placeholder in a new file for text that its author must write."""
_MOST_BYTES = 1 << 20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KEYS = ("notes", "group", "builds")
_BUILD_KEYS = ("id", "source", "repo", "dist", "tag", "arch")
_NEEDED = ("id", "source", "repo", "dist")
_NVR = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*-[A-Za-z0-9._+~^]+-[A-Za-z0-9._+~^]+")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_SCRATCH = "-scratch"
_TASK = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class UpdateBuild:
    """One build: its NVR, its build source, and the repository it is for.

    In a source whose name ends in `-scratch` a build has no NVR: `id` is the number of its task.
    `repo` is a release of the metadata, `dist` one of its base OSes. `tag` is a separate part of
    the repository, `arch` limits the build to one architecture.
    """

    id: str
    source: str
    repo: str
    dist: str
    tag: str = ""
    arch: str = ""

    @property
    def name(self) -> str:
        """The name in the NVR."""
        return self.id.rsplit("-", 2)[0]

    @property
    def place(self) -> str:
        """The path of its repository below `base`: `REPO/DIST` or `REPO/DIST/TAG`."""
        return "/".join(part for part in (self.repo, self.dist, self.tag) if part)

    def __str__(self) -> str:
        return f"{self.id} from {self.source} for {self.place}"


@dataclass(frozen=True, slots=True)
class UpdateFile:
    """An update: its notes, its builds, and the group of updates that it belongs to, if any."""

    notes: str
    builds: tuple[UpdateBuild, ...]
    group: str = ""

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in _lines(self))


def _lines(update: UpdateFile) -> Iterator[str]:
    yield "---"
    yield from _text("notes", update.notes)
    if update.group:
        yield from _text("group", update.group)
    yield "builds:"
    for build in update.builds:
        for number, key in enumerate(_BUILD_KEYS):
            value = getattr(build, key)
            if value:
                yield f"{'    ' if number else '  - '}{key}: {_scalar(value)}"


def _text(key: str, value: str) -> Iterator[str]:
    """Yield YAML lines that are read as this text: a block of lines if that works."""
    lines = value.split("\n")
    block = [f"{key}: |-", *(f"  {line}".rstrip() for line in lines)]
    if len(lines) > 1 and _is_read_as("\n".join(block), {key: value}):
        yield from block
    else:
        yield f"{key}: {_scalar(value)}"


def _scalar(text: str) -> str:
    """Return one line of YAML that is read as this text, unquoted if possible."""
    if "\n" not in text and _is_read_as(f"a: {text}", {"a": text}):
        return text
    return str(yaml.safe_dump(text, width=10**9, allow_unicode=True, default_style='"')).strip()


def _is_read_as(text: str, value: object) -> bool:
    try:
        return bool(yaml.load(text, _LOADER) == value)
    except (yaml.YAMLError, ValueError):
        return False


def with_build(file: Path, build: UpdateBuild, notes: str = "") -> UpdateFile:
    """Return the update in a file with one more build; a new update has the notes FILLME.

    Raises ConfigError for a file, or a build, that does not fit an update.
    """
    if file.exists():
        before = read_update(file)
        builds = tuple(one for one in before.builds if one != build)
        made = UpdateFile(notes or before.notes, (*builds, build), before.group)
    else:
        made = UpdateFile(notes or TO_FILL, (build,))
    parse_update(str(made), file.name)  # reports faults before the file is written
    return made


def read_update(file: Path) -> UpdateFile:
    """Read an update's file; NotFoundError if there is none, ConfigError if it is invalid."""
    if not file.is_file():
        raise NotFoundError(f"there is no file {file}", hint="rdo update new makes one")
    try:
        text = file.read_text()
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8 text") from None
    return parse_update(text, file.name)


def parse_update(text: str, name: str) -> UpdateFile:
    """Parse the file `name`; raises ConfigError that lists all of its faults.

    >>> parse_update("notes: x", "up.yml")
    Traceback (most recent call last):
    rdo.errors.ConfigError: up.yml: builds is missing
    """
    if len(text) > _MOST_BYTES:
        raise ConfigError(f"{name} is larger than {_MOST_BYTES} bytes")
    try:
        content = yaml.load(text, _LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        said = getattr(error, "problem", None) or "it cannot be read"
        raise ConfigError(f"{name}{where}: not YAML: {said}") from error
    faults = list(_faults(content))
    if faults:
        raise ConfigError(f"{name}: {'; '.join(faults[:10])}")
    builds = tuple(
        UpdateBuild(**{key: str(it) for key, it in row.items()}) for row in content["builds"]
    )
    return UpdateFile(str(content["notes"]).rstrip("\n"), builds, str(content.get("group", "")))


def _faults(content: Any) -> Iterator[str]:
    if not isinstance(content, dict):
        yield "not a mapping with notes and builds"
        return
    yield from (f"unknown key {key!r}" for key in content if key not in _KEYS)
    yield from (f"{key} is missing" for key in ("notes", "builds") if key not in content)
    for key in ("notes", "group"):
        if not isinstance(content.get(key, ""), str):
            yield f"{key} is not a text"
    rows = content.get("builds", ())
    if not isinstance(rows, list | tuple) or ("builds" in content and not rows):
        yield "builds is not a list of builds"
        return
    for number, row in enumerate(rows, 1):
        yield from (f"build {number}: {fault}" for fault in _build_faults(row))
    yield from _doubled(rows)


def _build_faults(row: Any) -> Iterator[str]:
    if not isinstance(row, dict):
        yield "not a mapping with id, source, repo and dist"
        return
    yield from (f"unknown key {key!r}" for key in row if key not in _BUILD_KEYS)
    yield from (f"{key} is missing" for key in _NEEDED if key not in row)
    for key, value in row.items():
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            yield f"{key} is not a text"
        elif key == "id" and not _is_id(str(value), str(row.get("source", ""))):
            yield f"{str(value)!r} is not NAME-VERSION-RELEASE"
        elif key in _BUILD_KEYS[1:] and not _PART.fullmatch(str(value)):
            yield f"{key} {str(value)!r} cannot be part of a path"


def _is_id(text: str, source: str) -> bool:
    is_task = source.endswith(_SCRATCH) and _TASK.fullmatch(text)
    return bool(is_task or _NVR.fullmatch(text))


def _doubled(rows: Sequence[Any]) -> Iterator[str]:
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        if isinstance(row, dict):
            key = tuple(str(row.get(part, "")) for part in ("id", "repo", "dist", "tag"))
            if key in seen:
                yield f"{key[0]} is there twice for {key[1]}/{key[2]}"
            seen.add(key)
