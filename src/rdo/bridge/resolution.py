"""Which wheels meet Python requirements: pip's answer, and sdists built where it has none."""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rdo import atomic
from rdo.bridge.sdists import SdistStore
from rdo.errors import CommandError, ConfigError, OutsideError
from rdo.model.build import Failed, Waiting
from rdo.tools.pip import Pip, Resolved, UnresolvableError

log = logging.getLogger(__name__)

MAX_SDISTS = 60
"""How many wheels one resolution may have to build."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What was found; `impossible` tells why for each requirement that nothing meets.

    `needs` are RPM dependencies that are asked for before it can go on: then nothing else counts.
    """

    found: tuple[Resolved, ...] = ()
    impossible: tuple[tuple[Requirement, str], ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the constraints that pip gets.

    One of ours, an earlier choice or a default of the platform, gives way to what is wanted;
    `then` is what counts instead.
    """

    text: str
    is_ours: bool = False
    then: "_Line | None" = None

    def without(self, suspects: Collection[str]) -> "_Line | None":
        """This line, or what is left of it if it is among those that stand in the way."""
        return self.then if self.is_ours and self.text in suspects else self


@dataclass(frozen=True, slots=True)
class Resolver:
    """pip with the constraints of the configuration, and a place for the wheels we build."""

    pip: Pip
    sdists: SdistStore
    constraints: Path | None = None

    def resolve(
        self, wanted: Sequence[Requirement], pins: Iterable[Resolved], folder: Path
    ) -> Resolution:
        """The closure of the wanted, all at once; what is impossible alone is left out.

        `pins` are earlier choices, which give way to constraints and to what is wanted. The
        constraints in force are written into `folder`.
        """
        lines = self._lines(wanted, pins)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "constraints.txt"
        pip = replace(self.pip, constraints=path, find_links=self.sdists.folder)
        log.info("resolving from PyPI: %s", ", ".join(map(str, wanted)))
        together = self._try(pip, wanted, lines)
        if isinstance(together, Resolution):
            return together
        if len(wanted) == 1:
            return Resolution(impossible=((wanted[0], together),))
        return self._one_by_one(pip, wanted, lines)

    def _one_by_one(
        self, pip: Pip, wanted: Sequence[Requirement], lines: Sequence[_Line]
    ) -> Resolution:
        possible: list[Requirement] = []
        impossible: list[tuple[Requirement, str]] = []
        found: dict[str, Resolved] = {}
        for one in wanted:
            alone = self._try(pip, [one], lines)
            if isinstance(alone, str):
                impossible.append((one, alone))
            elif alone.needs:
                return alone
            else:
                possible.append(one)
                found |= {canonicalize_name(each.name): each for each in alone.found}
        if impossible and possible:
            together = self._try(pip, possible, lines)
            if isinstance(together, Resolution):
                return replace(together, impossible=tuple(impossible))
        return Resolution(tuple(found.values()), tuple(impossible))

    def _try(
        self, pip: Pip, wanted: Sequence[Requirement], lines: Sequence[_Line]
    ) -> Resolution | str:
        """The resolution, or why there is none.

        On the way wheels that PyPI lacks are built, and constraints of ours dropped that stand
        in the way of what the wanted ones need.
        """
        texts = sorted(map(str, wanted))
        built: set[str] = set()
        while len(built) < MAX_SDISTS:
            assert pip.constraints is not None
            atomic.write_file(pip.constraints, "\n".join([*(one.text for one in lines), ""]))
            try:
                return Resolution(tuple(pip.resolve(texts)))
            except UnresolvableError as error:
                lacking = next((one for one in error.suspects if _lacks_wheel(pip, one)), "")
                if not lacking or lacking in built:
                    left = [line for one in lines if (line := one.without(error.suspects))]
                    if left == lines:
                        return str(error)
                    lines = left
                    continue
                built.add(lacking)
            except CommandError as error:
                raise OutsideError(f"PyPI did not answer: {error}") from error
            match self.sdists.build(Requirement(lacking), (one.text for one in lines)):
                case Failed(_, detail):
                    return f"{lacking}: no wheel, and its sdist: {detail}"
                case Waiting(needs):
                    return Resolution(needs=needs)
        return "too many sdists to build"

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


def _lacks_wheel(pip: Pip, suspect: str) -> bool:
    try:
        Requirement(suspect)
    except InvalidRequirement:
        return False
    return not pip.has_wheel(suspect)


def _read(constraints: Path) -> Iterator[str]:
    """The lines of a constraints file, and of those that its `-c FILE` lines name."""
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
