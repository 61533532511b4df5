"""A spec file on disk, changed only in ways that rpm confirms."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rdo.atomic import write_file
from rdo.errors import NotFoundError, RefusedError
from rdo.spec.patches import ApplyMethod, apply_method, our_patches
from rdo.spec.text import SpecText
from rdo.tools.rpmspec import Rpmspec, SpecReading

# Under which macros a spec is read, besides those of this machine, if it asks for them at all.
_PLATFORMS: Sequence[tuple[str, Mapping[str, str]]] = (
    (r"%\{[?!]*(rhel|centos|el\d+)\b", {"rhel": "9", "centos": "9", "el9": "1", "dist": ".el9"}),
    (r"%\{[?!]*(rhel|el\d+)\b", {"rhel": "10", "el10": "1", "dist": ".el10"}),
    (r"%\{[?!]*(fedora|fc\d+)\b", {"fedora": "42", "fc42": "1", "dist": ".fc42"}),
    (r"%\{[?!]*dlrn\b", {"dlrn": "1"}),
)

# A slip in many of RDO's specs: trunk builds replace the whole line, rpm alone would refuse it.
_SLIP = re.compile(rb"^(Release[ \t]*:[ \t]*XXX)\{\?dist\}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Expected:
    """What an edit was for; None where it should have changed nothing.

    `patches` are all of ours, in order; `replaced` are those of others that became ours.
    """

    patches: Sequence[str] | None = None
    version: str | None = None
    has_new_sources: bool = False
    replaced: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SpecFile:
    """The spec of a distgit."""

    path: Path
    rpmspec: Rpmspec = field(default_factory=Rpmspec)

    @classmethod
    def find(cls, folder: Path, rpmspec: Rpmspec | None = None) -> "SpecFile":
        """The only .spec in a folder."""
        specs = sorted(folder.glob("*.spec"))
        if not specs:
            raise NotFoundError("No .spec files found.")
        if len(specs) > 1:
            names = ", ".join(spec.name for spec in specs)
            raise RefusedError(
                f"there are several .spec files here ({names}); only one is worked on"
            )
        return cls(specs[0], rpmspec or Rpmspec())

    @property
    def folder(self) -> Path:
        return self.path.parent

    def text(self) -> SpecText:
        return SpecText.parse(self.path.read_bytes())

    def reading(self, text: SpecText | None = None) -> SpecReading:
        """What rpm makes of the file, or of another text in its place."""
        return self.rpmspec.read(_for_rpm(text or self.text()), self.folder)

    def parsed(self) -> str:
        """The whole spec with its macros expanded."""
        return self.rpmspec.parse(_for_rpm(self.text()), self.folder)

    def requires(self, *, build: bool = False) -> list[tuple[str, str]]:
        """What the packages, or the build, require: package name and dependency."""
        return self.rpmspec.requires(_for_rpm(self.text()), self.folder, build=build)

    def expand(self, value: str) -> str:
        """A value of the spec with its macros expanded; rpm is asked only if there are any."""
        if "%" not in value:
            return value
        return self.rpmspec.expand(_for_rpm(self.text()), self.folder, value)

    def write(self, new: SpecText, expected: Expected) -> bool:
        """Put `new` on the disk if rpm says that it is what was meant; whether it is new.

        Otherwise nothing changes and the error says what rpm would have made of it.
        """
        old = self.text()
        if bytes(old) == bytes(new):
            return False
        for macros in platforms(old):
            fault = self._fault(old, new, macros, expected)
            if fault:
                raise RefusedError(
                    f"{self.path.name} is left as it was: with the change {fault}"
                    f"{_under(macros)}; make this change by hand"
                )
        write_file(self.path, bytes(new))
        return True

    def _fault(
        self, old: SpecText, new: SpecText, macros: Mapping[str, str], expected: Expected
    ) -> str:
        try:
            before = self.rpmspec.read(_for_rpm(old), self.folder, macros)
        except RefusedError:
            if macros:
                return ""  # not a spec for that platform, before or after
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
        yield f"the SRPM would not hold the patch {lost}"
    for added in found - wanted:
        yield f"the SRPM would hold the patch {added}"
    yield from _order(after, ours, [x for x in was.applied if x in foreign])


def _order(after: _State, ours: Sequence[str], foreign: Sequence[str]) -> Iterator[str]:
    """Whether %prep applies what it should, in the right order."""
    applied = after.reading.applied
    for group in (ours, foreign):
        found = [name for name in applied if name in group]
        missing = [name for name in group if name not in found]
        if missing and apply_method(after.text) is not ApplyMethod.NONE:
            yield f"%prep would not apply the patch {missing[0]}"
        elif not missing and found != list(group):
            yield f"%prep would apply the patches in another order: {', '.join(found)}"


def _for_rpm(text: SpecText) -> bytes:
    """The text that rpm is asked about."""
    return _SLIP.sub(rb"\1%{?dist}", bytes(text))


def platforms(text: SpecText) -> list[Mapping[str, str]]:
    """The sets of macros under which a spec is read: this machine's, and what it asks about."""
    whole = str(text)
    asked = [macros for pattern, macros in _PLATFORMS if re.search(pattern, whole)]
    return [{}, *asked]


def _under(macros: Mapping[str, str]) -> str:
    dist = macros.get("dist")
    return (
        f" on {dist.removeprefix('.')}" if dist else f" with {' '.join(macros)}" if macros else ""
    )
