"""The conditions of a spec, and the readings in which each of them is true and false.

A condition matters if the parts of the spec that verbs edit depend on it: Name, Version, Release,
sources, patches and how %prep applies them. Its macros get each value that makes a difference, and
combinations that no platform has are left out. A condition that only rpm can compute is tried both
ways on its own.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from rdo.errors import RefusedError
from rdo.spec.expression import UnknownExpressionError, holds
from rdo.spec.text import PREAMBLE, Line, SpecText

MOST_READINGS = 64
_MOST_COMBINATIONS = 20_000
_OPENING = re.compile(r"\s*%(?P<word>if|ifarch|ifnarch|ifos|ifnos)(?P<rest>(?=\s|[(!]).*)$")
_FURTHER = re.compile(r"\s*%(?P<word>elif|elifarch|elifos)(?P<rest>(?=\s|[(!]).*)$")
_ENDIF = re.compile(r"\s*%endif(?=\s|$)")
_TAG = re.compile(
    r"\s*(?:name|version|release|epoch|source\d*|patch\d*|nosource|nopatch)\s*:", re.IGNORECASE
)
_SOURCE_TAG = re.compile(r"\s*(?:source\d*|patch\d*)\s*:", re.IGNORECASE)
_IN_PREP = re.compile(r"patch|setup|apply|%\{?[?!]*(?:source|s:|p:)|\bgit\s+am\b", re.IGNORECASE)
_DEFINES = re.compile(r"%(?:global|define|undefine)\s+(?P<name>\w+)(?P<value>.*)$")
_BCOND = re.compile(r"\s*%(?:bcond|bcond_with|bcond_without)\s+(?P<name>\w+)")
_BRINGS_MORE = re.compile(r"\s*%(?:include\b|\{load:|\{lua:|\{?\w*meta\b)")
_NAMES = re.compile(
    r"%[{?!(]*(?:(?:with|without)\s+(?P<with>\w+)|(?:un)?defined\s+(?P<defined>\w+)|(?P<name>\w+))"
)
_INLINE = re.compile(r"%\{[!?]*[?][!?]*(?P<name>\w+):")
_FAMILIES = (
    r"rhel|centos\w*|el\d+|epel|rhl|almalinux|rocky|oraclelinux\w*",
    r"fedora|fc\d+|eln",
    r"suse_version|sle_version|is_opensuse|leap_version|sles\w*|opensuse\w*",
    r"mageia|mga\w*|mdk\w*|mandriva\w*|omv\w*",
    r"azl\w*|azurelinux|mariner\w*",
    r"amzn\w*|openeuler|openEuler|euler\w*|tizen\w*|meego\w*|alt\w*|pld\w*",
)
_FAMILY = [re.compile(family) for family in _FAMILIES]
# rpm or the verb itself defines these, and no platform.
_NOT_OF_PLATFORMS = frozenset(
    (
        *("name", "version", "release", "epoch", "milestone", "upstream_version"),
        *("nil", "autorelease", "buildroot"),
    )
)
_ONLY_DECIDED = _NOT_OF_PLATFORMS | {"dist", "_target_cpu"}
_USUAL = {"rhel": "9", "centos": "9", "fedora": "42", "suse_version": "1600"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a spec: values of macros, and truth values of what only rpm can compute.

    A macro that is None is not defined. `bconds` are the switches that the spec declares.
    """

    values: Mapping[str, str | None] = field(default_factory=dict)
    held: Mapping[str, bool] = field(default_factory=dict)
    defined_here: frozenset[str] = frozenset()
    bconds: frozenset[str] = frozenset()
    constants: frozenset[str] = frozenset()

    @property
    def macros(self) -> dict[str, str | None]:
        """The macros that rpm must define or undefine."""
        found: dict[str, str | None] = {}
        for name, value in self.values.items():
            if name in self.constants:
                continue
            if name in self.bconds:
                switch = name.removeprefix("with_")
                found[f"_with_{switch}"] = f"--with-{switch}" if value else None
                found[f"_without_{switch}"] = None if value else f"--without-{switch}"
            elif name not in self.defined_here | _ONLY_DECIDED:
                found[name] = value
        return found

    def applied(self, text: SpecText) -> SpecText:
        """Return the spec with each condition that this reading decides written as 1 or 0."""
        decided = {}
        for one in _statements(text):
            truth = self._truth(one.condition)
            if truth is not None:
                decided[one.number] = f"{one.lead}%{one.word} {int(truth)}"
        return text.with_lines(decided)

    def _truth(self, condition: "_Condition") -> bool | None:
        if condition.key in self.held:
            return self.held[condition.key]
        if not condition.variables or not condition.variables <= self.values.keys():
            return None
        return condition.truth(self.values)

    def __str__(self) -> str:
        said = [
            f"with %{{{name}}} {value}" if value is not None else f"without %{{{name}}}"
            for name, value in self.values.items()
            if name not in self.constants
        ]
        for key, truth in self.held.items():
            said.append(f"if `{key}` {'holds' if truth else 'does not hold'}")
        return " and ".join(said)


