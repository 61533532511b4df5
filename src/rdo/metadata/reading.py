"""Read a metadata file and everything it imports, in the order of their precedence.

Files are read depth first: a file, then its imports. A file may be imported twice, but not by
itself. All files are read before a MetadataError reports every fault found.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rdo.beneath import real_path
from rdo.errors import did_you_mean
from rdo.metadata.checking.faults import Fault, Level, MetadataError, Where
from rdo.metadata.checking.shape import shape_faults
from rdo.metadata.sources import MetadataFolder
from rdo.metadata.tree import MAX_BYTES, Files, Items, LocatedMapping

# Opens the repository that an entry of `remote-info` names.
OpenRemote = Callable[[str, LocatedMapping, MetadataFolder], MetadataFolder]


@dataclass(slots=True)
class MetadataReading:
    """One load: the trees in order, the digest of each file, and the opened remotes.

    `edited` maps files to texts that replace what is on disk.
    """

    open_remote: OpenRemote
    edited: Mapping[Path, str] = field(default_factory=dict)
    files: Files = field(default_factory=Files)
    trees: list[LocatedMapping] = field(default_factory=list)
    digests: dict[Path, str] = field(default_factory=dict)
    remotes: dict[str, tuple[dict[str, Any], Path]] = field(default_factory=dict)
    _parsed: dict[Path, LocatedMapping] = field(default_factory=dict)
    _faults: list[Fault] = field(default_factory=list)
    _open: list[Path] = field(default_factory=list)
    _remote_info: LocatedMapping = field(default_factory=LocatedMapping)

    def again(self, edited: Mapping[Path, str]) -> "MetadataReading":
        """Return a reading of the same files with edits; unedited files are not parsed again."""
        touched = edited.keys() | self.edited.keys()
        parsed = {path: tree for path, tree in self._parsed.items() if path not in touched}
        return MetadataReading(self.open_remote, edited, self.files, _parsed=parsed)

    def read(self, source: MetadataFolder, file: str) -> None:
        """Read `file` of the source and its imports; raises MetadataError with every fault."""
        self._file(source, file, None)
        if self._faults:
            raise MetadataError(self._faults)

    def _file(self, source: MetadataFolder, name: str, imported_at: Where | None) -> None:
        path = Path(source.folder / name)
        at = imported_at or Where(source.prefix + name)
        if path in self._open:
            cycle = " > ".join(p.name for p in [*self._open[self._open.index(path) :], path])
            self._fault("import", at, f"a file imports itself: {cycle}")
            return
        tree = self._parsed.get(path) or self._parse(source, path, name, at)
        if tree is None:
            return
        self._parsed[path] = tree
        self.trees.append(tree)
        remotes = tree.get("remote-info")
        if isinstance(remotes, LocatedMapping):
            self._remote_info.update(remotes)
            self._remote_info.places.update(remotes.places)
        self._open.append(path)
        self._imports(source, tree)
        self._open.pop()

    def _parse(
        self, source: MetadataFolder, path: Path, name: str, at: Where
    ) -> LocatedMapping | None:
        content = self._content(source, path, name, at)
        if content is None:
            return None
        try:
            tree = self.files.parse(source.prefix + name, content)
        except MetadataError as error:
            self._faults.extend(error.faults)
            return None
        self._faults.extend(shape_faults(tree, self.files))
        return tree

    def _imports(self, source: MetadataFolder, tree: LocatedMapping) -> None:
        imports = tree.get("import")
        if not isinstance(imports, Items):
            return
        for item, place in zip(imports, imports.places, strict=True):
            where = self.files.where(place)
            if isinstance(item, str):
                self._file(source, item, where)
            elif isinstance(item, LocatedMapping) and item:
                remote, file = next(iter(item.items()))
                self._remote(source, str(remote), str(file), where)
            else:
                self._fault("import", where, "an import must be a file or {remote: file}")

    def _remote(self, above: MetadataFolder, remote: str, file: str, where: Where) -> None:
        arguments = self._remote_info.get(remote)
        if not isinstance(arguments, LocatedMapping):
            near = did_you_mean(remote, map(str, self._remote_info))
            self._fault("import", where, f'"{remote}" is not declared in remote-info{near}')
            return
        source = self.open_remote(remote, arguments, above)
        self.remotes[remote] = dict(arguments), source.folder
        self._file(source, file, where)

    def _content(self, source: MetadataFolder, path: Path, name: str, at: Where) -> bytes | None:
        """Return the bytes of a file; None, after recording the reason, if it cannot be read."""
        try:
            return self._bytes(source, path, name, at)
        except OSError as error:  # such as a name that no file can have
            self._fault("import", at, f"{name[:100]} cannot be read: {error.strerror}")
            return None

    def _bytes(self, source: MetadataFolder, path: Path, name: str, at: Where) -> bytes | None:
        folder = real_path(source.folder)
        if Path(name).is_absolute() or not real_path(path).is_relative_to(folder):
            self._fault("import", at, f"{name} leads out of the metadata's folder")
            return None
        if source.fetch:
            source.fetch(name)
        if path in self.edited:
            return self.edited[path].encode()
        if not path.is_file():
            known = (p.relative_to(source.folder) for p in sorted(source.folder.rglob("*.yml")))
            near = did_you_mean(name, map(str, known))
            self._fault("import", at, f"there is no file {source.prefix}{name}{near}")
            return None
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        self.digests[path] = hashlib.sha256(content).hexdigest()
        return content

    def _fault(self, rule: str, where: Where, message: str) -> None:
        self._faults.append(Fault(Level.ERROR, rule, where, message))
