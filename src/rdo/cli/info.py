"""`rdo info`: questions about the distribution's metadata."""

import logging

import click

from rdo.cli import output
from rdo.cli.info_options import (
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

EDITS, VERIFY = "rdo.cli.info_edit", "rdo.cli.info_verify"
DIFFS, RELEASES = "rdo.cli.info_diff", "rdo.cli.info_releases"
LATER = {
    "add-package": Lazy(EDITS, "add_package", "Add a package."),
    "attr-diff": Lazy(DIFFS, "attr_diff", "Show packages whose attribute has a new value."),
    "diff": Lazy(DIFFS, "diff", "Show what changed between two states, for a review."),
    "distrepos": Lazy(RELEASES, "distrepos", "Show the yum repositories of a release."),
    "new-release": Lazy(EDITS, "new_release", "Branch a release from an old one."),
    "release": Lazy(RELEASES, "release", "Show the releases as rdopkg does."),
    "releases": Lazy(RELEASES, "releases", "Show the releases: base OS, branches, identifiers."),
    "remove-package": Lazy(EDITS, "remove_package", "Take a package out of all files."),
    "remove-release": Lazy(EDITS, "remove_release", "Take a release out, and its tags."),
    "review": Lazy(VERIFY, "review", "Say what a package lacks for its acceptance."),
    "set": Lazy(EDITS, "set_value", "Set an attribute of a package."),
    "set-release": Lazy(EDITS, "set_release", "Set an attribute of a release."),
    "tag": Lazy(EDITS, "tag", "Give a package a tag, or take it away."),
    "tags-diff": Lazy(DIFFS, "tags_diff", "Show packages with tags added or changed."),
    "verify": Lazy(VERIFY, "verify", "Check the metadata; for CI too."),
}


_WITH_VALUE = ("-i", "--file", "-l", "--info", "-t", "--apply-tag")


class InfoGroup(LazyGroup):
    """`rdo info ATTR:REGEX...` is a question of its own, without a verb; options stand anywhere.

    As in rdopkg, a word alone is a filter of names, unless it looks like a slip of a verb.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._with_verb_first(ctx, args))

    def _with_verb_first(self, ctx: click.Context, args: list[str]) -> list[str]:
        """All options are then those of the verb."""
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
    """Packages that all filters let through; ATTR:~REGEX negates, a REGEX alone is of names."""
    parsed = [Filter.parse(text if ":" in text else f"name:{text}") for text in filters]
    packages = asked.packages(apply_tag)
    for one in parsed:
        if advice := queries.unknown_attribute(packages, one):
            log.warning("%s", advice)
    answer.show_packages(queries.filtered(packages, parsed))


@info.command()
@click.argument("name")
@tag_option
@metadata_options
@answer_options
def package(asked: Asked, name: str, apply_tag: str | None, answer: Answer) -> None:
    """Show all of one package, by its name or project.

    \b
    Example: rdo info package nova --apply-tag flamingo-uc
    """
    answer.show_package(queries.named(asked.packages(apply_tag), name))


@info.command()
@click.argument("query")
@click.option("--strict", "-s", is_flag=True, help="No guess: exact names, projects and URLs.")
@tag_option
@metadata_options
@answer_options
def findpkg(asked: Asked, query: str, strict: bool, apply_tag: str | None, answer: Answer) -> None:
    """Find the package that a name, project or upstream URL means.

    \b
    Example: rdo info findpkg https://opendev.org/openstack/oslo.config
    """
    found = queries.find_package(asked.packages(apply_tag), query, strict=strict)
    if found is None:
        raise NotFoundError(f"no package is found by {query}")
    answer.show_package(found)


@info.command()
@click.option("--release", metavar="TAG", help="Count the packages of a release only.")
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
@click.option("--gone", multiple=True, metavar="ADDRESS", help="Somebody who has left.")
@click.option("--release", metavar="TAG", help="Only packages of a release.")
@metadata_options
@answer_options
def maintainers(
    asked: Asked, address: str | None, gone: tuple[str, ...], release: str | None, answer: Answer
) -> None:
    """Show who maintains what; with --gone, the packages that nobody else looks after.

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
        raise NotFoundError(f"nobody with the address {address} maintains a package{near}")
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
    help="Packages and releases as lists, or by project and name.",
)
@click.option("--json", is_flag=True, expose_value=False, help="The only form there is.")
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
@answer_options
def why(asked: Asked, name: str, apply_tag: str | None, answer: Answer) -> None:
    """Show which rule in which file and line gave a package each of its values.

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
