"""Make commit messages for distgit changes from the changelog."""

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rdo.distgit.verb.desk import Desk
from rdo.errors import NotFoundError, RefusedError
from rdo.spec import changelog
from rdo.spec.release import release_style
from rdo.spec.tags import find_tag

_BUG = re.compile(r"rhbz#(\d+)", re.IGNORECASE)
_CHANGE_ID = re.compile(r"^Change-Id: (I[0-9a-fA-F]+)", re.MULTILINE)


def bugs(texts: Iterable[str]) -> list[str]:
    """Return the Bugzilla numbers that texts mention, each once.

    >>> bugs(["Update (rhbz#12,rhbz#3)", "Fix rhbz#12"])
    ['12', '3']
    """
    return list(dict.fromkeys(number for text in texts for number in _BUG.findall(text)))


def has_written_changelog(desk: Desk) -> bool:
    """Whether rdo writes the entries of %changelog.

    It does not if rpmautospec generates them, or if trunk builds set the spec's Version.
    """
    text = desk.spec.text()
    release = find_tag(text, "Release")
    style = release_style(release.value if release else "")
    return style.is_bumped and not changelog.is_automatic(text)


def last_changes(desk: Desk) -> list[str]:
    """Return the changes in the newest changelog entry, one text each."""
    lines = [line.strip() for line in desk.spec.newest_changes()]
    changes: list[str] = []
    for line in lines:
        if changes and not re.match(r"[-*+]\s", line):
            changes[-1] += f" {line}"
        else:
            changes.append(re.sub(r"^[-*+]\s+", "", line))
    return changes


def commit_message(
    desk: Desk, changes: Sequence[str] = (), *, header_file: str = "", change_id: str = ""
) -> str:
    """Return NVR or header file, changes, the bugs they resolve, and Gerrit's Change-Id.

    Raises RefusedError if there are no changes to describe.
    """
    header = read_header(header_file, desk.folder) if header_file else _nvr(desk)
    said = list(changes) or last_changes(desk)
    if not said:
        raise RefusedError("Description of changes is missing in %changelog.")
    paragraphs = [header.rstrip("\n"), "\n".join(["Changelog:", *(f"- {x}" for x in said)])]
    if solved := bugs(said):
        paragraphs.append("\n".join(f"Resolves: rhbz#{number}" for number in solved))
    if change_id:
        paragraphs.append(f"Change-Id: {change_id}")
    return "\n\n".join(paragraphs) + "\n"


def plain_message(subject: str, changes: Sequence[str] = ()) -> str:
    """Return the message for a spec whose changelog rdo does not write: subject and changes."""
    body = "\n".join(f"- {change}" for change in changes if change != subject)
    return f"{subject}\n\n{body}\n" if body else f"{subject}\n"


def _nvr(desk: Desk) -> str:
    """Return Name, Version and Release, without epoch and dist tag."""
    read = desk.spec.numbered()
    return f"{read.name}-{read.vr_only}"


def read_header(file: str, folder: Path) -> str:
    """Read the text that begins a commit message; `-` reads stdin. Raises NotFoundError."""
    if file == "-":
        return sys.stdin.read()
    try:
        return (folder / file).read_text(errors="surrogateescape")
    except OSError as error:
        raise NotFoundError(f"File not found: {file}") from error


def change_id_of(message: str) -> str:
    """Return Gerrit's Change-Id from a commit message, or "" if it has none."""
    found = _CHANGE_ID.search(message)
    return found[1] if found else ""
