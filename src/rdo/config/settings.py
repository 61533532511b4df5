"""The sections of rdo.toml, one class each; unknown keys and wrong types are errors."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, IPvAnyNetwork, StringConstraints, model_validator

from rdo.config.builders import BuilderSection, NamedBuilder, PackageBuilder, named_builder
from rdo.config.depending import DependencySection, faults
from rdo.config.distgit_server import DistgitServerSection
from rdo.config.forges import HookSection, ReviewSection
from rdo.config.pushing import PushSection, push_faults
from rdo.config.section import (
    Address,
    Count,
    Fingerprint,
    Job,
    Line,
    Name,
    Pattern,
    Permission,
    PromotionName,
    Section,
    SpecReplace,
    TargetName,
    Url,
)
from rdo.errors import ConfigError, NotFoundError, did_you_mean
from rdo.model.audiences import Audiences, Interest
from rdo.model.release_number import prefix_of

NO_FILE_HINT = "`rdo init DIR` makes a folder with a commented rdo.toml"


class MetadataSection(Section):
    """Where the distribution's package list is, in rdoinfo's format.

    DLRN's other layouts: `folders` is a repository with a folder per package below `directories`,
    except those in `skip`; a package's upstream is the first of `upstreams` that exists, with the
    folder's name for `%s`. `local` is a distgit on this machine as the only package.
    """

    source: Line
    file: Line = "rdo.yml"
    layout: Literal["rdoinfo", "folders", "local"] = "rdoinfo"
    directories: list[Line] = Field(default_factory=list)
    skip: list[Line] = Field(default_factory=list)
    upstreams: list[Annotated[Line, StringConstraints(pattern=r"^\S*%s\S*$")]] = Field(
        default=[f"https://opendev.org/{place}/%s" for place in ("openstack", "x", "opendev")]
    )


class BridgeSection(Section):
    """Settings of the bridge, which adds packages from PyPI that the release lacks."""

    constraints: Path | None = None


class MailSection(Section):
    """How maintainers are notified; without this section no mail is sent.

    `security = "auto"` means TLS on port 465, otherwise STARTTLS if the server offers it; a
    password is sent over TLS only, or to this machine. `operator` gets mail about problems that are
    not a package's fault. Each address in `digest` (`*`: everybody) gets one mail a day.
    """

    server: Annotated[Line, StringConstraints(pattern=r"^(\[[^\]\s]+\]|[^\s:\[\]]+)(:\d{1,5})?$")]
    from_: Address
    security: Literal["auto", "none", "starttls", "tls"] = "auto"
    user: Line | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    operator: list[Address] = Field(default_factory=list)
    digest: list[Address | Literal["*"]] = Field(default_factory=list)
    digest_hour: Annotated[int, Field(ge=0, le=23)] = 6


class GerritSection(Section):
    """How failures are reported to Gerrit: each becomes a review of the package's distgit.

    The distgit's own .gitreview names the server; `url` replaces the host in it.
    """

    user: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = None
    email: Address | None = None
    topic: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] = "rdo-FTBFS"
    url: Annotated[Line, StringConstraints(pattern=r"^(https?|file|ssh)://\S+$")] | None = None


class WebhookSection(Section):
    """A URL that receives events as JSON, signed with the content of `secret-file`.

    Without `targets` it receives the events of all targets, without `events` those of all kinds.
    """

    url: Annotated[Line, StringConstraints(pattern=r"^https?://\S+$")]
    secret_file: Path | None = None
    targets: list[TargetName] = Field(default_factory=list)
    events: list[
        Literal["broken", "mended", "waited-for", "waits", "stale"]
        | Literal["promoted", "rolled-back", "promotion-refused"]
    ] = Field(default_factory=list)


class FollowSection(Section):
    """Another instance that a target follows: the target builds its commits with own specs.

    `versions` are URLs of that instance's versions.csv; later ones take precedence. `distgit_key`
    is the attribute of a package that names its own distgit; with `tag`, only packages with a
    matching tag are followed. With `use_upstream_spec`, the files of the followed distgit replace
    its own, and `spec_replace` changes the lines of the spec. A change in the repository that the
    attribute `source_git_key` names is built like a change in the distgit.
    """

    versions: Annotated[list[Url], Field(min_length=1)]
    distgit_key: Name = "distgit"
    tag: Pattern | None = None
    use_upstream_spec: bool = False
    spec_replace: list[SpecReplace] = Field(default_factory=list)
    source_git_key: Name | None = None
    source_git_branch: Line | None = None


class CheckSection(Section):
    """A check of repositories by a command; it fails if the command or one of its tests fails.

    `{url}`, `{path}`, `{target}`, `{name}` and `{hash}` in the words of `command` are replaced by
    the repository's values. `junit` is a pattern with `*` for the test reports that the command
    leaves in its folder.
    """

    command: Annotated[list[Line], Field(min_length=1)]
    time_limit_minutes: Count = 60
    junit: Line | None = None


class PromotionSection(Section):
    """The criteria of a promotion name.

    The candidates are the repositories that the name `candidate` has pointed to since the promotion
    name last moved to one of them. Each of `jobs`, or one of its `alternatives`, must have voted
    for the candidate. `checks` are those of `rdo promotion check`; without the key, all that need
    no root. With `components = "each"`, each component is promoted alone, by votes on its own
    repository; `component_jobs` are additional jobs of single components. With `verdict = "any"`
    one success of a job is enough, whatever it reports later.
    """

    candidate: PromotionName
    jobs: list[Job] = Field(default_factory=list)
    alternatives: dict[Job, list[Job]] = Field(default_factory=dict)
    minimum_age_hours: Annotated[int, Field(ge=0)] = 0
    checks: list[Name] | None = None
    components: Literal["together", "each"] = "together"
    component_jobs: dict[Name, list[Job]] = Field(default_factory=dict)
    verdict: Literal["last", "any"] = "last"
    most_candidates: Annotated[int, Field(ge=1, le=10_000)] = 100


class RetentionSection(Section):
    """How long `rdo trunk purge` keeps repositories that nothing needs.

    They are kept for `keep_days`, or less if a target exceeds `max_gb` (0: no limit).
    """

    keep_days: Annotated[int, Field(ge=0)] = 60
    max_gb: Annotated[int, Field(ge=0)] = 0


class ServeSection(Section):
    """How `rdo serve` answers requests.

    With `protect_read`, reading needs a user with the role reader, as DLRN's
    PROTECT_READ_ENDPOINTS. A request from one of `trusted_proxies` may name the client's address
    in X-Forwarded-For, and in `user_header` the user whom the proxy has identified.
    """

    host: Line = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    protect_read: bool = False
    trusted_proxies: list[IPvAnyNetwork] = Field(default_factory=list)
    user_header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")] | None = None

    @model_validator(mode="after")
    def _check_trusted_proxies(self) -> "ServeSection":
        if self.user_header and not self.trusted_proxies:
            raise ValueError('with "user-header", must have "trusted-proxies"')
        if self.user_header and self.user_header.lower() in {"authorization", "x-forwarded-for"}:
            raise ValueError(f'"user-header" must not be {self.user_header}, which clients send')
        return self


class SigningSection(Section):
    """How RPMs and repositories are signed; without this section they are not.

    An empty section means a key of the target's own, which `rdo repo sign-key` makes. `key` names
    another key, in `gpg_home` (default: the user's own home of gpg), or a key that only `command`
    reaches; then the file `public_key` has its public part. `rdo doctor` warns `warn_days` before
    the key expires.
    """

    key: Fingerprint | None = None
    gpg_home: Path | None = None
    command: list[Line] = Field(default_factory=list)
    public_key: Path | None = None
    timeout_seconds: Count = 120
    warn_days: Annotated[int, Field(ge=0)] = 30

    @model_validator(mode="after")
    def _check_key(self) -> "SigningSection":
        if self.command and not (self.key and self.public_key):
            raise ValueError('with "command", must have "key" and "public-key"')
        if self.command and self.gpg_home:
            raise ValueError('must not have both "command" and "gpg-home"')
        if self.gpg_home and not self.key:
            raise ValueError('with "gpg-home", must have "key"')
        if self.public_key and not self.command:
            raise ValueError('must not have "public-key" without "command"')
        return self


class Target(Section):
    """A release on a platform, and the limits of its builds.

    With `consistent_installable`, `consistent` moves only to a repository whose packages can all be
    installed. `import_exceptions` are modules that the check `install` does not import (`*` matches
    anything). `import_from` are the URLs below which other instances may be imported from.
    `initial_commits` is how many of the newest commits are built when a package is first seen; with
    `look_ahead` a round first reads what new packages require (`rdo.trunk.order.foresight`);
    `numbering` is DLRN's release_numbering, whose minor is `release-minor`; `retries` is the number
    of tries after a spurious failure. `upstream_branch` and `distgit_branch` replace the release's
    own branches, but not a package's override. `url` is where the target's tree is served, if not
    below `base-url`. `command` is the command line for the builder `command`; a `detached` command
    continues when `rdo` ends. `package_builders` are the packages that another builder builds.
    `allow` lists exceptions for single packages from the rules of `rdo.trunk.admission`. `checks`
    are additional checks of its repositories, `promotions` the criteria of promotion names, `push`
    the places outside that its repositories are pushed to. `dependencies` are the repositories that
    it takes packages from, by the names of their sides.
    """

    release: Name
    platform: Name
    workers: Count = 2
    builder: Name = "root"
    package_builders: dict[Name, PackageBuilder] = Field(default_factory=dict)
    command: list[Line] = Field(default_factory=list)
    detached: bool = False
    components: bool = False
    consistent_installable: bool = False
    import_exceptions: list[Line] = Field(default_factory=list)
    import_from: list[Url] = Field(default_factory=list)
    initial_commits: Count = 1
    look_ahead: bool = True
    time_limit_minutes: Count = 60
    output_limit_mb: Count = 200
    disk_limit_mb: Count = 20_000
    memory_limit_mb: Count = 16_000
    retries: Annotated[int, Field(ge=0)] = 3
    reponame: Name = "delorean"
    project_name: Line = "RDO"
    dist: Annotated[str, StringConstraints(pattern=r"^\.[A-Za-z0-9._~]+$")] | None = None
    url: Url | None = None
    upstream_branch: Line | None = None
    distgit_branch: Line | None = None
    fallback_to_master: bool | None = None
    follow: FollowSection | None = None
    nonfallback_branches: list[Pattern] = Field(default=["^master$", "^rpm-master$"])
    numbering: Literal["0.date.hash", "0.1.date.hash", "minor.date.hash"] = "0.date.hash"
    release_minor: Annotated[int, Field(ge=0)] = 0
    keep_changelog: bool = False
    allow: dict[Name, list[Permission]] = Field(default_factory=dict)
    checks: dict[Name, CheckSection] = Field(default_factory=dict)
    promotions: dict[PromotionName, PromotionSection] = Field(default_factory=dict)
    signing: SigningSection | None = None
    push: dict[Name, PushSection] = Field(default_factory=dict)
    dependencies: dict[Name, DependencySection] = Field(default_factory=dict)
    contract: Path | None = None

    @property
    def neighbours(self) -> dict[str, DependencySection]:
        """The other targets that it depends on, by the names of their sides."""
        return {side: one for side, one in self.dependencies.items() if one.target}

    @property
    def release_prefix(self) -> str:
        """The part of each build's Release before the date.

        >>> Target(release="x", platform="y", numbering="0.1.date.hash").release_prefix
        '0.1'
        """
        return prefix_of(self.numbering, self.release_minor)


def _no_target() -> ConfigError:
    return ConfigError("no [targets.NAME] is configured in rdo.toml", hint=NO_FILE_HINT)


class Settings(Section):
    """The whole content of rdo.toml; every path is absolute.

    `workers` is how many builds the rounds of several targets run on this machine at the same time;
    by default the largest number of any target.

    Without an rdo.toml the sections are empty; `needed_metadata` and `target` then raise an error
    with a hint.
    """

    data: Path
    platforms: Path
    base_url: Url = "http://127.0.0.1:8080"
    workers: Count | None = None
    database: Line = "sqlite"
    metadata: MetadataSection | None = None
    bridge: BridgeSection = BridgeSection()
    retention: RetentionSection = RetentionSection()
    builders: dict[Name, BuilderSection] = Field(default_factory=dict)
    targets: dict[TargetName, Target] = Field(default_factory=dict)
    signing: SigningSection | None = None
    mail: MailSection | None = None
    gerrit: GerritSection | None = None
    webhooks: dict[Name, WebhookSection] = Field(default_factory=dict)
    hooks: dict[Name, HookSection] = Field(default_factory=dict)
    reviews: dict[Name, ReviewSection] = Field(default_factory=dict)
    serve: ServeSection = ServeSection()
    distgit_server: DistgitServerSection | None = None

    @property
    def database_url(self) -> str:
        """The URL for SQLAlchemy; `sqlite` alone means a file in the data folder."""
        if self.database == "sqlite":
            return f"sqlite:///{self.data / 'rdo.sqlite'}"
        return self.database

    @property
    def cache(self) -> Path:
        """The folder of files that can be removed at any time."""
        return self.data / "cache"

    @property
    def archives(self) -> Path:
        """The folder of source archives that the targets of a release share."""
        return self.cache / "archives"

    @property
    def roots(self) -> Path:
        """The folder of live build roots.

        Leftovers of a killed process there are removed on sight.
        """
        return self.data / "roots"

    @property
    def audiences(self) -> Audiences:
        """The people and addresses to notify."""
        mail = self.mail
        return Audiences(
            mail=mail is not None,
            operator=tuple(mail.operator) if mail else (),
            digest=frozenset(mail.digest) if mail else frozenset(),
            digest_hour=mail.digest_hour if mail else 0,
            gerrit=self.gerrit is not None,
            webhooks=tuple(self.webhooks),
            interests={
                name: Interest(frozenset(one.targets), frozenset(one.events))
                for name, one in self.webhooks.items()
                if one.targets or one.events
            },
        )

    @property
    def needed_metadata(self) -> MetadataSection:
        """The section [metadata]; raises ConfigError if there is none."""
        if self.metadata is None:
            raise ConfigError("no [metadata] is configured in rdo.toml", hint=NO_FILE_HINT)
        return self.metadata

    @model_validator(mode="after")
    def _check_references(self) -> "Settings":
        """Refuse the name of a target, webhook or server that no section defines."""
        asked = [(place, one.targets) for place, one in self.hooks.items()]
        asked += [(place, one.targets) for place, one in self.reviews.items()]
        asked += [(place, one.targets) for place, one in self.webhooks.items()]
        for place, targets in asked:
            if unknown := set(targets) - self.targets.keys():
                raise ValueError(f"{place} names an unknown target: {', '.join(sorted(unknown))}")
        platforms = {name: one.platform for name, one in self.targets.items()}
        depend = {name: one.dependencies for name, one in self.targets.items()}
        if wrong := faults(depend, platforms):
            raise ValueError("; ".join(wrong))
        pushed = {name: one.push for name, one in self.targets.items()}
        if wrong := list(push_faults(pushed, {name: self.data / name for name in self.targets})):
            raise ValueError("; ".join(wrong))
        for place, review in self.reviews.items():
            hook = self.hooks.get(place)
            if hook and hook.kind != review.kind:
                raise ValueError(f"hooks.{place} and reviews.{place} are of different kinds")
            if review.report_to and review.report_to not in self.webhooks:
                raise ValueError(f"reviews.{place} reports to an unknown webhook")
        return self

    def target(self, name: str) -> Target:
        """Return the settings of one target.

        Raises NotFoundError for an unknown name, ConfigError if no target is configured.
        """
        if not self.targets:
            raise _no_target()
        if name not in self.targets:
            near = did_you_mean(name, self.targets)
            raise NotFoundError(f"there is no target {name}{near}")
        return self.targets[name]

    def builder(self, name: str) -> NamedBuilder:
        """Return a builder by its name: one of [builders], or a kind that needs no section.

        Raises NotFoundError for an unknown name.
        """
        return named_builder(self.builders, name)

    def builders_of(self, target: str) -> list[str]:
        """Return the names of a target's builders: its own, then those of single packages."""
        section = self.target(target)
        others = (one.builder for one in section.package_builders.values())
        return list(dict.fromkeys((section.builder, *others)))

    def siblings(self, target: str) -> tuple[str, ...]:
        """Return the other targets of a target's release."""
        release = self.target(target).release
        others = (name for name, one in self.targets.items() if one.release == release)
        return tuple(name for name in others if name != target)

    def chosen_targets(self, name: str | None) -> list[str]:
        """Return the named target, those that match a pattern, or all if no name is given.

        Raises ConfigError if no target is configured, NotFoundError if none has the name.
        """
        if name and any(mark in name for mark in "*?["):
            if found := [one for one in self.targets if fnmatchcase(one, name)]:
                return found
            known = ", ".join(self.targets) or "none"
            raise NotFoundError(f"no target matches {name}", hint=f"targets: {known}")
        if name:
            self.target(name)
            return [name]
        if not self.targets:
            raise _no_target()
        return list(self.targets)

    def only_target(self, name: str | None) -> str:
        """Return the named target, or the only one if no name is given.

        Raises ConfigError if no name is given and there are several.
        """
        names = self.chosen_targets(name)
        if len(names) > 1:
            raise ConfigError(
                f"there are several targets: {', '.join(names)}", hint="name one with --target"
            )
        return names[0]

    def target_folder(self, name: str) -> Path:
        """Return the folder with all state of a target; its published tree is `repos` in it."""
        return self.data / name

    def signing_of(self, name: str) -> SigningSection | None:
        """Return how a target is signed: by its own or the common section; None if not."""
        return self.target(name).signing or self.signing

    def tree_url(self, name: str) -> str:
        """Return the URL at which a target's published tree is served."""
        own = self.target(name).url
        return own.rstrip("/") if own else f"{self.base_url.rstrip('/')}/{name}/repos"
