"""A spec file on disk, which is written only if rpm confirms the effect of the change."""

import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rdo.atomic import write_file
from rdo.errors import NotFoundError, RefusedError
from rdo.spec.patches import ApplyMethod, apply_method, our_patches
from rdo.spec.text import SpecText
from rdo.tools.rpmspec import Rpmspec, SpecReading

# The macros to read a spec with, besides this machine's own, if it uses them at all.
_PLATFORMS: Sequence[tuple[str, Mapping[str, str]]] = (
    (r"%\{[?!]*(rhel|centos|el\d+)\b", {"rhel": "9", "centos": "9", "el9": "1", "dist": ".el9"}),
    (r"%\{[?!]*(rhel|el\d+)\b", {"rhel": "10", "el10": "1", "dist": ".el10"}),
    (r"%\{[?!]*(fedora|fc\d+)\b", {"fedora": "42", "fc42": "1", "dist": ".fc42"}),
    (r"%\{[?!]*dlrn\b", {"dlrn": "1"}),
)

# A typo in many of RDO's specs: trunk builds replace the whole line; rpm alone would refuse it.
_SLIP = re.compile(rb"^(Release[ \t]*:[ \t]*XXX)\{\?dist\}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Expected:
    """The intended effect of an edit; None for what it must not change.

    `patches` are all of ours, in order; `replaced` are foreign patches that became ours.
    """

    patches: Sequence[str] | None = None
    version: str | None = None
    has_new_sources: bool = False
    replaced: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SpecFile:
    """The spec file of a distgit; `before_write` is told of each change before it is made."""

    path: Path
    rpmspec: Rpmspec = field(default_factory=Rpmspec)
    before_write: Callable[[Path, bytes], None] | None = None

    @classmethod
    def find(
        cls,
        folder: Path,
        rpmspec: Rpmspec | None = None,
        before_write: Callable[[Path, bytes], None] | None = None,
    ) -> "SpecFile":
        """Find the only .spec in a folder; raises NotFoundError, or RefusedError for several."""
        specs = sorted(folder.glob("*.spec"))
        if not specs:
            raise NotFoundError("No .spec files found.")
        if len(specs) > 1:
            names = ", ".join(spec.name for spec in specs)
            raise RefusedError(f"there are several .spec files here ({names}); keep only one")
        return cls(specs[0], rpmspec or Rpmspec(), before_write)

    @property
    def folder(self) -> Path:
        return self.path.parent

    def text(self) -> SpecText:
        return SpecText.parse(self.path.read_bytes())

    def reading(self, text: SpecText | None = None) -> SpecReading:
        """Read the file with rpm, or another text in its place."""
        return self.rpmspec.read(_for_rpm(text or self.text()), self.folder)

    def parsed(self) -> str:
        """Return the whole spec with its macros expanded."""
        return self.rpmspec.parse(_for_rpm(self.text()), self.folder)

    def requires(self, *, build: bool = False) -> list[tuple[str, str]]:
        """Return the requirements of the packages, or of the build: package name, dependency."""
        return self.rpmspec.requires(_for_rpm(self.text()), self.folder, build=build)

    def expand(self, value: str) -> str:
        """Expand the macros in a value of the spec; rpm runs only if there are any."""
        if "%" not in value:
            return value
        return self.rpmspec.expand(_for_rpm(self.text()), self.folder, value)

    def write(self, new: SpecText, expected: Expected) -> bool:
        """Write `new` if rpm confirms the expected effect; return whether anything changed.

        Otherwise leave the file alone and raise RefusedError with what rpm would have read.
        """
        old = self.text()
        if bytes(old) == bytes(new):
            return False
        for macros in platforms(old):
            fault = self._fault(old, new, macros, expected)
            if fault:
                raise RefusedError(
                    f"{self.path.name} was not changed: with the change {fault}"
                    f"{_under(macros)}; make this change by hand"
                )
        if self.before_write:
            self.before_write(self.path, bytes(new))
        mode = stat.S_IMODE(self.path.stat().st_mode)
        write_file(self.path, bytes(new))
        self.path.chmod(mode)
        return True

    def _fault(
        self, old: SpecText, new: SpecText, macros: Mapping[str, str], expected: Expected
    ) -> str:
        try:
            before = self.rpmspec.read(_for_rpm(old), self.folder, macros)
        except RefusedError:
            if macros:
                return ""  # not a spec for that platform anyway
            raise
        try:
            after = self.rpmspec.read(_for_rpm(new), self.folder, macros)
        except RefusedError as error:
            return str(error)
        return next(_differences(_State(old, before), _State(new, after), expected), "")


@dataclass(frozen=True, slots=True)
class _State:
    text: SpecText
    reading: SpecReading


def _differences(before: _State, after: _State, expected: Expected) -> Iterator[str]:
    was, now = before.reading, after.reading
    version = was.version if expected.version is None else expected.version
    if now.version != version:
        yield f"rpm would read Version {now.version} instead of {version}"
    if (now.name, now.epoch) != (was.name, was.epoch):
        yield "rpm would read another Name or Epoch"
    may_differ = expected.has_new_sources or version != was.version
    if not may_differ and now.sources != was.sources:
        yield "rpm would read other sources"
    ours_before = our_patches(before.text)
    ours = ours_before if expected.patches is None else expected.patches
    foreign = Counter(was.patches) - Counter({*ours_before, *expected.replaced})
    wanted, found = foreign + Counter(ours), Counter(now.patches)
    for lost in wanted - found:
        yield f"the SRPM would not contain the patch {lost}"
    for added in found - wanted:
        yield f"the SRPM would contain the patch {added}"
    yield from _order(after, ours, [x for x in was.applied if x in foreign])


def _order(after: _State, ours: Sequence[str], foreign: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the patches that %prep applies, or with their order."""
    applied = after.reading.applied
    for group in (ours, foreign):
        found = [name for name in applied if name in group]
        missing = [name for name in group if name not in found]
        if missing and apply_method(after.text) is not ApplyMethod.NONE:
            yield f"%prep would not apply the patch {missing[0]}"
        elif not missing and found != list(group):
            yield f"%prep would apply the patches in another order: {', '.join(found)}"


def _for_rpm(text: SpecText) -> bytes:
    """Return the text to give to rpm."""
    return _SLIP.sub(rb"\1%{?dist}", bytes(text))


def platforms(text: SpecText) -> list[Mapping[str, str]]:
    """Return the sets of macros to read a spec with: this machine's, and those it tests for."""
    whole = str(text)
    asked = [macros for pattern, macros in _PLATFORMS if re.search(pattern, whole)]
    return [{}, *asked]


def _under(macros: Mapping[str, str]) -> str:
    dist = macros.get("dist")
    return (
        f" on {dist.removeprefix('.')}" if dist else f" with {' '.join(macros)}" if macros else ""
    )
