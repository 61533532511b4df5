"""The sections [builders.NAME]: the ways to build that targets name as their `builder`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from rdo.config.section import Count, Line, Name, Section
from rdo.errors import ConfigError, NotFoundError, did_you_mean
from rdo.model.build import BuilderKind

if TYPE_CHECKING:
    from rdo.config.settings import Settings, Target

WITHOUT_SECTION = (BuilderKind.ROOT, BuilderKind.COMMAND, BuilderKind.MOCK)
"""The kinds that a target can name without a section: they need nothing that it has not."""

_COMMON = frozenset({"kind", "workers", "default_for"})
_KEYS: Mapping[BuilderKind, frozenset[str]] = {
    BuilderKind.ROOT: frozenset(),
    BuilderKind.COMMAND: frozenset({"command", "detached"}),
    BuilderKind.MOCK: frozenset(
        {
            *("program", "user", "mock_config", "isolation", "enable_repositories"),
            *("mock_options", "folder"),
        }
    ),
    BuilderKind.KOJI: frozenset(
        {
            *("server", "web", "koji_target", "scratch", "source_url", "poll_seconds"),
            *("user", "password_file", "certificate", "authority", "principal", "keytab"),
        }
    ),
    BuilderKind.COPR: frozenset(
        {
            *("server", "config_file", "owner", "project", "chroots", "repositories"),
            "poll_seconds",
        }
    ),
}
"""The keys that each kind has besides those of all."""
_NEEDED: Mapping[BuilderKind, frozenset[str]] = {BuilderKind.KOJI: frozenset({"server"})}

ServerUrl = Annotated[Line, StringConstraints(pattern=r"^https?://[^\s@]+$")]
Kind = Annotated[BuilderKind, Field(strict=False)]


class BuilderSection(Section):
    """A way to build under a name; each kind has keys of its own.

    `kind` may be left out if the name is one. `workers` is how many builds it does at the same
    time, over all targets; without it, it shares the workers of the machine. It builds for the
    targets on the platforms of `default_for` (with `*` for anything) that name no builder.

    For `mock`: `user` is the ordinary user that it becomes when root starts it; `mock_config` is a
    configuration of its own instead of one made from the platform; `enable_repositories` are off
    there. `folder` is where its results are first, by default in the data folder.

    For `koji`: `koji_target` is the hub's build target, by default of the name of our target;
    `source_url` builds from a repository that the hub fetches, instead of an SRPM of ours. It logs
    in as `user` with a password, by `certificate`, or else by Kerberos.

    For `copr`: `config_file` is one of Copr's tools, with a frontend and a token; `owner` is a user
    or `@group` there. `repositories` replace the target's own repository of dependencies.
    """

    kind: Kind | None = None
    workers: Count | None = None
    default_for: list[Line] = Field(default_factory=list)
    command: list[Line] = Field(default_factory=list)
    detached: bool = False
    program: Line = "mock"
    mock_config: Line | None = None
    isolation: Literal["simple", "nspawn", "auto"] = "simple"
    enable_repositories: list[Line] = Field(default_factory=list)
    mock_options: list[Line] = Field(default_factory=list)
    folder: Path | None = None
    server: ServerUrl | None = None
    web: ServerUrl | None = None
    koji_target: Line | None = None
    scratch: bool = False
    source_url: Line | None = None
    user: Line | None = None
    password_file: Path | None = None
    certificate: Path | None = None
    authority: Path | None = None
    principal: Line | None = None
    keytab: Path | None = None
    config_file: Path | None = None
    owner: Line | None = None
    project: Line | None = None
    chroots: list[Line] = Field(default_factory=list)
    repositories: list[Line] | None = None
    poll_seconds: Count = 10


class PackageBuilder(Section):
    """The builder of a single package, and why it is not the target's."""

    builder: Name
    reason: Line


