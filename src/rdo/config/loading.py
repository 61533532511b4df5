"""Find rdo.toml, apply file, environment and options over the defaults, and check the result.

Each value remembers its origin, for `rdo config show` and for error messages.
"""

import contextlib
import logging
import os
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from rdo.config.builders import builder_faults, default_builder
from rdo.config.faults import parse_toml, sentence, several
from rdo.config.lines import KeyPath, key_lines
from rdo.config.matrix import MatrixError, is_matrix
from rdo.config.matrix import expanded as matrix_targets
from rdo.config.section import Section
from rdo.config.settings import Settings
from rdo.errors import ConfigError, did_you_mean
from rdo.model.text.address import is_address

log = logging.getLogger(__name__)

FILE_NAME = "rdo.toml"
FILE_VARIABLE = "RDO_CONFIG"
PREFIX = "RDO_"
OF_COMMANDS = frozenset(
    {
        *("RDO_SITE", "RDO_LOOKASIDE_USER", "RDO_LOOKASIDE_PASSWORD", "RDO_CRATES_INDEX"),
        *("RDO_UPDATE_REPO", "RDO_UPDATE_BASE", "RDO_DISTGIT_PERSON", "RDO_CHECK_FOLDER"),
        *("RDO_RESULTDIR", "RDO_PACKAGE", "RDO_UPSTREAM_HASH", "RDO_DISTGIT_HASH"),
        *("RDO_RELEASE", "RDO_BOOTSTRAP", "RDO_REPOSITORIES"),
    }
)
"""Variables that are not settings: single commands read them, or pass them to programs."""
_PASSWORD = re.compile(r"(?<=://)([^:@/]*):[^/\s]*@")
_TOKEN = re.compile(r"(?<=^https://)[^:@/\s]+@|(?<=^http://)[^:@/\s]+@")


class OriginKind(StrEnum):
    """The kinds of places that a value can come from; later kinds override earlier ones."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class ValueOrigin:
    """The place that a value came from; `where` is `file:line`, the variable, or the option."""

    kind: OriginKind
    where: str = ""

    def __str__(self) -> str:
        return self.where or self.kind


@dataclass(frozen=True, slots=True)
class Effective:
    """One effective value with its origin; secrets in it are masked."""

    key: str
    value: object
    origin: ValueOrigin


@dataclass(frozen=True, slots=True)
class Configuration:
    """The checked settings, the file they came from (None: no rdo.toml), and all origins."""

    settings: Settings
    file: Path | None
    origins: Mapping[KeyPath, ValueOrigin]

    def effective(self) -> list[Effective]:
        """Return every effective value, sections last, in the order of the classes."""
        dump = self.settings.model_dump(mode="json", by_alias=True)
        leaves = sorted(_leaves(dump), key=lambda leaf: len(leaf[0]) > 1)
        default = ValueOrigin(OriginKind.DEFAULT)
        return [
            Effective(".".join(path), _masked(path, value), self.origins.get(path, default))
            for path, value in leaves
        ]


def find(start: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the rdo.toml to read: in `start` (-C), the one of RDO_CONFIG, or the nearest one.

    The nearest one is in the current folder or in a folder above it, up to the user's home or the
    end of the file system; None if there is none. Raises ConfigError if a named folder or file has
    none, or if the nearest one belongs to another user, who could then run programs as this user.
    """
    if named := start or (environ.get(FILE_VARIABLE) and Path(environ[FILE_VARIABLE])):
        file = named / FILE_NAME if named.is_dir() else named
        if not file.is_file():
            by = "-C" if start else FILE_VARIABLE
            hint = f"`rdo init {named}` makes one" if named.is_dir() or not named.exists() else ""
            raise ConfigError(f"{by}: {file} does not exist", hint=hint)
        return file.absolute()
    for folder in _upwards(Path(environ.get("HOME", "/"))):
        file = folder / FILE_NAME
        if file.is_file():
            if folder != Path.cwd() and not _is_ours(file, environ):
                raise ConfigError(
                    f"{file} belongs to another user", hint=f"to use it, name it: rdo -C {folder}"
                )
            return file
    return None


