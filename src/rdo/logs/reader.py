"""Find the lines of a build log that show why the build failed, and put the cause into words.

All other code that names a cause gets it from this module. The meaning of lines is in rules.toml.
Log text is not trusted: it is read within limits, in linear time, and shown without control
characters.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rdo.log_tail import read_end, read_tail
from rdo.model.text.terminal_text import DIRECTIONS

RULES = Path(__file__).with_name("rules.toml")
MAX_BYTES = 4_000_000
"""How much of the end of a log is read."""
MAX_LINES = 20_000
MAX_WIDTH = 500
MAX_CAUSE = 200
"""How many characters of a cause are shown in one line; the full text is in the log."""
BEFORE, AFTER = 7, 3
"""How many lines around the cause are shown."""
_ALSO_TELLING = 60  # a line of this weight is always shown
_MORE_HITS = 4

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")
_CONTROLS = {**dict.fromkeys((*range(32), *range(127, 160))), 9: "    ", 10: " "}
_CONTROLS |= dict.fromkeys(DIRECTIONS)
_PREFIX = re.compile(
    r"^(?:(?:DEBUG|INFO|WARNING|ERROR) \w+\.py:\d+:\s+"  # mock's root.log
    r"|\[ *\d+s\] "  # OBS
    r"|\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?:? ?(?:\| )?)"
)
_BAD_EXIT = re.compile(r"(?:Bad exit status from \S+|/rpm-tmp\.\w+) \(%(\w+)\)")
# rpm translates the words, not the names of sections and scripts.
_SECTION = re.compile(r"^\w{1,30}\(%(\w{1,30})\)\s?: ")
_BEGUN = re.compile(r"^Executing\(%(\w{1,30})\)", re.MULTILINE | re.ASCII)
_PHASE_BYTES = 1_000_000
# rpmbuild runs several times while requirements are installed; only the last run can have failed.
_PASS = re.compile(r"^\+ rpmbuild |^Building target platforms:")
_SUMMARY = re.compile(r"^(?:error: )?Bad exit status|^RPM build (?:errors|warnings):|^Child return")
_REPEATS = re.compile(r"^RPM build (?:errors|warnings):")
# Lines that programs print when another one has failed: pip with its box, tox, make, ninja.
_CLOSING = re.compile(
    r"^error: subprocess-exited-with-error|^\[end of output\]|^[\u00d7\u2570\u2502]"
    r"|^full command: |^hint: See above for "
    r"|^note: This (?:error originates from a subprocess|is an issue with the package mentioned)"
    r"|^(?:ERROR|error): (?:Failed building|Failed to build|Could not build|metadata-generation)"
    r"|^Failed to build \S+$|^Building wheel for \S+ \(.{1,40}\): "
    r"|^\S+: (?:FAIL|OK|SKIP|exit) (?:code )?-?\d+ \(\d|^\S+: (?:OK|SKIP) \(\d"
    r"|^(?:evaluation failed :\(|congratulations :\))|^_{5,} summary _{5,}"
    r"|^(?:g?make(?:\[\d+\])?|ninja|samu): (?:build stopped|Leaving directory"
    r"|\*\*\* (?:.*Error|\[.{1,200}\] [^\W\d]{1,20}) -?\d+)"
)
_WARNS = re.compile(r"^CMake (?:\w{1,20} )?Warning\b")
_NOT_TELLING = re.compile(r"^\++ (?:exit|RPM_EC=|set |umask|rm -rf|jobs|true$|:$)|^$")
_STATUS = re.compile(r"^(?P<command>.*)(?P<status>: exit status -?\d+)$")
_NO_CAUSE = (_SUMMARY, _CLOSING, _NOT_TELLING)
_NVRA = re.compile(r"[^/]+-[^/-]+-[^/-]+\.\w+")


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
    joins: bool = False

    def words(self, match: re.Match[str], following: Sequence[str]) -> str:
        """Return the cause in words; `following` are the lines that belong to the matched one."""
        groups = {name: value or "" for name, value in match.groupdict().items()}
        groups["line"] = _shortened(match.string)
        groups["next"] = ", ".join(map(_shortened, following))
        return " ".join(_in_root(self.says.format_map(groups)).split()).rstrip(":")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log with its number, counted from 1; `is_cause` marks lines to read first."""

    number: int
    text: str
    is_cause: bool = False