@dataclass(frozen=True, slots=True)
class NamedBuilder:
    """A way to build with its name, its kind and its section."""

    name: str
    kind: BuilderKind
    section: BuilderSection


def named_builder(sections: Mapping[str, BuilderSection], name: str) -> NamedBuilder:
    """Return the builder with a name; raise NotFoundError if there is none."""
    section = sections.get(name)
    kind = _kind_of(name, section) if section else _kind_named(name)
    if kind is None or (section is None and kind not in WITHOUT_SECTION):
        raise NotFoundError(_unknown(sections, name))
    return NamedBuilder(name, kind, section or BuilderSection())


def names_of(sections: Mapping[str, BuilderSection]) -> list[str]:
    """Return the names of all builders, those without a section last."""
    return list(dict.fromkeys([*sections, *WITHOUT_SECTION]))


def default_builder(sections: Mapping[str, object], platform: str) -> str | None:
    """Return the builder whose section says that it is the default for a platform.

    `sections` are as the file has them, not checked yet. Raises ConfigError if there are several.
    """
    found = [name for name, section in sections.items() if _is_default(section, platform)]
    if len(found) > 1:
        raise ConfigError(f"several builders are the default for {platform}: {', '.join(found)}")
    return found[0] if found else None


def builder_faults(settings: "Settings") -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the key and the description of each fault in what names builders, or sets them up."""
    for name, section in settings.builders.items():
        path: tuple[str, ...] = ("builders", name)
        kind = _kind_of(name, section)
        if kind is None:
            known = " or ".join(f"'{one}'" for one in BuilderKind)
            yield path, f'[builders.{name}] lacks "kind": {known}'
            continue
        for field in sorted(section.model_fields_set - _COMMON - _KEYS[kind]):
            alias = str(BuilderSection.model_fields[field].alias)
            yield (*path, alias), f'builders.{name}.{alias} is not a key of kind = "{kind}"'
        for field in sorted(_NEEDED.get(kind, frozenset()) - section.model_fields_set):
            yield path, f'[builders.{name}] lacks "{BuilderSection.model_fields[field].alias}"'
        if section.password_file and not section.user:
            yield (*path, "password-file"), f'[builders.{name}] lacks "user"'
    for target, values in settings.targets.items():
        path = ("targets", target)
        for below, builder in _named_by(values):
            key = (*path, *below)
            if builder not in names_of(settings.builders):
                said = _unknown(settings.builders, builder)
                yield key, f"{'.'.join(key)}: {said}"
        if values.detached and _kind(settings.builders, values.builder) is not BuilderKind.COMMAND:
            yield (*path, "detached"), f'targets.{target}.detached needs builder = "command"'


def _named_by(target: "Target") -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each key of a target that names a builder, with the name."""
    yield ("builder",), target.builder
    for package, one in target.package_builders.items():
        yield ("package-builders", package, "builder"), one.builder


def _unknown(sections: Mapping[str, BuilderSection], name: str) -> str:
    if (kind := _kind_named(name)) and name not in sections:
        return f"the builder {kind} needs a section [builders.{kind}]"
    near = did_you_mean(name, names_of(sections))
    return f"there is no builder {name}{near or f'; there are {_listed(sections)}'}"


def _listed(sections: Mapping[str, BuilderSection]) -> str:
    return ", ".join(names_of(sections))


def _kind(sections: Mapping[str, BuilderSection], name: str) -> BuilderKind | None:
    return _kind_of(name, sections.get(name))


def _kind_of(name: str, section: BuilderSection | None) -> BuilderKind | None:
    return section.kind if section and section.kind else _kind_named(name)


def _kind_named(name: str) -> BuilderKind | None:
    return BuilderKind(name) if name in set(BuilderKind) else None


def _is_default(section: object, platform: str) -> bool:
    patterns = section.get("default-for") if isinstance(section, dict) else None
    if not isinstance(patterns, list):
        return False
    return any(isinstance(one, str) and fnmatchcase(platform, one) for one in patterns)
