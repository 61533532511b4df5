"""`rdo info`: questions about the distribution's metadata."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.lazy import Lazy, LazyGroup
from rdo.errors import NotFoundError
from rdo.metadata import Distribution, queries
from rdo.metadata.queries import Attributes, Filter

if TYPE_CHECKING:
    from rdo.metadata.draft import Draft

EDITS, VERIFY = "rdo.cli.info_edit", "rdo.cli.info_verify"
LATER = {
    "add-package": Lazy(EDITS, "add_package", "Add a package."),
    "new-release": Lazy(EDITS, "new_release", "Branch a release from an old one."),
    "remove-package": Lazy(EDITS, "remove_package", "Take a package out of all files."),
    "remove-release": Lazy(EDITS, "remove_release", "Take a release out, and its tags."),
    "review": Lazy(VERIFY, "review", "Say what a package lacks for its acceptance."),
    "set": Lazy(EDITS, "set_value", "Set an attribute of a package."),
    "set-release": Lazy(EDITS, "set_release", "Set an attribute of a release."),
    "tag": Lazy(EDITS, "tag", "Give a package a tag, or take it away."),
    "verify": Lazy(VERIFY, "verify", "Check the metadata; for CI too."),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which metadata a command was asked about, by its own options or those of the group."""

    app: App
    source: str = ""
    file: str = ""
    is_fresh: bool = False

    def load(self, ref: str = "") -> Distribution:
        max_age = 0.0 if self.is_fresh else None
        return self.app.metadata(self.source, self.file, ref=ref, max_age=max_age)

    def draft(self) -> "Draft":
        return self.app.metadata_draft(self.source, self.file)


@dataclass(frozen=True, slots=True)
class Listing:
    """How packages are shown: a table, all of them in JSON or YAML, or their names."""

    names: bool
    as_yaml: bool
    as_json: bool

    def show_all(self, found: Sequence[Attributes]) -> None:
        if self.names:
            output.show(None, False, "\n".join(str(package["name"]) for package in found))
        elif self.as_yaml:
            output.show(None, False, _yaml(found))
        else:
            rows = [
                (p["name"], p.get("project"), p.get("component"), ", ".join(p.get("tags") or ()))
                for p in found
            ]
            people = output.Table(("name", "project", "component", "tags"), rows)
            output.show(found, self.as_json, people)

    def show_one(self, found: Attributes) -> None:
        if self.names:
            output.show(None, False, str(found["name"]))
        else:
            output.show(found, self.as_json and not self.as_yaml, _yaml(found))


def metadata_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say which metadata is meant, given to the command as `asked`."""

    @click.option("--fetch", "-f", is_flag=True, help="Ask a git URL now, however recent.")
    @click.option("--file", "-i", metavar="F", help="The main file in it.  [rdo-full.yml]")
    @click.option("--info", "-l", "source", metavar="DIR", help="A folder or git URL.")
    @functools.wraps(command)
    def with_asked(source: str | None, file: str | None, fetch: bool, **kwargs: Any) -> Any:
        context = click.get_current_context()
        above = context.parent.meta.get(_META) if context.parent else None
        before = above or Asked(context.find_object(App) or App())
        asked = Asked(
            before.app, source or before.source, file or before.file, fetch or before.is_fresh
        )
        context.meta[_META] = asked
        return command(asked=asked, **kwargs)

    return with_asked


def listing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of commands that show packages, given to the command as `listing`."""

    @click.option("--names", is_flag=True, help="Names only, for scripts.")
    @click.option("--yaml", "as_yaml", is_flag=True, help="Answer in YAML.")
    @output.json_option
    @functools.wraps(command)
    def with_listing(names: bool, as_yaml: bool, as_json: bool, **kwargs: Any) -> Any:
        return command(listing=Listing(names, as_yaml, as_json), **kwargs)

    return with_listing


def tag_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option that applies a tag, given to the command as `apply_tag`."""
    help_text = "Let the overrides of a tag count."
    return click.option("--apply-tag", "-t", metavar="TAG", help=help_text)(command)


_META = "rdo.cli.info"


class InfoGroup(LazyGroup):
    """`rdo info ATTR:REGEX...` is a question of its own, without a verb."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and ":" in args[0] and args[0] not in self.list_commands(ctx):
            return "packages", self.commands["packages"], args
        return super().resolve_command(ctx, args)


@click.group(cls=InfoGroup, lazy=LATER, invoke_without_command=True)
@metadata_options
@output.json_option
def info(asked: Asked, as_json: bool) -> None:
    """Ask, check and edit the distribution's metadata, in rdoinfo's format.

    It is that of rdo.toml, unless --info names another folder or git URL; without both it is
    RDO's own.

    \b
    rdo info                                    what there is
    rdo info maintainers:amoralej tags:flamingo  packages, as rdopkg filters them
    rdo info component:~common                  ~ negates
    rdo info package nova                       all of one package
    """
    if click.get_current_context().invoked_subcommand is None:
        _summary(asked.load(), as_json)


