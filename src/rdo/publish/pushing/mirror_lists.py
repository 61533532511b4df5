"""The mirror lists of a tree: where else each repository is, for hosts that cannot use the tree."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

from rdo import atomic
from rdo.model.repo_file import MIRRORLIST, mirrorlist
from rdo.publish.tree import Tree


def list_mirrors(
    tree: Tree, mirrors: Iterable[tuple[str, Mapping[str, str]]], paths: Collection[str]
) -> None:
    """Write places outside into the mirror lists at some paths of a tree, after the tree itself.

    `mirrors` are, for each place, its URL (empty if it is not listed) and where it has the files at
    the paths of the tree.
    """
    rows = [(url.rstrip("/"), places) for url, places in mirrors if url]
    top = tree.site.url(PurePosixPath("x")).removesuffix("x")
    with tree.journal.alone("listing mirrors"):
        for path in paths:
            file = tree.repos / path / MIRRORLIST
            before = file.read_text() if file.is_file() else ""
            own = [line for line in before.split() if line.startswith(top)]
            others = [f"{url}/{places[path]}" for url, places in rows if path in places]
            if own and before != (text := mirrorlist(*own, *others)):
                atomic.write_file(file, text)
