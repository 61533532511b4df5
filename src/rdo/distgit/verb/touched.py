"""The changes that a verb has announced, in a file beside its entry in the journal."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from rdo.tools.git.clone import Touch


@dataclass(frozen=True, slots=True)
class Touched:
    """All announced changes of one verb.

    `files` has the blobs that each file was to get ("" if it was to be removed). The blobs of
    `trees`, and `known` commits, are part of the verb too, but name no files to change.
    """

    refs: frozenset[str] = frozenset()
    commits: tuple[str, ...] = ()
    messages: frozenset[str] = frozenset()
    files: Mapping[str, frozenset[str]] = field(default_factory=dict)
    staged: frozenset[str] = frozenset()
    remotes: frozenset[str] = frozenset()
    trees: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Return what was announced; None for a verb of an older version without this file."""
        try:
            lines = file.read_text().splitlines()
        except FileNotFoundError:
            return None
        return cls.of(_rows(lines))

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Self:
        """Merge the announcements of one verb."""
        every = list(rows)

        def all_of(key: str) -> list[str]:
            return [value for row in every for value in row.get(key, ())]

        files: dict[str, frozenset[str]] = {}
        for row in every:
            for name, blob in row.get("files", {}).items():
                new = frozenset() if blob is None else frozenset({blob})
                files[name] = files.get(name, frozenset()) | new
        return cls(
            refs=frozenset(all_of("refs")),
            commits=tuple(dict.fromkeys(filter(None, all_of("commits")))),
            messages=frozenset(map(plain, all_of("messages"))),
            files=files,
            staged=frozenset(all_of("staged")),
            remotes=frozenset(all_of("remotes")),
            trees=tuple(dict.fromkeys(all_of("trees"))),
            known=tuple(dict.fromkeys(all_of("known"))),
        )

    def has_ref(self, name: str) -> bool:
        """Whether a ref, or a prefix of it, was announced."""
        return name in self.refs or any(
            ref.endswith("/") and name.startswith(ref) for ref in self.refs
        )

    def has_message(self, message: str) -> bool:
        """Whether a commit with this message was announced; hooks may have added trailers."""
        lines = plain(message).split("\n")
        while lines:
            if "\n".join(lines) in self.messages:
                return True
            if not _is_trailer(lines.pop()):
                return False
        return False

    def has_setting(self, key: str) -> bool:
        """Whether a git setting belongs to an announced remote."""
        return any(key.startswith(f"remote.{name}.") for name in self.remotes)


def note(file: Path, row: Touch | Mapping[str, Any]) -> None:
    """Append an announcement; it is in the file before the change begins."""
    with file.open("a") as out:
        out.write(json.dumps(asdict(row) if isinstance(row, Touch) else dict(row)) + "\n")


def plain(message: str) -> str:
    """Return a message as git's clean-up leaves it, without empty lines."""
    return "\n".join(line.rstrip() for line in message.split("\n") if line.strip())


def _is_trailer(line: str) -> bool:
    key, colon, _ = line.partition(": ")
    return bool(colon) and key.replace("-", "").isalnum()


def _rows(lines: Iterable[str]) -> Iterable[Mapping[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:  # the verb was killed while writing this, before it changed anything
            return
