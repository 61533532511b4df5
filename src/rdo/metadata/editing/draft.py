"""Edits of metadata files, kept in memory and checked as a whole before they are written.

After each edit, the whole metadata is read again as it would be. An edit is refused if it also
changes something else: where a value is merged from several files, the user must choose the file to
edit. An edit that introduces a fault is refused too.
"""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from rdo import atomic
from rdo.errors import NotFoundError, RefusedError, did_you_mean
from rdo.metadata.checking.faults import Fault, Level, MetadataError
from rdo.metadata.checking.rules import Checker
from rdo.metadata.distribution import Tree
from rdo.metadata.editing.document import Document, Node, pair_of, text_of, value_of
from rdo.metadata.loading import Edited
from rdo.metadata.resolve import attributes, tags_of

Attributes = dict[str, Any]
Place = tuple[Document, Node]


class Draft:
    """A folder of metadata with edits that are not written yet.

    Raises MetadataError if the metadata lacks whole sections.
    """

    def __init__(self, folder: Path, file: str) -> None:
        self.folder = folder.absolute()
        self.file = file
        self._now = Edited.open(self.folder, file)
        checker = Checker(self._now.distribution.tree, self._now.reading.files)
        if faults := list(checker.sections()):
            raise MetadataError(faults)
        self._documents: dict[str, Document] = {}
        self._on_disk: dict[str, str] = {}
        self._removed: set[str] = set()
        self._windows: set[str] = set()  # files whose lines end with CR LF

    @property
    def tree(self) -> Tree:
        """The merged tree, with all edits checked so far."""
        return self._now.distribution.tree

    @property
    def names(self) -> list[str]:
        """The files, relative to the folder, in the order they are read."""
        files = dict.fromkeys(self._now.reading.files.names)
        return [name for name in files if (self.folder / name).is_file()]

    def raw(self, name: str) -> Tree:
        """Return a package's own entry, merged from its files; find it by name or project."""
        return self._now.distribution.raw(name)

    def release(self, name: str) -> Tree:
        """Return the entry of a release; raises NotFoundError if there is none."""
        found = {entry["name"]: entry for entry in self.tree["releases"]}
        if name not in found:
            raise NotFoundError(f"the metadata has no release {name}{did_you_mean(name, found)}")
        entry: Tree = found[name]
        return entry

    def attributes(self) -> list[Attributes]:
        """Return all packages with their effective values."""
        return [attributes(raw, self.tree) for raw in self.tree["packages"]]

    def file_of(self, mapping: Any, key: str) -> str:
        """Return the file that sets a key, or "" if none does."""
        place = getattr(mapping, "places", {}).get(key)
        return "" if place is None else self._now.reading.files.where(place).file

    def document(self, name: str) -> Document:
        """Open a file for edits; raises RefusedError if it belongs to other metadata."""
        if name not in self._documents:
            path = self.folder / name
            if not path.is_file():
                raise RefusedError(f"{name} belongs to other metadata and is not edited from here")
            text = path.read_bytes().decode()
            if text.count("\r\n") == text.count("\n") > 0:
                self._windows.add(name)
                text = text.replace("\r\n", "\n")
            self._on_disk[name] = text
            self._documents[name] = Document(name, text)
        return self._documents[name]

    def new_file(self, name: str, text: str) -> Document:
        """Create a file; raises RefusedError if it exists."""
        if (self.folder / name).exists():
            hint = "if an edit that was killed left it behind, delete it"
            raise RefusedError(f"{name} exists", hint=hint)
        self._on_disk[name] = ""
        self._documents[name] = Document(name, text)
        return self._documents[name]

    def remove_file(self, name: str) -> None:
        """Delete a file and every import of it."""
        self.document(name)
        self._removed.add(name)
        for other in self.names:
            if other != name and name in (self.folder / other).read_text():
                self.document(other).remove_text_item("import", name)

    def package_places(self, project: str, word: str = "") -> list[Place]:
        """Return a package's entries in all files; `word` limits them to files that contain it."""
        found = []
        for name in self.names:
            document = self.document(name)
            may_have = project in document.text and word in document.text
            if may_have and name not in self._removed:
                entry = document.entry("packages", "project", project)
                if entry is not None:
                    found.append((document, entry))
        return found

    def tag_places(self, tag: str) -> dict[str, list[str]]:
        """Return the projects tagged in each file that has the tag."""
        found: dict[str, list[str]] = {}
        for name in self.names:
            document = self.document(name)
            if tag in document.text and name not in self._removed:
                for entry in document.entries("packages"):
                    if pair_of(value_of(entry, "tags"), tag):
                        project = text_of(value_of(entry, "project"))
                        found.setdefault(name, []).append(project)
        return found

    def usual_file(self, tag: str) -> str:
        """Return the file where most packages get a tag, or "" if no package has it."""
        files = Counter(
            self.file_of(raw["tags"], tag)
            for raw in self.tree["packages"]
            if isinstance(raw.get("tags"), Mapping) and tag in raw["tags"]
        )
        # on a tie use the later file, because tags are imported after the packages they tag
        order = self.names
        return max(files, key=lambda name: (files[name], order.index(name)), default="")

    def check(
        self,
        what: str,
        *,
        packages: Sequence[Attributes] | None = None,
        releases: Sequence[Tree] | None = None,
    ) -> None:
        """Accept the edits since the last check if they have exactly the given effect.

        Raises RefusedError if they change anything else, and MetadataError if they cause a fault.
        """
        edited = self._read()
        new = edited.distribution
        if missing := list(Checker(new.tree, edited.reading.files).sections()):
            raise MetadataError(missing)
        expected = self.attributes() if packages is None else packages
        wanted = {package["project"]: _normal(package) for package in expected}
        found = {raw["project"]: _normal(attributes(raw, new.tree)) for raw in new.tree["packages"]}
        odd = [x for x in {**wanted, **found} if wanted.get(x) != found.get(x)]
        wanted_releases = self.tree["releases"] if releases is None else releases
        if list(new.tree["releases"]) != list(wanted_releases):
            odd.append("releases")
        rest = ("components", "package-configs", "package-default")
        if packages is None or releases is None:
            odd += [key for key in rest if new.tree.get(key) != self.tree.get(key)]
        if odd:
            hint = (
                "it is set in more than one place; see `rdo info why`, and edit the files by hand"
            )
            raise RefusedError(f"editing {what} would also change {odd[0]}", hint=hint)
        before = {package["project"]: _normal(package) for package in self.attributes()}
        touched = {project for project in wanted if wanted[project] != before.get(project)}
        told = {fault.message for fault in _errors(self._now, touched)}
        faults = [fault for fault in _errors(edited, touched) if fault.message not in told]
        if faults:
            raise MetadataError(dict.fromkeys(faults))
        self._now = edited

    def peek(self) -> Tree:
        """Return the merged tree with all edits so far, checked or not."""
        return self._read().distribution.tree

    def diff(self) -> str:
        """Return all changes as a unified diff, or "" if there are none."""
        lines: list[str] = []
        for name, before, after in self._changes():
            old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
            lines += difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def write(self) -> list[Path]:
        """Write each changed file atomically, and return those files in the order written.

        New files are written first and deleted files go last, so that after a kill in between no
        file imports a missing one.
        """
        written = []
        for name, _, after in sorted(self._changes(), key=lambda change: self._turn(change[0])):
            path = self.folder / name
            if name in self._removed:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                text = after.replace("\n", "\r\n") if name in self._windows else after
                atomic.write_file(path, text.encode())
            written.append(path)
        return written

    def _turn(self, name: str) -> tuple[bool, bool, str]:
        return name in self._removed, self._on_disk[name] != "", name

    def _changes(self) -> list[tuple[str, str, str]]:
        found = []
        for name, document in sorted(self._documents.items()):
            after = "" if name in self._removed else document.text
            if after != self._on_disk[name]:
                found.append((name, self._on_disk[name], after))
        return found

    def _read(self) -> Edited:
        changed = ((name, x.text) for name, x in self._documents.items())
        texts = {
            self.folder / name: text for name, text in changed if text != self._on_disk.get(name)
        }
        return self._now.with_edits(texts)


def _errors(edited: Edited, projects: Set[str]) -> list[Fault]:
    """Return the errors that make releases or these packages unusable."""
    tree = edited.distribution.tree
    checker = Checker(tree, edited.reading.files)
    faults = [fault for release in tree["releases"] for fault in checker.release(release)]
    for raw in tree["packages"]:
        if raw["project"] in projects:
            faults += checker.package(raw)
            tags = tags_of(raw, tree)
            for tag in tags if isinstance(tags, Mapping) else ():
                faults += checker.package(raw, tag)
            faults += (fault for _, fault in checker.undeclared_tags(raw))
    return [fault for fault in faults if fault.level is Level.ERROR]


def _normal(package: Mapping[str, Any]) -> Attributes:
    """Return a package without meaningless differences: an empty value equals a missing one."""
    kept = {key: value for key, value in package.items() if value not in (None, {}, [])}
    if isinstance(kept.get("tags"), Mapping):
        kept["tags"] = {tag: overrides or None for tag, overrides in kept["tags"].items()}
    return kept