def _upwards(home: Path) -> Iterator[Path]:
    """Yield the current folder and those above it on its file system, up to the home."""
    with contextlib.suppress(OSError):  # the folder is gone, or this user may not read it
        here = Path.cwd()
        device = here.stat().st_dev
        for folder in (here, *here.parents):
            if folder.stat().st_dev != device or not os.access(folder, os.X_OK):
                return
            yield folder
            if folder == home:
                return


def _is_ours(file: Path, environ: Mapping[str, str]) -> bool:
    """Whether a file belongs to this user, to root, or to the user who called sudo."""
    trusted = {os.geteuid(), 0}
    if os.geteuid() == 0 and (caller := environ.get("SUDO_UID", "")).isdecimal():
        trusted.add(int(caller))
    return file.stat().st_uid in trusted


def load(
    file: Path | None,
    environ: Mapping[str, str] = os.environ,
    options: Mapping[str, str] | None = None,
) -> Configuration:
    """Read and check the whole configuration; raises one ConfigError that lists all faults.

    `options` are texts by dotted key (`targets.master-deb12.workers`), as on the command line.
    Without a file, the data folder is the user's.
    """
    layers = _Layers()
    if file is None:
        home = environ.get("XDG_DATA_HOME") or environ.get("HOME", "/") + "/.local/share"
        layers.put(("data",), Path(home) / "rdo", ValueOrigin(OriginKind.DEFAULT))
    else:
        layers.put(("data",), file.parent / "data", ValueOrigin(OriginKind.DEFAULT))
        _put_file(layers, file)
        _expand_matrices(layers)
    _put_environment(layers, environ)
    _put_options(layers, options or {})
    _put_default_builders(layers)
    if isinstance(layers.values["data"], Path):
        layers.values.setdefault("platforms", layers.values["data"] / "platforms")
    return Configuration(_checked(layers, file), file, layers.origins)


class _Layers:
    """The values merged so far, with the origin of each."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.origins: dict[KeyPath, ValueOrigin] = {}
        self.faults: list[str] = []

    def put(self, path: KeyPath, value: object, origin: ValueOrigin) -> None:
        """Set a value, replacing that of an earlier layer."""
        section = self.values
        for depth, key in enumerate(path[:-1], 1):
            below = section.setdefault(key, {})
            if not isinstance(below, dict):
                above = ".".join(path[:depth])
                self.faults.append(f"{origin}: {above} is a value, not a section")
                return
            section = below
        section[path[-1]] = value
        self.origins[path] = origin

    def where(self, path: KeyPath) -> str:
        """Return the place that the nearest part of a key came from; empty if unknown."""
        known = [path[:end] for end in range(len(path), 0, -1) if path[:end] in self.origins]
        return str(self.origins[known[0]]) if known else ""


def _put_file(layers: _Layers, file: Path) -> None:
    shown = _shown(file)
    try:
        text = file.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{shown}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{shown}:{line}: not UTF-8") from error
    values = parse_toml(text, shown)
    lines = key_lines(text)
    for path, number in lines.items():
        layers.origins[path] = ValueOrigin(OriginKind.FILE, f"{shown}:{number}")
    for path, value in _leaves(values):
        origin = layers.origins.get(path, ValueOrigin(OriginKind.FILE, shown))
        layers.put(path, _anchored(path, value, file.parent), origin)


def _expand_matrices(layers: _Layers) -> None:
    """Replace a section with `platforms` by one target for each platform."""
    targets = layers.values.get("targets")
    if not isinstance(targets, dict):
        return
    expanded: dict[str, Any] = {}
    for name, section in targets.items():
        if not is_matrix(section):
            new = {name: section}
        else:
            platforms = ("targets", name, "platforms")
            try:
                new = matrix_targets(name, section)
            except MatrixError as error:
                layers.faults.append(f"{layers.where(platforms)}: targets.{name}.platforms {error}")
                continue
            for one in new:
                _copy_origins(layers, ("targets", name), ("targets", one))
                layers.origins["targets", one, "platform"] = layers.origins[platforms]
        for one in new.keys() & expanded.keys():
            where = layers.where(("targets", name))
            layers.faults.append(f"{where}: targets.{name} makes {one}, which is there already")
        expanded |= new
    layers.values["targets"] = expanded


def _copy_origins(layers: _Layers, old: KeyPath, new: KeyPath) -> None:
    """Give the keys of a section the origins of another section's keys."""
    found = {path: one for path, one in layers.origins.items() if path[: len(old)] == old}
    layers.origins |= {(*new, *path[len(old) :]): one for path, one in found.items()}