def _summary(distribution: Distribution, as_json: bool) -> None:
    found = queries.summary(distribution.dump())
    lines = [
        f"{len(found.releases)} releases, {found.packages} packages, {found.components} components",
        "",
        *(f"{x.name:16} {x.status or '':22} {x.packages:5}" for x in found.releases),
        "",
        *(f"{kind:39} {count:5}" for kind, count in found.kinds.items()),
    ]
    output.show(found, as_json, "\n".join(lines))


@info.command("packages", hidden=True)
@click.argument("filters", nargs=-1, metavar="ATTR:REGEX...")
@tag_option
@metadata_options
@listing_options
def list_packages(
    asked: Asked, filters: tuple[str, ...], apply_tag: str | None, listing: Listing
) -> None:
    """Packages that all filters let through; ATTR:~REGEX negates."""
    parsed = [Filter.parse(text) for text in filters]
    distribution = asked.load()
    found = queries.filtered(distribution.entries(apply_tag), parsed)
    listing.show_all(found)


def _yaml(value: Any) -> str:
    import yaml

    return yaml.safe_dump(
        output.plain(value), sort_keys=False, allow_unicode=True, default_flow_style=False
    ).rstrip()


@info.command()
@click.argument("name")
@tag_option
@metadata_options
@listing_options
def package(asked: Asked, name: str, apply_tag: str | None, listing: Listing) -> None:
    """Show all of one package, by its name or project.

    \b
    Example: rdo info package nova --apply-tag flamingo-uc
    """
    distribution = asked.load()
    found = queries.named(distribution.entries(apply_tag), name)
    listing.show_one(found)


@info.command()
@click.argument("query")
@click.option("--strict", "-s", is_flag=True, help="No guess: exact names, projects and URLs.")
@tag_option
@metadata_options
@listing_options
def findpkg(
    asked: Asked, query: str, strict: bool, apply_tag: str | None, listing: Listing
) -> None:
    """Find the package that a name, project or upstream URL means.

    \b
    Example: rdo info findpkg https://opendev.org/openstack/oslo.config
    """
    packages = asked.load().entries(apply_tag)
    found = queries.find_package(packages, query, strict=strict)
    if found is None:
        raise NotFoundError(f"no package is found by {query}")
    listing.show_one(found)


@info.command()
@click.option("--status", metavar="STATUS", help="Only releases with this status.")
@metadata_options
@output.json_option
def releases(asked: Asked, status: str | None, as_json: bool) -> None:
    """Show the releases: base OS, branches and identifiers."""
    distribution = asked.load()
    found = [x for x in distribution.releases if status in (None, x.status)]
    rows = [
        (x.name, x.identifier, x.status, repo.name, repo.branch, x.upstream_branch, repo.buildsys)
        for x in found
        for repo in x.repos
    ]
    columns = ("release", "id", "status", "base os", "branch", "upstream branch", "build system")
    output.show(found, as_json, output.Table(columns, rows))


@info.command()
@click.option("--release", metavar="TAG", help="Count the packages of a release only.")
@metadata_options
@output.json_option
def components(asked: Asked, release: str | None, as_json: bool) -> None:
    """Show the components and how many packages each has."""
    distribution = asked.load()
    packages = queries.tagged(distribution.entries(release), release)
    counts = {
        name: sum(package.get("component") == name for package in packages)
        for name in distribution.components
    }
    output.show(counts, as_json, output.Table(("component", "packages"), list(counts.items())))


@info.command()
@click.argument("address", required=False)
@click.option("--gone", multiple=True, metavar="ADDRESS", help="Somebody who has left.")
@click.option("--release", metavar="TAG", help="Only packages of a release.")
@metadata_options
@output.json_option
def maintainers(
    asked: Asked, address: str | None, gone: tuple[str, ...], release: str | None, as_json: bool
) -> None:
    """Show who maintains what; with --gone, the packages that nobody else looks after.

    \b
    rdo info maintainers someone@example.org
    rdo info maintainers --gone one@example.org --gone two@example.org
    """
    distribution = asked.load()
    packages = queries.tagged(distribution.entries(release), release)
    if gone:
        names = [p["name"] for p in queries.orphans(packages, gone)]
        output.show(names, as_json, "\n".join(names))
        return
    people = [x for x in queries.maintainers(packages) if address in (None, x.address)]
    if address and not people:
        raise NotFoundError(f"nobody with the address {address} maintains a package")
    if address:
        output.show(people[0], as_json, "\n".join(people[0].packages))
        return
    rows = [(person.address, len(person.packages)) for person in people]
    output.show(people, as_json, output.Table(("maintainer", "packages"), rows))


