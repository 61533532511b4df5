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
"""The kinds that a target can name without a section, because its own settings are enough."""

_COMMON = frozenset({"kind", "workers", "default_for"})
_KEYS: Mapping[BuilderKind, frozenset[str]] = {
    BuilderKind.ROOT: frozenset(),
    BuilderKind.COMMAND: frozenset({"command", "detached"}),
    BuilderKind.MOCK: frozenset(
        {
            *("program", "user", "mock_config", "isolation", "enable_repositories"),
            *("mock_options", "folder", "bootstrap_image"),
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
"""The keys that each kind has besides the common ones."""
_NEEDED: Mapping[BuilderKind, frozenset[str]] = {BuilderKind.KOJI: frozenset({"server"})}

ServerUrl = Annotated[Line, StringConstraints(pattern=r"^https?://[^\s@]+$")]
Kind = Annotated[BuilderKind, Field(strict=False)]


class BuilderSection(Section):
    """A named way to build; each kind has keys of its own.

    `kind` may be left out if the name is a kind. `workers` is how many builds the builder runs at
    the same time, over all targets; without it, the builder shares the workers of the machine. It
    builds for the targets on the platforms of `default_for` (`*` matches anything) that name no
    builder.

    For `mock`: `user` is the ordinary user that mock becomes when root starts it; `mock_config`
    replaces the configuration made from the platform; `enable_repositories` enables repositories
    that are disabled there. `folder` receives the results first; default: in the data folder.
    Chroots begin with the `bootstrap_image`, if there is one.

    For `koji`: `koji_target` is the hub's build target, by default named like our target; with
    `source_url` the hub fetches the source from a repository, instead of getting an SRPM from us.
    It logs in as `user` with a password, by `certificate`, or else by Kerberos.

    For `copr`: `config_file` is one for Copr's own tools, with a frontend and a token; `owner` is a
    user or `@group` there. `repositories` replace the target's own dependency repository.
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
    bootstrap_image: Line | None = None
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
    """The builder of a single package, and why the target's own one does not build it."""

    builder: Name
    reason: Line


@dataclass(frozen=True, slots=True)
class NamedBuilder:
    """A builder with its name, its kind and its section."""

    name: str
    kind: BuilderKind
    section: BuilderSection


def named_builder(sections: Mapping[str, BuilderSection], name: str) -> NamedBuilder:
    """Return the builder with a name; raises NotFoundError if there is none."""
    section = sections.get(name)
    kind = _kind_of(name, section) if section else _kind_named(name)
    if kind is None or (section is None and kind not in WITHOUT_SECTION):
        raise NotFoundError(_unknown(sections, name))
    return NamedBuilder(name, kind, section or BuilderSection())


def names_of(sections: Mapping[str, BuilderSection]) -> list[str]:
    """Return the names of all builders, those without a section last."""
    return list(dict.fromkeys([*sections, *WITHOUT_SECTION]))


def default_builder(sections: Mapping[str, object], platform: str) -> str | None:
    """Return the builder whose section makes it the default for a platform.

    `sections` come from the file and are not checked yet. Raises ConfigError if several match.
    """
    found = [name for name, section in sections.items() if _is_default(section, platform)]
    if len(found) > 1:
        raise ConfigError(f"several builders are the default for {platform}: {', '.join(found)}")
    return found[0] if found else None


def builder_faults(settings: "Settings") -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the key and description of each fault in the sections and names of builders."""
    for name, section in settings.builders.items():
        path: tuple[str, ...] = ("builders", name)
        kind = _kind_of(name, section)
        if kind is None:
            known = " or ".join(f"'{one}'" for one in BuilderKind)
            yield path, f'[builders.{name}] lacks "kind": {known}'
            continue
        if (own := _kind_named(name)) and kind is not own:
            said = f"is called {own}, which is another kind; choose another name"
            yield (*path, "kind"), f'builders.{name}.kind = "{kind}": the builder {said}'
            continue
        for field in sorted(section.model_fields_set - _COMMON - _KEYS[kind]):
            alias = str(BuilderSection.model_fields[field].alias)
            yield (*path, alias), f'builders.{name}.{alias} is not a key of kind = "{kind}"'
        for field in sorted(_NEEDED.get(kind, frozenset()) - section.model_fields_set):
            yield path, f'[builders.{name}] lacks "{BuilderSection.model_fields[field].alias}"'
        if section.bootstrap_image and section.mock_config:
            said = "is of no use beside mock-config, which names a configuration with its own image"
            yield (*path, "bootstrap-image"), f"builders.{name}.bootstrap-image {said}"
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
    """Yield each key of a target that names a builder, with that name."""
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