def _put_environment(layers: _Layers, environ: Mapping[str, str]) -> None:
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX) or not text:
            continue
        if variable == FILE_VARIABLE or variable in OF_COMMANDS:
            continue
        path = _variable_path(variable, layers.values)
        known = _known_keys(path[:-1])
        if path[-1] not in known:
            variables = [_variable((*path[:-1], key)) for key in known]
            near = did_you_mean(variable, variables)
            log.warning("%s in the environment has no effect%s", variable, near)
            continue
        value = _anchored(path, _typed(path, text), Path.cwd())
        layers.put(path, value, ValueOrigin(OriginKind.ENVIRONMENT, variable))


def _put_options(layers: _Layers, options: Mapping[str, str]) -> None:
    for key, text in options.items():
        targets = layers.values.get("targets")
        path = _option_path(key, targets)
        if path[0] == "targets" and len(path) > 2 and targets and path[1] not in targets:
            near = did_you_mean(path[1], targets)
            layers.faults.append(f"--set {key}: there is no target {path[1]}{near}")
            continue
        value = _anchored(path, _typed(path, text), Path.cwd())
        layers.put(path, value, ValueOrigin(OriginKind.OPTION, f"--set {key}"))


def _option_path(key: str, targets: object) -> KeyPath:
    """Return the path of a key that `--set` names; the name of a target may contain dots.

    >>> _option_path("targets.a.1.push.eu.to", {"a": {}, "a.1": {}})
    ('targets', 'a.1', 'push', 'eu', 'to')
    """
    words = tuple(key.split("."))
    if words[0] != "targets" or len(words) < 4:
        return words
    names = (
        [name for name in targets if key.startswith(f"targets.{name}.")]
        if isinstance(targets, dict)
        else []
    )
    name = max(names, key=len, default=".".join(words[1:-1]))
    return ("targets", name, *key.removeprefix(f"targets.{name}.").split("."))


def _put_default_builders(layers: _Layers) -> None:
    """Give each target that names no builder the default builder of its platform."""
    builders, targets = layers.values.get("builders"), layers.values.get("targets")
    if not (isinstance(builders, dict) and isinstance(targets, dict)):
        return
    for name, target in targets.items():
        if not isinstance(target, dict) or "builder" in target:
            continue
        try:
            builder = default_builder(builders, str(target.get("platform", "")))
        except ConfigError as error:
            layers.faults.append(f"{layers.where(('targets', name, 'platform'))}: {error}")
            continue
        if builder:
            origin = layers.origins.get(("builders", builder, "default-for"))
            layers.put(
                ("targets", name, "builder"), builder, origin or ValueOrigin(OriginKind.DEFAULT)
            )


def _variable(path: KeyPath) -> str:
    """Return the environment variable of a key.

    >>> _variable(("targets", "master-deb12", "time-limit-minutes"))
    'RDO_TARGETS__MASTER_DEB12__TIME_LIMIT_MINUTES'
    """
    return PREFIX + "__".join(re.sub(r"[^A-Za-z0-9]", "_", key).upper() for key in path)