@dataclass(frozen=True, slots=True)
class LogReading:
    """The cause that a log shows, in one line, and the lines to show, in order.

    `rule` is the rule that found the cause. If no rule matches, the last words of the log are the
    cause.
    """

    says: str
    lines: tuple[LogLine, ...]
    rule: str = ""

    @property
    def cause(self) -> str:
        """The line that shows why the build failed."""
        marked = (_plain(line.text) for line in self.lines if line.is_cause)
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
            says=row.get("says", "{line}"),
            phases=frozenset(row.get("phases", ())),
            next=row.get("next", 0),
            picks_last=row.get("pick") == "last",
            joins=row.get("joins", False),
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda rule: -rule.weight))


def read_log_file(path: Path) -> LogReading:
    """Read the end of a log file; if it is missing, there is no cause and no line."""
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
    told = next((index for index in range(begin, end) if _REPEATS.match(lines[index])), end)
    numbers = range(begin, told)
    hits = _hits(lines, section, numbers) or _hits(lines, section, range(told, end))
    if not hits:
        last = _last_words(lines, begin, end)
        words = "" if _SUMMARY.match(_plain(lines[last])) else _shortened(lines[last])
        return LogReading(words, _shown(lines, [last], [], first))
    best = _best(hits)
    causes = [best]
    if best.rule.joins:
        causes += [hit for hit in hits if hit.rule.joins and hit is not best][:_MORE_HITS]
    marked = _marked(lines, best, end)
    said = (hit.rule.words(hit.match, _following(lines, hit, end)) for hit in causes)
    more = [hit.index for hit in hits if hit.rule.weight >= _ALSO_TELLING]
    return LogReading(
        "; ".join(dict.fromkeys(said)), _shown(lines, marked, more, first), best.rule.name
    )


def cause_of(text: str, otherwise: str = "it printed nothing") -> str:
    """Return the cause that the text of a log shows, in one line.

    >>> cause_of("  a.c:1:5: error: 'b' undeclared\\nmake: *** [a.o] Error 1\\n")
    "a.c:1:5: error: 'b' undeclared"
    """
    return read_log(text).says or otherwise


def one_line(text: str) -> str:
    r"""Return a text as one line of at most 200 characters, without control characters.

    It is the first of several lines; the output of a failed program is read as a log.

    >>> one_line("git fetch: exit status 128\nfatal: no such remote\n")
    'git fetch: exit status 128: no such remote'
    """
    first, _, rest = text.strip().partition("\n")
    said = clean(first).strip()
    if rest and (found := _STATUS.match(said)):
        command = found["command"] if len(found["command"]) < 80 else found["command"][:60] + " …"
        said = f"{command}{found['status']}: {cause_of(rest)}"
    return said if len(said) <= MAX_CAUSE else said[: MAX_CAUSE - 1].rstrip() + "…"


def clean(line: str) -> str:
    """Return a line without colors, control characters and overwritten progress bars.

    >>> clean("10%\\r\\x1b[31merror:\\x1b[0m no")
    'error: no'
    """
    seen = line.rstrip("\r").rpartition("\r")[2][: 4 * MAX_WIDTH]
    return _ESCAPES.sub("", seen).translate(_CONTROLS).rstrip()[:MAX_WIDTH]


def telling_lines(lines: Sequence[str]) -> frozenset[int]:
    """Return the indexes of lines that probably report an error, in a log that may still grow.

    >>> sorted(telling_lines(["gcc a.c", "a.c:1:2: error: 'b' undeclared", "+ exit 1"]))
    [1]
    """
    certain = [rule for rule in rules() if rule.weight >= _ALSO_TELLING]
    matched = (_first_match(certain, _plain(line)) for line in lines)
    return frozenset(number for number, found in enumerate(matched) if found)


@dataclass(frozen=True, slots=True)
class _Hit:
    index: int
    rule: Rule
    match: re.Match[str]


def _failed_section(lines: Sequence[str]) -> tuple[str, int, int]:
    """Return the section whose script failed, and its lines, or the lines of the last run."""
    starts: dict[str, int] = {}
    for index, line in enumerate(lines):
        if begun := _SECTION.match(_plain(line)):
            starts[begun[1]] = index + 1
        elif found := _BAD_EXIT.search(line):
            return found[1], starts.get(found[1], 0), index
    passes = [number for number, line in enumerate(lines) if _PASS.match(_plain(line))]
    return "", passes[-1] if passes else 0, len(lines)


def _hits(lines: Sequence[str], section: str, numbers: Iterable[int]) -> list[_Hit]:
    """Return, for each line, the heaviest rule that matches it."""
    counting = [rule for rule in rules() if not rule.phases or section in rule.phases]
    known: dict[str, tuple[Rule, re.Match[str]] | None] = {}  # logs repeat lines
    hits = []
    warned = _warned(lines, numbers)
    for number in numbers:
        if number in warned:
            continue
        line = _plain(lines[number])
        if line not in known:
            known[line] = _first_match(counting, line)
        if found := known[line]:
            hits.append(_Hit(number, *found))
    return hits


