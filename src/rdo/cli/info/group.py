"""`rdo info`: ask about the distribution's metadata."""

import logging

import click

from rdo.cli import complete, output
from rdo.cli.info.options import (
    Answer,
    Asked,
    answer_options,
    in_words,
    metadata_options,
    tag_option,
)
from rdo.cli.lazy import Lazy, LazyGroup
from rdo.errors import NotFoundError, nearest
from rdo.metadata import Distribution, queries
from rdo.metadata.queries import Filter

log = logging.getLogger(__name__)

EDITS, VERIFY = "rdo.cli.info.edit", "rdo.cli.info.verify"
DIFFS, RELEASES = "rdo.cli.info.diff", "rdo.cli.info.releases"
LATER = {
    "add-package": Lazy(EDITS, "add_package", "Add a package."),
    "attr-diff": Lazy(DIFFS, "attr_diff", "Show packages whose attribute changed."),
    "diff": Lazy(DIFFS, "diff", "Show what changed between two states, for review."),
    "distrepos": Lazy(RELEASES, "distrepos", "Show the yum repositories of a release."),
    "new-release": Lazy(EDITS, "new_release", "Branch a new release from an existing one."),
    "release": Lazy(RELEASES, "release", "Show the releases in rdopkg's format."),
    "releases": Lazy(RELEASES, "releases", "Show the releases: base OS, branches, identifiers."),
    "remove-package": Lazy(EDITS, "remove_package", "Remove a package from all files."),
    "remove-release": Lazy(EDITS, "remove_release", "Remove a release and its tags."),
    "review": Lazy(VERIFY, "review", "List what a package still needs to be accepted."),
    "set": Lazy(EDITS, "set_value", "Set an attribute of a package."),
    "set-release": Lazy(EDITS, "set_release", "Set an attribute of a release."),
    "tag": Lazy(EDITS, "tag", "Add a tag to a package, or remove it."),
    "tags-diff": Lazy(DIFFS, "tags_diff", "Show packages whose tags changed."),
    "verify": Lazy(VERIFY, "verify", "Check the metadata for errors, also in CI."),
}


_WITH_VALUE = ("-i", "--file", "-l", "--info", "-t", "--apply-tag")


class InfoGroup(LazyGroup):
    """A group that also takes `rdo info ATTR:REGEX...`, without a verb, and options anywhere.

    As in rdopkg, a single word filters by name, unless it looks like a mistyped verb.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._with_verb_first(ctx, args))

    def _with_verb_first(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move the verb to the front, so that all options become the verb's."""
        position = 0
        while position < len(args) and args[position].startswith("-"):
            position += 2 if args[position] in _WITH_VALUE else 1
        options, rest = args[:position], args[position:]
        if not rest or not {"-h", "--help"}.isdisjoint(options):
            return args
        known = self.list_commands(ctx)
        if rest[0] in known:
            return [rest[0], *options, *rest[1:]]
        is_slip = ":" not in rest[0] and nearest(rest[0], known)
        return args if is_slip else ["packages", *args]


@click.group(cls=InfoGroup, lazy=LATER, invoke_without_command=True)
@metadata_options
@answer_options
def info(asked: Asked, answer: Answer) -> None:
    """Query, check and edit the distribution's metadata, in rdoinfo's format.

    Reads the metadata that --info or rdo.toml names; without either, the current folder if it has
    metadata, otherwise RDO's own.

    \b
    rdo info                                     an overview
    rdo info maintainers:amoralej tags:flamingo  packages that match, as in rdopkg
    rdo info component:~common                   packages that do not match
    rdo info package nova                        everything about one package
    """
    if click.get_current_context().invoked_subcommand is None:
        _summary(asked.load(), answer)


def _summary(distribution: Distribution, answer: Answer) -> None:
    found = queries.summary(distribution.dump())
    lines = [
        f"{len(found.releases)} releases, {found.packages} packages, {found.components} components",
        "",
        *(f"{x.name:16} {x.status or '':22} {x.packages:5}" for x in found.releases),
        "",
        *(f"{kind:39} {count:5}" for kind, count in found.kinds.items()),
    ]
    answer.show(found, "\n".join(lines), (release.name for release in found.releases))


@info.command("packages", hidden=True)
@click.argument("filters", nargs=-1, metavar="ATTR:REGEX...")
@tag_option
@metadata_options
@answer_options
def list_packages(
    asked: Asked, filters: tuple[str, ...], apply_tag: str | None, answer: Answer
) -> None:
    """Show packages that match all filters; ATTR:~REGEX negates, REGEX alone filters names."""
    parsed = [Filter.parse(text if ":" in text else f"name:{text}") for text in filters]
    packages = asked.packages(apply_tag)
    for one in parsed:
        if advice := queries.unknown_attribute(packages, one):
            log.warning("%s", advice)
    answer.show_packages(queries.filtered(packages, parsed))


