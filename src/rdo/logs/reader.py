"""The lines of a build log that show why the build failed.

rules.toml has the meaning of the lines. Log text is not trusted: it is read within bounds,
and shown without control characters.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rdo.log_tail import read_end
from rdo.model.terminal_text import DIRECTIONS

RULES = Path(__file__).with_name("rules.toml")
MAX_BYTES = 4_000_000
"""How much of the end of a log is read."""
MAX_LINES = 20_000
MAX_WIDTH = 500
BEFORE, AFTER = 7, 3
"""How many lines around the cause are shown."""
_ALSO_TELLING = 60  # a line of this weight is shown too, wherever it is
_MORE_HITS = 4

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")
_CONTROLS = {**dict.fromkeys((*range(32), *range(127, 160))), 9: "    ", 10: " "}
_CONTROLS |= dict.fromkeys(DIRECTIONS)
_PREFIX = re.compile(
    r"^(?:(?:DEBUG|INFO|WARNING|ERROR) \w+\.py:\d+:\s+"  # mock's root.log
    r"|\[ *\d+s\] "  # OBS
    r"|\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?:? ?(?:\| )?)"
)
_BAD_EXIT = re.compile(r"Bad exit status from \S+ \(%(\w+)\)")
_SECTION = re.compile(r"^Executing\(%(\w+)\)")
# rpmbuild is run several times while requirements are asked for; only the last run can have failed.
_PASS = re.compile(r"^\+ rpmbuild |^Building target platforms:")
_CLOSING = re.compile(
    r"^\s*(?:error: )?Bad exit status|^RPM build (?:errors|warnings):|^Child return"
)
_NOT_TELLING = re.compile(r"^\++ (?:exit|RPM_EC=|set |umask|rm -rf|jobs|true$|:$)|^\s*$")


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of line; see rules.toml."""

    name: str
    weight: int
    pattern: re.Pattern[str]
    says: str
    phases: frozenset[str] = frozenset()
    next: int = 0
    picks_last: bool = False

    def words(self, match: re.Match[str]) -> str:
        """Return the cause in words."""
        groups = {name: value or "" for name, value in match.groupdict().items()}
        return self.says.format_map(groups).strip().rstrip(":")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log, its number counted from 1; `is_cause` marks the lines to read first."""

    number: int
    text: str
    is_cause: bool = False


@dataclass(frozen=True, slots=True)
class LogReading:
    """The cause that a log shows, in words, and the lines to show, in their order."""

    says: str
    lines: tuple[LogLine, ...]
    rule: str = ""

    @property
    def cause(self) -> str:
        """The line that shows why the build failed."""
        marked = (_PREFIX.sub("", line.text).strip() for line in self.lines if line.is_cause)
        return next(marked, "")


@cache
def rules() -> tuple[Rule, ...]:
    """Return the rules, heaviest first."""
    rows = tomllib.loads(RULES.read_text())["rule"]
    found = [
        Rule(
            name=row["name"],
            weight=row["weight"],
            pattern=re.compile(row["pattern"]),
            says=row["says"],
            phases=frozenset(row.get("phases", ())),
            next=row.get("next", 0),
            picks_last=row.get("pick") == "last",
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda rule: -rule.weight))


def read_log_file(path: Path) -> LogReading:
    """Read the end of a log file; a missing one has no cause and no lines."""
    content, before = read_end(path, MAX_BYTES, count=64 * MAX_BYTES)
    return read_log(content.decode(errors="replace"), first=before + 1)


def read_log(text: str, *, first: int = 1) -> LogReading:
    """Find the cause in the text of a log, whose first line has the number `first`."""
    lines = [clean(line) for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        return LogReading("", ())
    section, begin, end = _failed_section(lines)
    begin = max(begin, end - MAX_LINES)
    hits = _hits(lines, section, range(begin, end))
    if not hits:
        last = _last_words(lines, begin, end)
        return LogReading("", _shown(lines, [last], [], first))
    best = _best(hits)
    marked = _marked(lines, best, end)
    more = [hit.index for hit in hits if hit.rule.weight >= _ALSO_TELLING]
    return LogReading(
        best.rule.words(best.match), _shown(lines, marked, more, first), best.rule.name
    )


def clean(line: str) -> str:
    """Return a line without colours, control characters and overwritten progress bars.

    >>> clean("10%\\r\\x1b[31merror:\\x1b[0m no")
    'error: no'
    """
    seen = line.rstrip("\r").rpartition("\r")[2][: 4 * MAX_WIDTH]
    return _ESCAPES.sub("", seen).translate(_CONTROLS).rstrip()[:MAX_WIDTH]


@dataclass(frozen=True, slots=True)
class _Hit:
    index: int
    rule: Rule
    match: re.Match[str]


def _failed_section(lines: Sequence[str]) -> tuple[str, int, int]:
    """Return the section whose script failed, and its lines, or the lines of the last run."""
    for index, line in enumerate(lines):
        found = _BAD_EXIT.search(line)
        if not found:
            continue
        starts = [
            number
            for number, other in enumerate(lines[:index])
            if (begun := _SECTION.search(_PREFIX.sub("", other))) and begun[1] == found[1]
        ]
        return found[1], starts[-1] + 1 if starts else 0, index
    passes = [number for number, line in enumerate(lines) if _PASS.search(_PREFIX.sub("", line))]
    return "", passes[-1] if passes else 0, len(lines)


def _hits(lines: Sequence[str], section: str, numbers: Iterable[int]) -> list[_Hit]:
    """Return for each line the heaviest rule that matches it."""
    counting = [rule for rule in rules() if not rule.phases or section in rule.phases]
    hits = []
    for number in numbers:
        line = _PREFIX.sub("", lines[number])
        if _NOT_TELLING.match(line) or line.startswith(("+ ", "++ ")) or _CLOSING.match(line):
            continue
        for rule in counting:
            if match := rule.pattern.search(line):
                hits.append(_Hit(number, rule, match))
                break
    return hits


def _best(hits: Sequence[_Hit]) -> _Hit:
    weight = max(hit.rule.weight for hit in hits)
    heaviest = [hit for hit in hits if hit.rule.weight == weight]
    return heaviest[-1] if heaviest[0].rule.picks_last else heaviest[0]


def _marked(lines: Sequence[str], hit: _Hit, end: int) -> list[int]:
    """Return the line of a hit and those that belong to it, up to the next empty one."""
    marked = [hit.index]
    for index in range(hit.index + 1, min(hit.index + 1 + hit.rule.next, end)):
        if lines[index].strip():
            marked.append(index)
        elif len(marked) > 1:
            break
    return marked


def _last_words(lines: Sequence[str], begin: int, end: int) -> int:
    """Return the last line with content, for a log in which no rule matches any line."""
    for index in range(end - 1, begin - 1, -1):
        line = _PREFIX.sub("", lines[index])
        if not (_NOT_TELLING.match(line) or _CLOSING.match(line)):
            return index
    return max(end - 1, 0)


def _shown(
    lines: Sequence[str], marked: Sequence[int], more: Sequence[int], first: int
) -> tuple[LogLine, ...]:
    """Return the marked lines with those around them, and a few others of interest."""
    wanted = set(range(max(0, marked[0] - BEFORE), min(len(lines), marked[-1] + AFTER + 1)))
    others = [index for index in more if index not in wanted]
    wanted |= set(others[:_MORE_HITS]) | set(others[-_MORE_HITS:])
    return tuple(
        LogLine(first + index, lines[index], index in marked)
        for index in sorted(wanted)
        if index in marked or lines[index].strip()
    )
