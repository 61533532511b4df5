"""Read test reports in JUnit's XML, which anybody may have written (a program of its own).

`rdo.checks.junit_reports` defines question and answer, both JSON.
"""

import sys
from xml.parsers import expat

from rdo.tools.children.shut_in import answer, asked, shut_in

_DEEPEST, _MOST_CASES, _MOST_FAILURES, _MOST_LETTERS = 50, 200_000, 100, 2000
_BAD = {"failure", "error"}


class ReportReader:
    """The content of one document: the number of cases, and which of them failed."""

    def __init__(self) -> None:
        self.cases = self.skipped = self.failed = 0
        self.failures: list[dict[str, str]] = []
        self._depth = 0
        self._case = ""
        self._words: list[str] | None = None
        self._letters = 0

    def read(self, text: bytes) -> None:
        """Read a document; ValueError or ExpatError if it is invalid, or not plain."""
        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._begin, self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = refuse
        parser.Parse(text, True)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"its elements are nested more than {_DEEPEST} times")
        if self._depth == 1 and name not in {"testsuite", "testsuites"}:
            raise ValueError(f"it begins with {name[:100]!a}, not with a test suite")
        if name == "testcase":
            self.cases += 1
            if self.cases > _MOST_CASES:
                raise ValueError(f"it has more than {_MOST_CASES} cases")
            names = (attributes.get(key, "") for key in ("classname", "name"))
            self._case = ".".join(filter(None, names))[:_MOST_LETTERS]
        elif name == "skipped":
            self.skipped += 1
        elif name in _BAD:
            self.failed += 1
            self._words, self._letters = [], 0
            if len(self.failures) < _MOST_FAILURES:
                message = attributes.get("message", "")[:_MOST_LETTERS]
                self.failures.append({"case": self._case, "message": message, "text": ""})
            else:
                self._words = None

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name in _BAD and self._words is not None:
            self.failures[-1]["text"] = "".join(self._words)[:_MOST_LETTERS]
            self._words = None

    def _text(self, text: str) -> None:
        if self._words is not None and self._letters < _MOST_LETTERS:
            self._words.append(text)
            self._letters += len(text)


def refuse(*_: object) -> None:
    """Raise ValueError for a document type, because entities are defined there."""
    raise ValueError("it has a document type, which may declare entities")


def read(text: bytes) -> dict[str, object]:
    """Return the content of a document, or why it cannot be read."""
    report = ReportReader()
    try:
        report.read(text)
    except (expat.ExpatError, ValueError, MemoryError) as error:
        return {"refused": str(error) or type(error).__name__}
    return {
        "cases": report.cases,
        "skipped": report.skipped,
        "failed": report.failed,
        "failures": report.failures,
    }


def main() -> int:
    question, walls = asked()
    shut_in(walls)
    answer({"reports": [read(text.encode("latin-1")) for text in question["documents"]]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
