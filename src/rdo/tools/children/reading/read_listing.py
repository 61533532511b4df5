"""Read what a repository's metadata lists (a program of its own, behind walls).

The question names one file: repomd.xml, which lists metadata, or primary metadata, which lists
packages. `rdo.tools.rpm.listing` defines question and answer, both JSON.
"""

import sys
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from rdo.tools.children.shut_in import answer, asked, shut_in
from rdo.tools.children.solving.shared_files import is_plain, refuse, unpacked
from rdo.tools.children.solving.solve import open_file

_MOST_ROWS = 100_000
_ROWS = {"data", "package"}


def read(text: IO[bytes]) -> list[dict[str, str]]:
    """Return kind, path, checksum and size of each file; ValueError if there are too many."""
    parser, words, rows = expat.ParserCreate(), list[str](), list[dict[str, str]]()
    parser.buffer_text = True

    def begin(name: str, attributes: dict[str, str]) -> None:
        words.clear()
        if name in _ROWS:
            rows.append({"kind": attributes.get("type", "")})
            if len(rows) > _MOST_ROWS:
                raise ValueError(f"the metadata lists more than {_MOST_ROWS} files")
        elif rows and name == "checksum":
            rows[-1].setdefault("algorithm", attributes.get("type", ""))
        elif rows and name == "location":
            rows[-1].setdefault("location", attributes.get("href", ""))
        elif rows and name == "size" and "package" in attributes:
            rows[-1].setdefault("size", attributes["package"])

    def end(name: str) -> None:
        if rows and name in {"checksum", "size"}:
            rows[-1].setdefault(name, "".join(words))

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = words.append
    parser.EntityDeclHandler = refuse
    parser.ParseFile(text)
    return rows


def main() -> int:
    question: dict[str, Any]
    question, walls = asked()
    file, suffix = open_file(Path(question["file"])), question["suffix"]
    if not is_plain(suffix):
        import createrepo_c  # noqa: F401 - slow to load, and later we cannot
    shut_in(walls, [file], 0 if is_plain(suffix) else 2 << 30)
    with unpacked(file, suffix) as text:
        answer({"rows": read(text)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