@dataclass(frozen=True)
class _Condition:
    """A condition: its word (`if`, `ifarch`, …) and what follows."""

    word: str
    rest: str

    @cached_property
    def key(self) -> str:
        return f"%{self.word.removeprefix('el')} {self.rest}"

    @property
    def is_about_machine(self) -> bool:
        return self.word not in {"if", "elif"}

    @cached_property
    def variables(self) -> frozenset[str]:
        return frozenset({"_target_cpu"}) if self.is_about_machine else _names(self.rest)

    def truth(self, values: Mapping[str, str | None]) -> bool | None:
        """Whether it is true for these values of macros; None if only rpm can compute it.

        `values` must have all of its variables; others are ignored.
        """
        mine = tuple(values[name] for name in sorted(self.variables))
        if mine not in self._truths:
            try:
                self._truths[mine] = self._holds(values)
            except UnknownExpressionError:
                self._truths[mine] = None
        return self._truths[mine]

    @cached_property
    def _truths(self) -> dict[tuple[str | None, ...], bool | None]:
        return {}

    def _holds(self, values: Mapping[str, str | None]) -> bool:
        if not self.is_about_machine:
            return holds(self.rest, values)
        if self.word.endswith("os"):
            return (self.rest == "linux") != self.word.startswith("ifn")
        is_among = values["_target_cpu"] in self.rest.replace(",", " ").split()
        return is_among != self.word.startswith("ifn")


@dataclass(frozen=True, slots=True)
class _Statement:
    """A line that begins a condition or another branch of one, as it is written."""

    number: int
    lead: str
    word: str
    condition: _Condition


@lru_cache(maxsize=16)
def _statements(text: SpecText) -> tuple[_Statement, ...]:
    """Return the conditions of a spec with their positions."""
    found = []
    for line in text.read():
        match = None if line.continues else _OPENING.match(line.text) or _FURTHER.match(line.text)
        if match:
            word = "elif" if match["word"].startswith("elif") else "if"
            lead = line.text[: len(line.text) - len(line.text.lstrip())]
            condition = _Condition(match["word"], " ".join(match["rest"].split()))
            found.append(_Statement(line.number, lead, word, condition))
    return tuple(found)


@dataclass
class _Block:
    """A condition and its other branches, from `%if` to `%endif`."""

    conditions: list[_Condition]
    is_relevant: bool = False


def readings(*texts: SpecText) -> list[Reading]:
    """Return the readings of a spec before and after an edit; the first decides nothing itself.

    Raises RefusedError if there are more than 64.
    """
    found = [_Spec.of(text) for text in texts]
    conditions = list(dict.fromkeys(one for spec in found for one in spec.conditions))
    own = frozenset().union(*(spec.defined for spec in found))
    bconds = frozenset().union(*(spec.bconds for spec in found))
    inline = frozenset().union(*(spec.inline for spec in found)) - own
    constants = found[-1].constants
    return _readings(conditions, inline, constants, own, bconds)


