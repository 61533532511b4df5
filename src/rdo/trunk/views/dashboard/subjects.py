"""The subjects of many commits; they never change, so git is asked once for each."""

import threading
from collections.abc import Iterable
from itertools import groupby

from rdo.store.work.reports import BuildLine
from rdo.trunk.views.shown import Showing

_MOST_KEPT = 50_000
_MOST_ASKED = 20


class Subjects:
    """Subjects with authors by package and upstream hash, shared by requests.

    One request asks git about only a few packages; the others are shown without subjects and left
    to the next request, so that no page waits for hundreds of programs.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def of(self, showing: Showing, lines: Iterable[BuildLine]) -> dict[int, str]:
        """Return the subjects of builds by their numbers."""
        lines = list(lines)
        with self._lock:
            self._learn(showing, [line for line in lines if _key(line) not in self._known])
        return {line.id: self._known.get(_key(line), "") for line in lines}

    def _learn(self, showing: Showing, lines: list[BuildLine]) -> None:
        by_package = groupby(sorted(lines, key=_key), key=lambda line: line.commit.package)
        for asked, (name, group) in enumerate(by_package):
            if asked == _MOST_ASKED:
                return
            if len(self._known) > _MOST_KEPT:
                self._known.clear()
            of_package = list(group)
            found = showing.subjects(name, of_package)
            for line in of_package:
                self._known[_key(line)] = found.get(line.commit.upstream_hash, "")


def _key(line: BuildLine) -> tuple[str, str]:
    return line.commit.package, line.commit.upstream_hash
