"""`rdo info diff`, `tags-diff` and `attr-diff`: compare two states of the metadata."""

import click

from rdo.cli import output
from rdo.cli.info.options import Answer, Asked, answer_options, in_words, metadata_options
from rdo.metadata import Distribution, queries
from rdo.metadata.editing.changes import changes


@click.command("tags-diff")
@click.argument("refs", nargs=-1)
@click.option(
    "--buildsys-tags", "-b", is_flag=True, help="Compare the tags of the build system instead."
)
@metadata_options
@answer_options
def tags_diff(asked: Asked, refs: tuple[str, ...], buildsys_tags: bool, answer: Answer) -> None:
    """Show packages whose tags were added or changed between two states of the metadata.

    \b
    rdo info tags-diff                 in the last commit and in uncommitted changes
    rdo info tags-diff REF             since REF
    rdo info tags-diff OLD NEW         between OLD and NEW
    """
    old, new = _two_states(asked, refs)
    key = "buildsys-tags" if buildsys_tags else "tags"
    diff = queries.tags_diff(old.dump(), new.dump(), key)
    rows = [(name, in_words(tags)) for name, tags in diff]
    people = output.Table(("package", "tags"), rows) if rows else "no tag changed"
    answer.show(diff, people, (name for name, _ in diff))


@click.command("attr-diff")
@click.argument("attribute")
@click.argument("refs", nargs=-1)
@metadata_options
@answer_options
def attr_diff(asked: Asked, attribute: str, refs: tuple[str, ...], answer: Answer) -> None:
    """Show packages whose ATTRIBUTE changed between two states of the metadata.

    \b
    Example: rdo info attr-diff maintainers HEAD~5 HEAD
    """
    old, new = _two_states(asked, refs)
    diff = queries.attr_diff(old.dump(), new.dump(), attribute)
    rows = [(name, in_words(value)) for name, value in diff]
    people = output.Table(("package", attribute), rows) if rows else f"no {attribute} changed"
    answer.show(diff, people, (name for name, _ in diff))


def _two_states(asked: Asked, refs: tuple[str, ...]) -> tuple[Distribution, Distribution]:
    if len(refs) > 2:
        raise click.UsageError("expected at most two refs: OLD NEW")
    old, new = refs if len(refs) == 2 else (*(refs or ("HEAD~1",)), "")
    return asked.load(old), asked.load(new)


@click.command()
@click.argument("refs", nargs=-1)
@metadata_options
@answer_options
def diff(asked: Asked, refs: tuple[str, ...], answer: Answer) -> None:
    """Show what changed between two states of the metadata, for review.

    \b
    rdo info diff                 in the last commit and in uncommitted changes
    rdo info diff origin/master   since origin/master
    rdo info diff OLD NEW         between OLD and NEW
    """
    found = changes(*_two_states(asked, refs))
    people = "\n".join(map(str, found)) or "nothing changed"
    answer.show(found, people, (change.subject for change in found))