@info.command()
@click.argument("name", shell_complete=complete.entries)
@tag_option
@metadata_options
@answer_options
def package(asked: Asked, name: str, apply_tag: str | None, answer: Answer) -> None:
    """Show everything about one package, by its name or project.

    \b
    Example: rdo info package nova --apply-tag flamingo-uc
    """
    answer.show_package(queries.named(asked.packages(apply_tag), name))


@info.command()
@click.argument("query")
@click.option("--strict", "-s", is_flag=True, help="Match names, projects and URLs exactly.")
@tag_option
@metadata_options
@answer_options
def findpkg(asked: Asked, query: str, strict: bool, apply_tag: str | None, answer: Answer) -> None:
    """Find a package by its name, project or upstream URL.

    \b
    Example: rdo info findpkg https://opendev.org/openstack/oslo.config
    """
    found = queries.find_package(asked.packages(apply_tag), query, strict=strict)
    if found is None:
        raise NotFoundError(f"no package matches {query}")
    answer.show_package(found)


@info.command()
@click.option(
    "--release",
    metavar="TAG",
    shell_complete=complete.releases,
    help="Count only the packages of this release.",
)
@metadata_options
@answer_options
def components(asked: Asked, release: str | None, answer: Answer) -> None:
    """Show the components and how many packages each has."""
    distribution = asked.load()
    packages = queries.tagged(distribution.dump(release)["packages"], release)
    counts = {
        name: sum(package.get("component") == name for package in packages)
        for name in distribution.components
    }
    answer.show(counts, output.Table(("component", "packages"), list(counts.items())), counts)


@info.command()
@click.argument("address", required=False)
@click.option(
    "--gone", multiple=True, metavar="ADDRESS", help="A maintainer who has left (repeatable)."
)
@click.option(
    "--release",
    metavar="TAG",
    shell_complete=complete.releases,
    help="Show only packages of this release.",
)
@metadata_options
@answer_options
def maintainers(
    asked: Asked, address: str | None, gone: tuple[str, ...], release: str | None, answer: Answer
) -> None:
    """Show who maintains which packages; with --gone, the packages nobody else maintains.

    \b
    rdo info maintainers someone@example.org
    rdo info maintainers --gone one@example.org --gone two@example.org
    """
    packages = queries.tagged(asked.packages(release), release)
    if gone:
        names = [p["name"] for p in queries.orphans(packages, gone)]
        answer.show(names, "\n".join(names), names)
        return
    people = [x for x in queries.maintainers(packages) if address in (None, x.address)]
    if address and not people:
        known = {x.address.partition("@")[0]: x.address for x in queries.maintainers(packages)}
        near = f'; did you mean "{known[address]}"?' if address in known else ""
        raise NotFoundError(f"no package has the maintainer {address}{near}")
    if address:
        answer.show(people[0], "\n".join(people[0].packages), people[0].packages)
        return
    rows = [(person.address, len(person.packages)) for person in people]
    table = output.Table(("maintainer", "packages"), rows)
    answer.show(people, table, (person.address for person in people))


@info.command()
@tag_option
@click.option(
    "--as",
    "shape",
    type=click.Choice(("lists", "dicts")),
    default="lists",
    show_default=True,
    help="Print packages and releases as lists, or as dicts by project and name.",
)
@click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    help="Accepted for consistency; the output is always JSON.",
)
@metadata_options
def dump(asked: Asked, apply_tag: str | None, shape: str) -> None:
    """Print everything as JSON, in the form of distroinfo's get_info().

    \b
    Example: rdo info dump --info . --file rdo-full.yml --apply-tag flamingo
    """
    distribution = asked.load()
    output.show(distribution.dump(apply_tag, as_dicts=shape == "dicts"), True)


@info.command()
@click.argument("name", shell_complete=complete.entries)
@tag_option
@metadata_options
@answer_options
def why(asked: Asked, name: str, apply_tag: str | None, answer: Answer) -> None:
    """Show where each value of a package comes from: the rule, file and line.

    \b
    Example: rdo info why nova --apply-tag flamingo-uc
    """
    from rdo.metadata.explain import explain

    distribution = asked.load()
    reasons = explain(distribution, name, apply_tag)
    rows = [(x.key, in_words(x.value), x.layer, x.where) for x in reasons]
    told = [{**output.plain(x), "where": str(x.where)} for x in reasons]
    table = output.Table(("key", "value", "given by", "where"), rows)
    answer.show(told, table, (reason.key for reason in reasons))