def _variable_path(variable: str, values: Mapping[str, Any]) -> KeyPath:
    parts = variable.removeprefix(PREFIX).split("__")
    path = [part.lower().replace("_", "-") for part in parts]
    targets = values.get("targets")
    if len(path) >= 3 and path[0] == "targets" and isinstance(targets, dict):
        names = {_variable((name,)): name for name in targets}
        path[1] = names.get(PREFIX + parts[1], path[1])
    return tuple(path)


def _section_class(path: KeyPath) -> type[BaseModel] | None:
    """Return the class that holds the keys below `path`."""
    section: type[BaseModel] | None = Settings
    keys = iter(path)
    for key in keys:
        fields = section.model_fields.values() if section else ()
        annotation = next((field.annotation for field in fields if field.alias == key), None)
        if typing.get_origin(annotation) is dict and next(keys, None) is None:
            return None  # any target name is allowed
        section = _model(annotation)
    return section


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, Section) else None
    return next(filter(None, map(_model, reversed(typing.get_args(annotation)))), None)


def _known_keys(path: KeyPath) -> list[str]:
    section = _section_class(path)
    return [str(field.alias) for field in section.model_fields.values()] if section else []


def _annotation(path: KeyPath) -> Any:
    """Return the declared type of a key; None for an unknown one."""
    section = _section_class(path[:-1])
    fields = section.model_fields.values() if section else ()
    return next((field.annotation for field in fields if field.alias == path[-1]), None)


def _typed(path: KeyPath, text: str) -> object:
    """Convert a text from the environment or an option to the type of its key, if possible."""
    wanted = _annotation(path)
    if wanted is int and re.fullmatch(r"-?\d+", text):
        return int(text)
    if wanted is bool and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return text


def _anchored(path: KeyPath, value: object, base: Path) -> object:
    """Make a relative path in `value` absolute; leave an address as it is."""
    may_be_address = path == ("metadata", "source")
    wanted = _annotation(path)
    is_path = may_be_address or wanted is Path or Path in typing.get_args(wanted)
    if not is_path or not isinstance(value, str) or not value:
        return value
    if may_be_address:
        return value if is_address(value) else os.path.normpath(base / Path(value).expanduser())
    return Path(os.path.normpath(base / Path(value).expanduser()))


def _checked(layers: _Layers, file: Path | None) -> Settings:
    faults = list(layers.faults)
    settings = None
    try:
        settings = Settings.model_validate(layers.values)
    except ValidationError as error:
        # a fault in the key of a mapping is reported for the key itself, without "[key]"
        for detail in error.errors(include_url=False):
            path = tuple(str(part) for part in detail["loc"] if part != "[key]")
            faults.append(_described_fault(path, detail, layers, file))
    if settings is not None:
        faults += [f"{layers.where(path)}: {text}" for path, text in builder_faults(settings)]
    if faults or settings is None:
        raise ConfigError(several(faults))
    return settings


def _described_fault(
    path: KeyPath, detail: Mapping[str, Any], layers: _Layers, file: Path | None
) -> str:
    where = layers.where(path) or (_shown(file) if file else FILE_NAME)
    return f"{where}: {sentence(path, detail, _known_keys(path[:-1]))}"


def _leaves(value: Mapping[str, Any], above: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    for key, below in value.items():
        if isinstance(below, dict) and below:
            yield from _leaves(below, (*above, key))
        else:
            yield (*above, key), below


def _masked(path: KeyPath, value: object) -> object:
    """Return a value without secrets; a webhook's path is a secret, because it allows posting."""
    if not isinstance(value, str):
        return value
    if path[0] == "webhooks" and path[-1] == "url":
        return re.sub(r"(?<=://)(?:[^/\s]*@)?([^/?#\s]*)/?.*", r"\1/***", value)
    return _TOKEN.sub("***@", _PASSWORD.sub(r"\1:***@", value))


def _shown(file: Path) -> str:
    """Return a file's path for display: relative if it is below the current folder."""
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)