def _warned(lines: Sequence[str], numbers: Iterable[int]) -> set[int]:
    """Return the numbers of lines that belong to a warning of CMake: those indented below it."""
    found: set[int] = set()
    depth = -1
    for number in numbers:
        line = _PREFIX.sub("", lines[number])
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent <= depth:
            depth = -1
        if depth < 0 and _WARNS.match(line.strip()):
            depth = indent
        if depth >= 0:
            found.add(number)
    return found


def _first_match(counting: Sequence[Rule], line: str) -> tuple[Rule, re.Match[str]] | None:
    if line.startswith(("+ ", "++ ")) or any(kind.match(line) for kind in _NO_CAUSE):
        return None
    found = ((rule, match) for rule in counting if (match := rule.pattern.search(line)))
    return next(found, None)


def _best(hits: Sequence[_Hit]) -> _Hit:
    weight = max(hit.rule.weight for hit in hits)
    heaviest = [hit for hit in hits if hit.rule.weight == weight]
    return heaviest[-1] if heaviest[0].rule.picks_last else heaviest[0]


def _marked(lines: Sequence[str], hit: _Hit, end: int) -> list[int]:
    """Return the numbers of a matched line and of those that belong to it, up to an empty line."""
    marked = [hit.index]
    for index in range(hit.index + 1, min(hit.index + 1 + hit.rule.next, end)):
        if lines[index].strip():
            marked.append(index)
        elif len(marked) > 1:
            break
    return marked


def _last_words(lines: Sequence[str], begin: int, end: int) -> int:
    """Return the last line with content, for a log in which no rule matches.

    Lines after rpmbuild's own summary, and lines in which a program reports on another one, are
    used only if there are no others.
    """
    plain = [_plain(line) for line in lines[begin:end]]
    summaries = (number for number, line in enumerate(plain) if _SUMMARY.match(line))
    summary = next(summaries, len(plain))
    words = [number for number in range(summary) if not _NOT_TELLING.match(plain[number])]
    own = (number for number in reversed(words) if not _CLOSING.match(plain[number]))
    last = next(own, words[-1] if words else max(len(plain) - 1, 0))
    return begin + last


def _following(lines: Sequence[str], hit: _Hit, end: int) -> list[str]:
    return [lines[index] for index in _marked(lines, hit, end)[1:]]


def _plain(line: str) -> str:
    """Return a line as its program printed it, without prefixes of others and pip's indentation.

    >>> _plain("[   12s]       a.c:1:5: error: 'b' undeclared")
    "a.c:1:5: error: 'b' undeclared"
    """
    return _PREFIX.sub("", line).strip()


def _shortened(line: str) -> str:
    """Return a line without the prefix that all lines of its kind share.

    >>> _shortened("error: File not found: /builddir/BUILDROOT/a-1-1.x86_64/etc/c")
    'File not found: /etc/c'
    """
    words = re.sub(r"^E {2,}|^(?:error|ERROR): (?=\S+ \S)", "", _plain(line))
    return _in_root(words) or _plain(line)


def _in_root(words: str) -> str:
    """Return a text in which paths in a root are shortened to the paths in packages.

    >>> _in_root("cp: '/builddir/BUILDROOT/a-1-1.x86_64/etc/c': File exists")
    "cp: '/etc/c': File exists"
    """
    if "/BUILDROOT/" not in words:
        return words
    return re.sub(r"\S+", lambda found: _path_in_root(found[0]), words)


def _path_in_root(word: str) -> str:
    before, _, path = word.rpartition("/BUILDROOT/")
    first, slash, rest = path.partition("/")
    if not slash or not _NVRA.fullmatch(first):
        rest = path
    return f"{before.partition('/')[0]}/{rest}" if before or rest != word else word


def _shown(
    lines: Sequence[str], marked: Sequence[int], more: Sequence[int], first: int
) -> tuple[LogLine, ...]:
    """Return the marked lines with the lines around them, and a few others of interest."""
    wanted = set(range(max(0, marked[0] - BEFORE), min(len(lines), marked[-1] + AFTER + 1)))
    others = [index for index in more if index not in wanted]
    wanted |= set(others[:_MORE_HITS]) | set(others[-_MORE_HITS:])
    return tuple(
        LogLine(first + index, lines[index], index in marked)
        for index in sorted(wanted)
        if index in marked or lines[index].strip()
    )


def phase_of(log_file: Path) -> str:
    """Return the phase of a running build, such as `%check`; empty if its log does not show it."""
    begun = _BEGUN.findall(read_tail(log_file, _PHASE_BYTES))
    return f"%{begun[-1]}" if begun else ""