def _readings(
    conditions: Sequence[_Condition],
    inline: frozenset[str],
    constants: Mapping[str, str],
    own: frozenset[str],
    bconds: frozenset[str],
) -> list[Reading]:
    understood: list[_Condition] = []
    opaque: list[_Condition] = []
    for one in conditions:
        if one.variables <= _NOT_OF_PLATFORMS:
            continue  # it is the same in all readings
        if one.variables and one.variables <= constants.keys():
            continue
        (understood if _is_understood(one, constants) else opaque).append(one)
    names = sorted(inline.union(*(one.variables for one in understood)) - constants.keys())
    choices = [_values(name, understood) for name in names]
    total = 1
    for choice in choices:
        total *= len(choice)
    if total > _MOST_COMBINATIONS:
        raise _too_many(conditions)
    by_signature: dict[object, dict[str, str | None]] = {}
    for combination in itertools.product(*choices):
        values = dict(zip(names, combination, strict=True))
        if not _is_possible(values):
            continue
        known = {**constants, **values}
        truths = tuple(one.truth(known) for one in understood)
        if None in truths:
            continue
        shown = tuple(values[name] is not None for name in names if name in inline)
        by_signature.setdefault((truths, shown), values)
    held_ways = list(itertools.product((False, True), repeat=min(len(opaque), 7)))
    if len(opaque) > 6 or len(by_signature) * len(held_ways) > MOST_READINGS:
        raise _too_many(conditions)
    keys = [one.key for one in opaque]
    fixed = frozenset(constants)
    if not understood and not opaque and not inline:
        return [Reading()]
    ways = [
        Reading({**constants, **values}, dict(zip(keys, held, strict=True)), own, bconds, fixed)
        for values in by_signature.values() or [{}]
        for held in held_ways
    ]
    return [Reading(), *ways]


def _too_many(conditions: Sequence[_Condition]) -> RefusedError:
    return RefusedError(
        f"the .spec file depends on {len(conditions)} conditions in more than {MOST_READINGS} "
        f"combinations, too many to check the change under each (the first is "
        f"`{conditions[0].key}`); make this change by hand"
    )


def _is_understood(one: _Condition, constants: Mapping[str, str]) -> bool:
    """Whether we can compute a condition, whatever the values of its macros."""
    if one.is_about_machine:
        return True
    tried = ({**dict.fromkeys(one.variables, value), **constants} for value in (None, "1"))
    return any(one.truth(values) is not None for values in tried)


def _values(name: str, conditions: Iterable[_Condition]) -> list[str | None]:
    """Return the values of a macro that make a difference."""
    mine = [one for one in conditions if name in one.variables]
    if name == "_target_cpu":
        machines = {word for one in mine for word in one.rest.replace(",", " ").split()}
        return ["another", *sorted(machines)]
    numbers = {int(n) for one in mine for n in re.findall(r"(?<![\w.\"])\d+(?![\w.\"{])", one.rest)}
    numbers -= {0}
    around = {n + more for n in numbers - {1} for more in (-1, 0, 1)} or {1}
    if numbers <= {1}:
        usual: list[str | None] = [None, _USUAL.get(name, "1")]
    else:
        usual = [None, *map(str, sorted(n for n in around if n > 0))]
    texts = {text for one in mine for text in re.findall(r'"([^"]*)"', one.rest)}
    if any(name in _names(text) for text in texts):
        usual += sorted(text for text in texts if text and "%" not in text)
    return usual


def _is_possible(values: Mapping[str, str | None]) -> bool:
    """Whether one platform can define these macros together."""
    there = [name for name, value in values.items() if value is not None]
    if len(frozenset().union(*map(_families, there))) > 1:
        return False
    for main, short in (("rhel", "el"), ("fedora", "fc")):
        main_number = values.get(main)
        for name in there if main in values else ():
            number = name.removeprefix(short)
            if number != name and number.isdecimal() and main_number != number:
                return False
    if "rhel" in values and values.get("centos") is not None:
        return values["rhel"] is not None
    return True


@lru_cache(maxsize=256)
def _families(name: str) -> frozenset[int]:
    """Return the number of the only family of platforms that defines a macro, if there is one."""
    return frozenset(n for n, family in enumerate(_FAMILY) if family.fullmatch(name))


