"""Find wheels that meet Python requirements: pip resolves, and sdists are built where needed."""

import logging
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from rdo import atomic
from rdo.bridge.sdists import SdistStore
from rdo.bridge.without_wheel import WithoutWheel, bounds_of, merged, without_wheel
from rdo.errors import CommandError, ConfigError, OutsideError
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.model.text.short_list import short_list
from rdo.tools.packaging.pip import Pip, Resolved, UnresolvableError

log = logging.getLogger(__name__)

MAX_SDISTS = 60
"""Maximum number of wheels that one resolution may build."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The wheels that were found; `impossible` gives the reason for each requirement not met.

    `needs` are RPM dependencies to install before going on; if there are any, ignore the rest.
    """

    found: tuple[Resolved, ...] = ()
    impossible: tuple[tuple[Requirement, str], ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the constraints for pip.

    One of ours, an earlier choice or a platform's default, gives way to what is wanted; `then` is
    the text that replaces it.
    """

    text: str
    is_ours: bool = False
    then: "_Line | None" = None

    def without(self, suspects: Collection[str]) -> "_Line | None":
        """Return this line, or what remains of it if it is among the suspects."""
        return self.then if self.is_ours and self.text in suspects else self


@dataclass(frozen=True, slots=True)
class _Terms:
    """Under which pip is asked: with these constraints, and what no wheel's build can get."""

    pip: Pip
    lines: tuple[_Line, ...]
    hopeless: Collection[str] = ()

    @property
    def texts(self) -> list[str]:
        """The constraints as lines of a file."""
        return [line.text for line in self.lines]


@dataclass(frozen=True, slots=True)
class Resolver:
    """pip with the constraints of the configuration, and a store of the wheels that we build."""

    pip: Pip
    sdists: SdistStore
    constraints: Path | None = None

    def resolve(
        self,
        wanted: Sequence[Requirement],
        pins: Iterable[Resolved],
        folder: Path,
        hopeless: Collection[str] = (),
    ) -> Resolution:
        """Return the closure of the requirements, resolved together, without impossible ones.

        `pins` are earlier choices, which give way to constraints and to what is wanted; `hopeless`
        are RPM dependencies that the build of a wheel asks for in vain. The constraints in force
        are written into `folder`, and the wheels that were built for pins or are built now are put
        there: no other wheel that exists here takes part. Raises OutsideError if PyPI does not
        answer, ConfigError if a constraints file cannot be read.
        """
        pins = tuple(pins)
        lines = self._lines(wanted, pins)
        links = folder / "wheels"
        shutil.rmtree(links, ignore_errors=True)
        links.mkdir(parents=True)
        for wheel in self.sdists.wheels(pins).values():
            atomic.link_or_copy(wheel, links / wheel.name)
        pip = replace(self.pip, constraints=folder / "constraints.txt", find_links=links)
        terms = _Terms(pip, tuple(lines), frozenset(hopeless))
        log.info("resolving from PyPI: %s", short_list(merged(wanted)))
        seen = self._look(wanted, terms)
        if needs := self._build_first(seen.to_build, terms):
            return Resolution(needs=needs)
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

    def _look(self, wanted: Sequence[Requirement], terms: _Terms) -> WithoutWheel:
        """Return what the index says of the requirements, before pip is asked."""
        offers = self.sdists.offers(dict.fromkeys(canonicalize_name(one.name) for one in wanted))
        if not offers:  # no index at all, only folders that pip looks into
            return WithoutWheel()
        return without_wheel(wanted, terms.texts, offers, self.pip.tags())

    def _build_first(self, to_build: Iterable[Requirement], terms: _Terms) -> tuple[str, ...]:
        """Build the wheels that pip would miss, one after another.

        Return the RPM dependencies that these builds lack, all together. Why one of them fails is
        told once pip misses it.
        """
        needs: dict[str, None] = {}
        for one in to_build:
            if terms.pip.has_wheel(str(one)):  # in a folder that pip looks into
                continue
            built = self._wheel(one, terms)
            if isinstance(built, Waiting):
                needs |= dict.fromkeys(built.needs)
        return tuple(needs)

    def _impossible(
        self, doubtful: Iterable[Requirement], terms: _Terms
    ) -> list[tuple[Requirement, str]]:
        """Return the doubtful requirements that pip cannot meet alone, with its reasons."""
        answers = ((one, self._try([one], terms)) for one in doubtful)
        return [(one, answer) for one, answer in answers if isinstance(answer, str)]

    def _wheel(self, wanted: Requirement, terms: _Terms) -> Failed | Waiting | None:
        """Build a wheel of the newest fitting sdist, and let pip see it."""
        match self.sdists.build(wanted, terms.texts):
            case Waiting(needs) if never := [one for one in needs if one in terms.hopeless]:
                detail = f"building its wheel requires {', '.join(never)}"
                return Failed(FailureReason.MISSING_DEPENDENCY, detail)
            case Path() as wheel:
                assert terms.pip.find_links is not None
                place = terms.pip.find_links / wheel.name
                place.unlink(missing_ok=True)
                atomic.link_or_copy(wheel, place)
                return None
            case stopped:
                return stopped

    def _in_parts(self, wanted: Sequence[Requirement], terms: _Terms) -> Resolution:
        """Find the requirements that cannot be met, by halves: there are few among many."""
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
            elif answer.needs:
                return answer
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
        built: dict[str, str] = {}  # and why some could not be built
        pip = terms.pip
        while len(built) < MAX_SDISTS:
            assert pip.constraints is not None
            atomic.write_file(pip.constraints, "\n".join([*terms.texts, ""]))
            answer = _ask(pip, texts)
            if not isinstance(answer, UnresolvableError):
                return Resolution(tuple(answer))
            lacking = _lacking(pip, answer, built)
            if not lacking:
                left = [line for one in terms.lines if (line := one.without(answer.suspects))]
                if tuple(left) != terms.lines:
                    terms = replace(terms, lines=tuple(left))
                    continue
                lacking = self._hidden(wanted, terms, built) if len(wanted) == 1 else ""
            if not lacking:
                return next(filter(None, built.values()), str(answer))
            built[lacking] = ""
            match self._wheel(Requirement(lacking), terms):
                case Failed(_, detail):
                    built[lacking] = f"{lacking} has no wheel, and cannot be built: {detail}"
                case Waiting(needs):
                    return Resolution(needs=needs)
        return "too many sdists would have to be built"

    def _hidden(self, wanted: Sequence[Requirement], terms: _Terms, built: Collection[str]) -> str:
        """Return a requirement without a wheel that pip's error does not name; "" if there is none.

        Where a newer version requires what has no wheel, pip goes back to ever older versions and
        at the end names their conflicts. Asked for the newest version alone, it names the cause.
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
        return bounds_of(_read(self.constraints)) if self.constraints else {}

    def _lines(self, wanted: Iterable[Requirement], pins: Iterable[Resolved]) -> list[_Line]:
        lines = [_Line(text) for text in _read(self.constraints)] if self.constraints else []
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


def _ask(pip: Pip, texts: Sequence[str]) -> list[Resolved] | UnresolvableError:
    """Return pip's answer; OutsideError if it has none, because the index cannot be reached."""
    try:
        return pip.resolve(texts)
    except UnresolvableError as error:
        return error
    except CommandError as error:
        raise OutsideError(f"PyPI did not answer: {error}") from error


def _lacking(pip: Pip, error: UnresolvableError, built: Collection[str]) -> str:
    """Return a suspect that has no wheel and was not built yet, or ""."""
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
    """Yield the lines of a constraints file and of the files that its `-c FILE` lines name."""
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