@info.command()
@click.argument("release", metavar="RELEASE[/BASE-OS]")
@metadata_options
@output.json_option
def distrepos(asked: Asked, release: str, as_json: bool) -> None:
    """Show the yum repositories that a release is used with.

    \b
    Example: rdo info distrepos flamingo/el10s
    """
    name, _, base_os = release.partition("/")
    found = queries.distrepos(asked.load().dump(), name, base_os)
    # distroinfo's own shape: (release, base OS, repositories)
    answer = [(x.release, x.base_os, x.repos) for x in found]
    rows = [(x.base_os, repo.get("name"), repo.get("url")) for x in found for repo in x.repos]
    output.show(answer, as_json, output.Table(("base os", "repository", "url"), rows))


@info.command()
@tag_option
@click.option(
    "--as", "shape", type=click.Choice(("lists", "dicts")), default="lists", show_default=True,
    help="Packages and releases as lists, or by project and name.",
)  # fmt: skip
@metadata_options
def dump(asked: Asked, apply_tag: str | None, shape: str) -> None:
    """Print everything as JSON, as distroinfo's get_info() gives it.

    \b
    Example: rdo info dump --info . --file rdo-full.yml --apply-tag flamingo
    """
    distribution = asked.load()
    output.show(distribution.dump(apply_tag, as_dicts=shape == "dicts"), True)


@info.command()
@click.argument("name")
@tag_option
@metadata_options
@output.json_option
def why(asked: Asked, name: str, apply_tag: str | None, as_json: bool) -> None:
    """Show which rule in which file and line gave a package each of its values.

    \b
    Example: rdo info why nova --apply-tag flamingo-uc
    """
    from rdo.metadata.explain import explain

    distribution = asked.load()
    reasons = explain(distribution, name, apply_tag)
    rows = [(x.key, _short(x.value), x.layer, x.where) for x in reasons]
    answer = [{**output.plain(x), "where": str(x.where)} for x in reasons]
    output.show(answer, as_json, output.Table(("key", "value", "given by", "where"), rows))


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_short(below)}" for key, below in value.items())
    return "" if value is None else str(value)


@info.command("tags-diff")
@click.argument("refs", nargs=-1)
@click.option("--buildsys-tags", "-b", is_flag=True, help="Compare tags of the build system.")
@metadata_options
@output.json_option
def tags_diff(asked: Asked, refs: tuple[str, ...], buildsys_tags: bool, as_json: bool) -> None:
    """Show packages with tags added or changed between two states of the metadata.

    \b
    rdo info tags-diff                 in the last commit, and what is not committed
    rdo info tags-diff REF             in what follows REF
    rdo info tags-diff OLD NEW
    """
    old, new = _two_states(asked, refs)
    key = "buildsys-tags" if buildsys_tags else "tags"
    diff = queries.tags_diff(old.dump(), new.dump(), key)
    rows = [(name, ", ".join(tags)) for name, tags in diff]
    output.show(diff, as_json, output.Table(("package", "tags"), rows))


@info.command("attr-diff")
@click.argument("attribute")
@click.argument("refs", nargs=-1)
@metadata_options
@output.json_option
def attr_diff(asked: Asked, attribute: str, refs: tuple[str, ...], as_json: bool) -> None:
    """Show packages whose ATTRIBUTE has a new value between two states of the metadata.

    \b
    Example: rdo info attr-diff maintainers HEAD~5 HEAD
    """
    old, new = _two_states(asked, refs)
    diff = queries.attr_diff(old.dump(), new.dump(), attribute)
    rows = [(name, _short(value)) for name, value in diff]
    output.show(diff, as_json, output.Table(("package", attribute), rows))


def _two_states(asked: Asked, refs: tuple[str, ...]) -> tuple[Distribution, Distribution]:
    if len(refs) > 2:
        raise click.UsageError("at most two refs: OLD NEW")
    old, new = refs if len(refs) == 2 else (*(refs or ("HEAD~1",)), "")
    return asked.load(old), asked.load(new)


@info.command()
@click.argument("refs", nargs=-1)
@metadata_options
@output.json_option
def diff(asked: Asked, refs: tuple[str, ...], as_json: bool) -> None:
    """Show what changed between two states of the metadata, for a review.

    \b
    rdo info diff                 the last commit, and what is not committed
    rdo info diff origin/master   what follows origin/master
    rdo info diff OLD NEW
    """
    from rdo.metadata.changes import changes

    found = changes(*_two_states(asked, refs))
    output.show(found, as_json, "\n".join(map(str, found)) or "nothing changed")