@dataclass(frozen=True, slots=True)
class _Spec:
    """The parts of a spec that its readings depend on."""

    conditions: tuple[_Condition, ...]
    inline: frozenset[str]
    defined: frozenset[str]
    bconds: frozenset[str]
    constants: Mapping[str, str]

    @classmethod
    def of(cls, text: SpecText) -> "_Spec":
        lines = [_In(line, blocks) for line, blocks in _with_blocks(text)]
        names: set[str] = set()
        before = -1
        while before != len(names):  # a macro may be defined under another condition
            before = len(names)
            for one in lines:
                if one.matters(names):
                    names |= _names(one.line.text)
                    for block in one.blocks:
                        block.is_relevant = True
                        for condition in block.conditions:
                            names |= condition.variables
        relevant = {id(block): block for one in lines for block in one.blocks if block.is_relevant}
        conditions = tuple(c for block in relevant.values() for c in block.conditions)
        bconds = {f"with_{m['name']}" for one in lines if (m := _BCOND.match(one.line.text))}
        defined = {m["name"] for one in lines for m in _DEFINES.finditer(one.line.text)}
        inline = {
            m["name"]
            for one in lines
            if one.matters(names)
            for m in _INLINE.finditer(one.line.text)
        }
        return cls(
            conditions,
            frozenset(inline - _ONLY_DECIDED),
            frozenset(defined),
            frozenset(bconds),
            _constants(lines, defined),
        )


@dataclass(frozen=True, slots=True)
class _In:
    """A line and the conditions around it."""

    line: Line
    blocks: tuple[_Block, ...]

    def matters(self, names: set[str]) -> bool:
        """Whether what verbs edit depends on this line; `names` are macros that matter."""
        text, section = self.line.text, self.line.section
        if text.lstrip().startswith("#"):
            return False
        if any(match["name"] in names for match in _DEFINES.finditer(text)):
            return True
        if (match := _BCOND.match(text)) and f"with_{match['name']}" in names:
            return True
        if section == PREAMBLE:
            return (
                _TAG.match(text) is not None
                or _BRINGS_MORE.match(text) is not None
                or any(_SOURCE_TAG.match(part) for part in re.findall(r":\s*(\w+\s*:.*)", text))
            )
        if section == "package":
            return _SOURCE_TAG.match(text) is not None
        if section == "prep":
            return bool(self.line.text.lower().startswith("%prep")) or bool(_IN_PREP.search(text))
        return section in {"patchlist", "sourcelist"} and bool(text.strip())


def _with_blocks(text: SpecText) -> Iterator[tuple[Line, tuple[_Block, ...]]]:
    """Yield each line with the conditions around it."""
    open_blocks: list[_Block] = []
    for line in text.read():
        if not line.continues:
            if match := _OPENING.match(line.text):
                open_blocks.append(
                    _Block([_Condition(match["word"], " ".join(match["rest"].split()))])
                )
                continue
            if (match := _FURTHER.match(line.text)) and open_blocks:
                further = _Condition(match["word"], " ".join(match["rest"].split()))
                open_blocks[-1].conditions.append(further)
                continue
            if _ENDIF.match(line.text):
                open_blocks = open_blocks[:-1]
                continue
        yield line, tuple(open_blocks)


def _names(text: str) -> frozenset[str]:
    """Return the macros that a text names; the switch `x` of `%{with x}` is `with_x`."""
    found = set()
    for match in _NAMES.finditer(text):
        if match["with"]:
            found.add(f"with_{match['with']}")
        elif match["defined"]:
            found.add(match["defined"])
        elif match["name"] not in {"with", "without", "defined", "undefined", "expr", "lua"}:
            found.add(match["name"])
    return frozenset(found)


def _constants(lines: Sequence[_In], defined: set[str]) -> dict[str, str]:
    """Return the macros to which the spec gives only one value, which depends on nothing."""
    found: dict[str, list[str]] = {name: [] for name in defined}
    for one in lines:
        for match in _DEFINES.finditer(one.line.text):
            value = match["value"].strip()
            is_plain = not one.blocks and one.line.text.lstrip().startswith(match[0][:7])
            found[match["name"]].append(value if is_plain else "%")
    return {
        name: values[0]
        for name, values in found.items()
        if len(values) == 1 and re.fullmatch(r"[\w.+~-]+", values[0])
    }
