"""Find wheels that meet Python requirements: pip resolves, and sdists without a wheel are built."""

import logging
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from rdo import atomic
from rdo.bridge.sdists import SdistStore
from rdo.bridge.stand_ins import pinned, put_stand_ins
from rdo.bridge.without_wheel import WithoutWheel, applying, bounds_of, merged, without_wheel
from rdo.cancellation import AT_ONCE, in_threads
from rdo.errors import CommandError, ConfigError, OutsideError
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.model.text.short_list import short_list
from rdo.tools.packaging.pip import Pip, Resolved, UnresolvableError

log = logging.getLogger(__name__)

MAX_SDISTS = 60
"""Maximum number of wheels that one resolution may build."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The wheels that were found; `impossible` has the reason for each unmet requirement."""

    found: tuple[Resolved, ...] = ()
    impossible: tuple[tuple[Requirement, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the constraints for pip.

    A line of ours (an earlier choice or a platform's default) gives way to a requirement; `then` is
    the text that replaces it.
    """

    text: str
    is_ours: bool = False
    then: "_Line | None" = None

    def without(self, suspects: Collection[str]) -> "_Line | None":
        """Return this line, or what remains of it if it is among the suspects."""
        return self.then if self.is_ours and self.text in suspects else self


@dataclass(frozen=True, slots=True)
class Brought:
    """What is available once the requirements of a wheel's build were requested.

    `pins` are all choices made so far; `hopeless` are the RPM dependencies of the build that cannot
    be provided.
    """

    pins: tuple[Resolved, ...] = ()
    hopeless: frozenset[str] = frozenset()


Bring: TypeAlias = Callable[[Sequence[str]], Brought]
"""Makes the RPM dependencies installable that the builds of wheels request."""


@dataclass(slots=True)
class _Terms:
    """The terms of one call of pip: constraints, and requirements that no wheel's build can get.

    Packages brought in for the builds of wheels add lines.
    """

    wanted: Sequence[Requirement]
    pip: Pip
    bring: Bring
    lines: list[_Line] = field(default_factory=list)
    hopeless: set[str] = field(default_factory=set)
    stand_ins: dict[str, Path] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        """The constraints as lines of a constraints file."""
        return _texts(self.lines)


@dataclass(frozen=True, slots=True)
class Resolver:
    """pip with the constraints of the configuration, and a store of the wheels that we build.

    `with_wheel` are pinned versions known to have a wheel on the index; the index is not asked
    again.
    """

    pip: Pip
    sdists: SdistStore
    constraints: Path | None = None
    with_wheel: set[str] = field(default_factory=set)

    def resolve(
        self, wanted: Sequence[Requirement], pins: Iterable[Resolved], folder: Path, bring: Bring
    ) -> Resolution:
        """Return the closure of the requirements, resolved together, without impossible ones.

        `pins` are earlier choices, which give way to constraints and requirements; `bring` is
        called, at any depth, to provide what the builds of wheels request. A folder in `folder`
        receives the constraints in force and the wheels that were built for pins or are built now;
        no other local wheel is used. Raises OutsideError if PyPI does not answer, ConfigError if a
        constraints file cannot be read.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            links = Path(place, "wheels")
            links.mkdir()
            pip = replace(self.pip, constraints=Path(place, "constraints.txt"), find_links=links)
            terms = _Terms(wanted, pip, bring)
            self._learn(terms, tuple(pins))
            return self._resolve(wanted, terms)

    def _resolve(self, wanted: Sequence[Requirement], terms: _Terms) -> Resolution:
        seen = self._look(wanted, terms)
        self._build_first(seen.to_build, terms)
        if len(wanted) > 1:
            self._put_stand_ins(terms)
        log.info("resolving from PyPI: %s", short_list(merged(wanted)))
        impossible = self._impossible(seen.doubtful, terms) if len(wanted) > 1 else []
        given_up = {str(one) for one, _ in impossible}
        possible = [one for one in wanted if str(one) not in given_up]
        if not possible:
            return Resolution(impossible=tuple(impossible))
        together = self._try(possible, terms)
        if isinstance(together, str) and len(possible) == 1:
            return Resolution(impossible=(*impossible, (possible[0], together)))
        if isinstance(together, str):
            together = self._in_parts(possible, terms)
        return replace(together, impossible=(*impossible, *together.impossible))

    def _learn(self, terms: _Terms, pins: tuple[Resolved, ...]) -> None:
        """Add the constraints of all choices so far, and let pip see the wheels built for them."""
        known = set(terms.texts)
        terms.lines += [one for one in self._lines(terms.wanted, pins) if one.text not in known]
        for wheel in self.sdists.wheels(pins).values():
            _offer(wheel, terms)

    def _look(self, wanted: Sequence[Requirement], terms: _Terms) -> WithoutWheel:
        """Return the index's data about the requirements; done before pip is called."""
        offers = self.sdists.offers(dict.fromkeys(canonicalize_name(one.name) for one in wanted))
        if not offers:  # there is no index, only folders that pip searches
            return WithoutWheel()
        return without_wheel(wanted, terms.texts, offers, self.pip.tags())

    def _put_stand_ins(self, terms: _Terms) -> None:
        """Let pip see a stand-in for each pinned version that has no wheel."""
        asked = [one for one in pinned(self.bounds()) if str(one) not in self.with_wheel]
        offers = self.sdists.offers(dict.fromkeys(canonicalize_name(one.name) for one in asked))
        if offers and terms.pip.find_links:
            missing = without_wheel(asked, (), offers, terms.pip.tags())
            lacking = map(str, (*missing.to_build, *missing.doubtful))
            self.with_wheel.update({*map(str, asked)}.difference(lacking))
            terms.stand_ins = put_stand_ins(missing.to_build, terms.pip.find_links)

    def _build_instead(self, answer: Iterable[Resolved], terms: _Terms) -> bool:
        """Build the wheels for the stand-ins in pip's answer; return False if it has none."""
        standing = [one for one in answer if one.sha256 in terms.stand_ins]
        for one in standing:
            terms.stand_ins.pop(one.sha256).unlink(missing_ok=True)
        self._build_first((Requirement(f"{one.name}=={one.version}") for one in standing), terms)
        return bool(standing)

    def _build_first(self, to_build: Iterable[Requirement], terms: _Terms) -> None:
        """Build the wheels that pip would find missing, several at the same time.

        What these builds lack is provided for all of them together. If one fails, the reason is
        reported when pip finds its wheel missing.
        """
        left = [one for one in to_build if not terms.pip.has_wheel(str(one))]
        while left:
            answers = in_threads(
                lambda one: self._build(one, terms), left, at_once=AT_ONCE, name="sdist"
            )
            waiting = {
                one: x for one, x in zip(left, answers, strict=True) if isinstance(x, Waiting)
            }
            self._bring((need for one in waiting.values() for need in one.needs), terms)
            left = list(waiting)

    def _impossible(
        self, doubtful: Iterable[Requirement], terms: _Terms
    ) -> list[tuple[Requirement, str]]:
        """Return the doubtful requirements that pip cannot meet alone, with its reasons."""
        answers = ((one, self._try([one], terms)) for one in doubtful)
        return [(one, answer) for one, answer in answers if isinstance(answer, str)]

    def _wheel(self, wanted: Requirement, terms: _Terms) -> Failed | None:
        """Build a wheel of the newest matching sdist with everything that its build requires."""
        while isinstance(answer := self._build(wanted, terms), Waiting):
            self._bring(answer.needs, terms)
        return answer

    def _build(self, wanted: Requirement, terms: _Terms) -> Failed | Waiting | None:
        """Build a wheel of the newest matching sdist, and let pip see it."""
        match self.sdists.build(wanted, terms.texts):
            case Waiting(needs) if never := [one for one in needs if one in terms.hopeless]:
                detail = f"building its wheel requires {', '.join(never)}"
                return Failed(FailureReason.MISSING_DEPENDENCY, detail)
            case Path() as wheel:
                _offer(wheel, terms)
                return None
            case stopped:
                return stopped

    def _bring(self, needs: Iterable[str], terms: _Terms) -> None:
        """Provide what builds of wheels wait for; never ask again for what cannot be provided."""
        asked = tuple(dict.fromkeys(needs))
        if asked:
            brought = terms.bring(asked)
            terms.hopeless |= brought.hopeless
            self._learn(terms, brought.pins)

    def _in_parts(self, wanted: Sequence[Requirement], terms: _Terms) -> Resolution:
        """Find the few requirements that cannot be met among many, by halving the list."""
        possible: list[Requirement] = []
        impossible: list[tuple[Requirement, str]] = []
        found: dict[str, Resolved] = {}
        parts = _halves(wanted)
        while parts:
            part = parts.pop(0)
            answer = self._try(part, terms)
            if isinstance(answer, str):
                if len(part) > 1:
                    parts = [*_halves(part), *parts]
                else:
                    impossible.append((part[0], answer))
            else:
                possible += part
                found |= {canonicalize_name(each.name): each for each in answer.found}
        if impossible and possible:
            together = self._try(possible, terms)
            if isinstance(together, Resolution):
                return replace(together, impossible=tuple(impossible))
        return Resolution(tuple(found.values()), tuple(impossible))

    def _try(self, wanted: Sequence[Requirement], terms: _Terms) -> Resolution | str:
        """Return the resolution, or the reason why there is none.

        On the way, wheels that PyPI lacks are built, and constraints of ours are dropped if they
        conflict with the requirements.
        """
        texts = sorted(map(str, merged(wanted)))
        built: dict[str, str] = {}  # a reason instead, if it could not be built
        pip = terms.pip
        lines, known = list(terms.lines), len(terms.lines)
        while len(built) < MAX_SDISTS:
            assert pip.constraints is not None
            atomic.write_file(pip.constraints, "\n".join([*_texts(lines), ""]))
            answer = _ask(pip, texts)
            if not isinstance(answer, UnresolvableError):
                if not self._build_instead(answer, terms):
                    return Resolution(tuple(answer))
                lines, known = [*lines, *terms.lines[known:]], len(terms.lines)
                continue
            lacking = _lacking(pip, answer, built)
            if not lacking:
                left = [line for one in lines if (line := one.without(answer.suspects))]
                if left != lines:
                    lines = left
                    continue
                lacking = self._hidden(wanted, terms, built) if len(wanted) == 1 else ""
            if not lacking:
                return next(filter(None, built.values()), str(answer))
            built[lacking] = ""
            if failed := self._wheel(Requirement(lacking), terms):
                built[lacking] = f"{lacking} has no wheel, and cannot be built: {failed.detail}"
            lines, known = [*lines, *terms.lines[known:]], len(terms.lines)
        return "too many sdists would have to be built"

    def _hidden(self, wanted: Sequence[Requirement], terms: _Terms, built: Collection[str]) -> str:
        """Return a requirement without a wheel that pip's error does not name; "" if there is none.

        If a newer version requires a project without a wheel, pip tries older and older versions
        and in the end reports their conflicts. When asked for the newest version alone, it names
        the cause.
        """
        for one in wanted:
            newest = self.sdists.newest(one, terms.texts)
            if newest is None:
                continue
            extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
            answer = _ask(terms.pip, [f"{one.name}{extras}=={newest.version}"])
            if isinstance(answer, UnresolvableError):
                lacking = _lacking(terms.pip, answer, built)
                if lacking:
                    return lacking
        return ""

    def bounds(self) -> dict[str, SpecifierSet]:
        """Return the specifiers of the constraints file, by canonical names of projects.

        Raises ConfigError if the file cannot be read.
        """
        return bounds_of(self._constraints())

    def _constraints(self) -> Iterator[str]:
        """Yield the lines of the constraints that apply to the interpreter."""
        if self.constraints:
            yield from applying(_read(self.constraints), self.pip.interpreter)

    def _lines(self, wanted: Iterable[Requirement], pins: Iterable[Resolved]) -> list[_Line]:
        lines = [_Line(text) for text in self._constraints()]
        constrained = {_constrained_name(line.text) for line in lines}
        defaults = self.sdists.workshop.base.platform.python_constraints
        ours = {_constrained_name(text): _Line(text, is_ours=True) for text in defaults}
        free = {canonicalize_name(one.name) for one in wanted}
        for pin in pins:
            name = canonicalize_name(pin.name)
            if name not in free:
                text = f"{name}=={pin.version}"
                ours[name] = _Line(text, is_ours=True, then=ours.get(name))
        return [*lines, *(line for name, line in ours.items() if name not in constrained)]


def _texts(lines: Iterable[_Line]) -> list[str]:
    return [line.text for line in lines]


def _offer(wheel: Path, terms: _Terms) -> None:
    """Let pip see a wheel that was built here."""
    assert terms.pip.find_links is not None
    place = terms.pip.find_links / wheel.name
    place.unlink(missing_ok=True)
    atomic.link_or_copy(wheel, place)


def _ask(pip: Pip, texts: Sequence[str]) -> list[Resolved] | UnresolvableError:
    """Return pip's answer; raises OutsideError if the index cannot be reached."""
    try:
        return pip.resolve(texts)
    except UnresolvableError as error:
        return error
    except CommandError as error:
        raise OutsideError(f"PyPI did not answer: {error}") from error


def _lacking(pip: Pip, error: UnresolvableError, built: Collection[str]) -> str:
    """Return a suspected project that has no wheel and was not built yet, or ""."""
    unbuilt = (one for one in error.suspects if one not in built)
    return next((one for one in unbuilt if _lacks_wheel(pip, one)), "")


def _halves(wanted: Sequence[Requirement]) -> list[Sequence[Requirement]]:
    middle = (len(wanted) + 1) // 2
    return [wanted[:middle], wanted[middle:]]


def _lacks_wheel(pip: Pip, suspect: str) -> bool:
    try:
        Requirement(suspect)
    except InvalidRequirement:
        return False
    return not pip.has_wheel(suspect)


def _read(constraints: Path) -> Iterator[str]:
    """Yield the lines of a constraints file, and of the files that it includes with `-c FILE`."""
    try:
        text = constraints.read_text()
    except OSError as error:
        raise ConfigError(f"cannot read the constraints {constraints}: {error}") from error
    for line in text.splitlines():
        if line.startswith(("-c ", "--constraint ")):
            yield from _read(constraints.parent / line.split(maxsplit=1)[1].strip())
        else:
            yield line


def _constrained_name(line: str) -> str:
    try:
        return str(canonicalize_name(Requirement(line.partition("#")[0]).name))
    except InvalidRequirement:
        return ""
