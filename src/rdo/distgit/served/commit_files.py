"""Copy the files of a commit that describe how a package is built into a folder of ours."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rdo.errors import RefusedError
from rdo.lookaside.sources_file import SOURCES, SourceEntry, parse_sources
from rdo.tools.git.pushed import PushedCommits, TreeEntry

_FOLDERS = ("SPECS", "SOURCES")
_RETIRED = ("dead.package", "dead.module")
_MOST_FILES = 5000
_MOST_BYTES = 64 << 20
_MOST_NAME_BYTES = 255


@dataclass(frozen=True, slots=True)
class CommitFiles:
    """The regular files of a commit at its top, in SPECS and in SOURCES, with their contents.

    A link to a file beside it has the content of that file; other links and folders are left out.
    """

    contents: Mapping[str, bytes]
    blobs: Mapping[str, str]

    @classmethod
    def read(cls, pushed: PushedCommits, commit: str) -> "CommitFiles":
        """Read them; raises RefusedError for a commit with too many or too large files."""
        entries = pushed.folder(commit, *_FOLDERS)
        files = {one.path: one for one in entries if one.is_file}
        links = [one for one in entries if one.is_link]
        _check_size(commit, entries)
        targets = pushed.contents([one.blob for one in links])
        for link, target in zip(links, targets, strict=True):
            if beside := _beside(link, target, files):
                files[link.path] = beside
        _check_size(commit, files.values())
        texts = pushed.contents([one.blob for one in files.values()])
        return cls(
            dict(zip(files, texts, strict=True)), {path: one.blob for path, one in files.items()}
        )

    @property
    def specs(self) -> dict[str, bytes]:
        """The specs, by path."""
        return {path: text for path, text in self.contents.items() if path.endswith(".spec")}

    @property
    def is_retired(self) -> bool:
        """Whether the package was retired, so that it needs no spec."""
        return any(name in self.contents for name in _RETIRED)

    def sources(self) -> tuple[SourceEntry, ...]:
        """Return the files that must be in the lookaside cache.

        Raises ConfigError for a line that names no file, RefusedError for one with a path.
        """
        found: list[SourceEntry] = []
        for path, text in self.contents.items():
            if path == SOURCES or (path.startswith(".") and path.endswith(".metadata")):
                found += parse_sources(text.decode(errors="replace")).entries
        return tuple(found)

    def blob(self, name: str) -> str:
        """Return the hash of a source or patch by its file name; empty if git does not have it."""
        return self.blobs.get(name) or self.blobs.get(f"SOURCES/{name}", "")

    def write(self, folder: Path) -> None:
        """Write the files into an empty folder of ours, side by side, as rpm looks for them."""
        for path, content in self.contents.items():
            name = PurePosixPath(path).name
            (folder / name).write_bytes(content)


def _check_size(commit: str, entries: Collection[TreeEntry]) -> None:
    if len(entries) > _MOST_FILES or sum(one.size for one in entries) > _MOST_BYTES:
        raise RefusedError(
            f"{commit[:12]} has more than {_MOST_FILES} files or {_MOST_BYTES >> 20} MiB",
            hint="put large files into the lookaside cache: rdo pkg upload",
        )
    for one in entries:
        if len(one.path.encode(errors="surrogateescape")) > _MOST_NAME_BYTES:
            raise RefusedError(f"the file name {one.path[:80]!r}... is too long")


def _beside(link: TreeEntry, target: bytes, files: Mapping[str, TreeEntry]) -> TreeEntry | None:
    name = target.decode(errors="surrogateescape")
    beside = files.get(str(PurePosixPath(link.path).parent / name)) if "/" not in name else None
    return beside and TreeEntry(link.path, beside.mode, beside.blob, beside.size)
