"""A spec file on disk, which is written only if rpm confirms the effect of the change."""

import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rdo.atomic import write_file
from rdo.beneath import real_path
from rdo.errors import NotFoundError, RefusedError
from rdo.model.rpm_order import compare
from rdo.spec.conditions import Reading, readings
from rdo.spec.definitions import release_place
from rdo.spec.patches import ApplyMethod, apply_method, our_patches
from rdo.spec.release import ReleaseParts
from rdo.spec.tags import tags
from rdo.spec.text import SpecText
from rdo.tools.rpm.rpmspec import Rpmspec, SpecQuestion, SpecReading

SPECS_FOLDER, SOURCES_FOLDER = "SPECS", "SOURCES"
"""The folders of a distgit that has the layout of an SRPM's content, as CentOS's had."""

VISIBLE_DIST = ".rdodist"
"""The dist tag while rpm reads a spec for a comparison: it shows where the tag is used."""

# A typo in many of RDO's specs: trunk builds replace the whole line, but rpm alone would reject it.
_SLIP = re.compile(rb"^(Release[ \t]*:[ \t]*XXX)\{\?dist\}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Expected:
    """The intended effect of an edit; None for what it must not change.

    `patches` are all of ours, in order; `replaced` are foreign patches that became ours; `renamed`
    are files whose names contain the version. A new Release may sort lower only if `is_lower_fine`.
    `has_new_entry` is None if the changelog has an entry without text, which rpm does not read.
    """

    patches: Sequence[str] | None = None
    version: str | None = None
    epoch: str | None = None
    has_new_release: bool = False
    is_lower_fine: bool = False
    has_new_sources: bool = False
    replaced: Sequence[str] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    has_new_entry: bool | None = False

    def where(self, usual: str, version: str) -> "Expected":
        """Return what is expected where rpm has read another Version than the usual one.

        What a macro adds to it there stays: `~rc1` in `1.0%{?prerel:~%{prerel}}`.
        """
        if self.version is None or version == usual or usual not in version:
            return self
        return replace(self, version=version.replace(usual, self.version, 1))


class UnwantedEffectError(RefusedError):
    """An edit of a spec that rpm would read differently than intended."""


@dataclass(frozen=True, slots=True)
class SpecFile:
    """The spec file of a distgit; `before_write` is called before each change.

    `path` may be a link to another file in the folder, and stays one.
    """

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
        """Find the only .spec in a folder, or in its SPECS; raises NotFoundError or RefusedError.

        A link to another spec in the folder does not count as a second one.
        """
        inner = folder / SPECS_FOLDER
        found = sorted(folder.glob("*.spec"))
        if not found and not inner.is_symlink():
            found = sorted(inner.glob("*.spec"))
        behind = {real_path(spec) for spec in found if spec.is_symlink()}
        specs = [x for x in found if x.is_symlink() or real_path(x) not in behind]
        if not specs:
            raise NotFoundError("No .spec files found.")
        if len(specs) > 1:
            names = ", ".join(spec.name for spec in specs)
            raise RefusedError(f"there are several .spec files here ({names}); keep only one")
        return cls(specs[0], rpmspec or Rpmspec(), before_write)

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def sources_folder(self) -> Path:
        """The folder of its sources and patches: SOURCES beside a folder SPECS, or its own."""
        beside = self.folder.parent / SOURCES_FOLDER
        if self.folder.name == SPECS_FOLDER and beside.is_dir() and not beside.is_symlink():
            return beside
        return self.folder

    @property
    def _distgit(self) -> Path:
        """The folder of the whole distgit: the one above SPECS, or its own."""
        is_inner = self.folder.name == SPECS_FOLDER and not (self.folder / ".git").exists()
        return self.folder.parent if is_inner else self.folder

    @property
    def file(self) -> Path:
        """The file itself, behind a link; raises RefusedError if it is outside the distgit."""
        if not self.path.is_symlink():
            return self.path
        distgit = self._distgit
        folder, target = real_path(distgit), real_path(self.path)
        is_inside = target.is_relative_to(folder) and ".git" not in target.relative_to(folder).parts
        if not is_inside or not target.is_file():
            what = "leads outside the distgit" if not is_inside else "leads to no file"
            raise RefusedError(
                f"{self.path.name} is a link that {what}: {self.path.readlink()}",
                hint="make it a file of the distgit, or a link to one",
            )
        return distgit / target.relative_to(folder)

    def text(self) -> SpecText:
        return SpecText.parse(self.file.read_bytes())

    def reading(self, text: SpecText | None = None) -> SpecReading:
        """Read the file, or another text instead, with rpm."""
        return self.rpmspec.read(_for_rpm(text or self.text()), self.sources_folder)

    def numbered(self) -> SpecReading:
        """Read the file with the Release that an edit writes, where rpmautospec is an alternative.

        Raises RefusedError if rpm cannot read it.
        """
        reading, text = self.reading(), self.text()
        if not any("autorelease" in tag.value for tag in tags(text, "Release")):
            return reading
        numbers = ReleaseParts.parse(release_place(text).value).numbers
        return replace(reading, release=numbers) if numbers else reading

    def named_files(self) -> frozenset[str]:
        """Return the sources and patches that the spec names, under any of its conditions.

        Raises RefusedError if rpm cannot read it, or if there are too many conditions.
        """
        text = self.text()
        found = [reading for _, reading, _ in self._compared(text, text)]
        return frozenset(name for one in found for name in (*one.sources, *one.patches))

    def parsed(self, text: SpecText | None = None) -> str:
        """Return the whole spec, or another text instead, with its macros expanded."""
        return self.rpmspec.parse(_for_rpm(text or self.text()), self.sources_folder)

    def newest_changes(self) -> list[str]:
        """Return the lines of the newest changelog entry, as rpm shows them."""
        return self.rpmspec.newest_changes(_for_rpm(self.text()), self.sources_folder)

    def requires(self, *, build: bool = False) -> list[tuple[str, str]]:
        """Return the requirements of the packages, or of the build: package name, dependency."""
        return self.rpmspec.requires(_for_rpm(self.text()), self.sources_folder, build=build)

    def expand(self, value: str) -> str:
        """Expand the macros in a value of the spec; runs rpm only if there are any."""
        if "%" not in value:
            return value
        return self.rpmspec.expand(_for_rpm(self.text()), self.sources_folder, value)

    def write(self, new: SpecText, expected: Expected) -> bool:
        """Write `new` if rpm confirms the expected effect; return whether anything changed.

        Otherwise leave the file alone and raise UnwantedEffectError with what rpm would have read.
        """
        if bytes(self.text()) == bytes(new):
            return False
        self.check(new, expected)
        file = self.file
        if self.before_write:
            self.before_write(file, bytes(new))
        mode = stat.S_IMODE(file.stat().st_mode)
        write_file(file, bytes(new))
        file.chmod(mode)
        return True

    def check(
        self,
        new: SpecText,
        expected: Expected,
        old: SpecText | None = None,
        sources: Path | None = None,
    ) -> None:
        """Raise UnwantedEffectError unless `new` has the expected effect in every reading.

        It is compared with the file, or with `old` if given; `sources` is a folder to read instead
        of the sources folder. Raises RefusedError if rpm reads the old text differently each time.
        """
        old = old or self.text()
        usual = ""
        for reading, before, after in self._compared(old, new, sources):
            usual = usual or before.version
            if isinstance(after, RefusedError):
                fault = str(after)
            else:
                states = _State(old, before), _State(new, after)
                fault = next(_differences(*states, expected.where(usual, before.version)), "")
            if fault:
                self._require_steady(reading, old, before)
                where = f" ({reading})" if str(reading) else ""
                fault = fault.replace(VISIBLE_DIST, "")
                raise UnwantedEffectError(
                    f"{self.path.name} was not changed: with the change {fault}{where}; "
                    f"make this change by hand"
                )

    def _require_steady(self, way: Reading, text: SpecText, before: SpecReading) -> None:
        """Raise RefusedError if rpm reads something else each time, which prevents comparing."""
        [again] = self.rpmspec.fresh().read_all([_question(way, text)], self.sources_folder)
        if isinstance(again, RefusedError):
            return
        tags = {"Version": "version", "Release": "release", "Source": "sources"}
        for name, attribute in tags.items():
            if getattr(again, attribute) != getattr(before, attribute):
                raise RefusedError(
                    f"{self.path.name} was not changed: {name} changes each time rpm reads it,"
                    " so an edit cannot be checked",
                    hint="write a fixed value in place of %(date) or the like",
                )

    def renames(self, new: SpecText) -> dict[str, str]:
        """Return the sources and foreign patches with other names in `new`, and those names."""
        old = self.text()
        ours = {*our_patches(old), *our_patches(new)}
        found: dict[str, str] = {}
        for _, before, after in self._compared(old, new):
            if isinstance(after, RefusedError):
                continue
            was = [name for name in before.patches if name not in ours]
            now = [name for name in after.patches if name not in ours]
            for names, others in ((was, now), (before.sources, after.sources)):
                if len(names) == len(others):
                    found |= {a: b for a, b in zip(names, others, strict=True) if a != b}
        return found

    def _compared(
        self, old: SpecText, new: SpecText, sources: Path | None = None
    ) -> Iterator[tuple[Reading, SpecReading, SpecReading | RefusedError]]:
        """Read both texts in every way; ways in which rpm cannot read the old one are left out."""
        ways = readings(old, new)
        questions = [_question(way, text) for way in ways for text in (old, new)]
        said = self.rpmspec.read_all(questions, sources or self.sources_folder)
        for way, before, after in zip(ways, said[::2], said[1::2], strict=True):
            if not isinstance(before, RefusedError):
                yield way, before, after
            elif way is ways[0]:
                raise before


@dataclass(frozen=True, slots=True)
class _State:
    text: SpecText
    reading: SpecReading


def _differences(before: _State, after: _State, expected: Expected) -> Iterator[str]:
    was, now = before.reading, after.reading
    version = was.version if expected.version is None else expected.version
    epoch = was.epoch if expected.epoch is None else expected.epoch
    if now.version != version:
        yield f"rpm would read Version {now.version} instead of {version}"
    if now.name != was.name:
        yield f"rpm would read Name {now.name} instead of {was.name}"
    if now.epoch != epoch:
        yield f"rpm would read Epoch {now.epoch or 'none'} instead of {epoch or 'none'}"
    is_same_version = (epoch, version) == (was.epoch, was.version)
    yield from _release(was, now, expected, is_same_version=is_same_version)
    if not (expected.has_new_sources or not is_same_version) and now.sources != was.sources:
        yield "rpm would read other sources"
    if len(now.sources) != len(was.sources):
        yield f"rpm would read {len(now.sources)} sources instead of {len(was.sources)}"
    ours_before = our_patches(before.text)
    ours = ours_before if expected.patches is None else expected.patches
    others = Counter(was.patches) - Counter({*ours_before, *expected.replaced})
    foreign = Counter(expected.renamed.get(name, name) for name in others.elements())
    wanted, found = foreign + Counter(ours), Counter(now.patches)
    for lost in wanted - found:
        yield f"the SRPM would not contain the patch {lost}"
    for added in found - wanted:
        yield f"the SRPM would contain the patch {added}"
    yield from _applications(before, after, ours, expected)
    entries = now.changelog[1:] if expected.has_new_entry else now.changelog
    if entries != was.changelog and expected.has_new_entry is not None:
        yield "rpm would read other entries in %changelog"


def _release(
    was: SpecReading, now: SpecReading, expected: Expected, *, is_same_version: bool
) -> Iterator[str]:
    bare, bare_before = (one.release.replace(VISIBLE_DIST, "") for one in (now, was))
    if not expected.has_new_release and now.release != was.release:
        yield f"rpm would read Release {bare} instead of {bare_before}"
    dists, dists_before = (one.release.count(VISIBLE_DIST) for one in (now, was))
    if dists != dists_before and (dists_before, dists) != (0, 1):
        yield f"Release would have the dist tag {dists} times"
    if is_same_version and not expected.is_lower_fine and compare(bare, bare_before) < 0:
        yield f"Release {bare} would be lower than {bare_before}"


def _applications(
    before: _State, after: _State, ours: Sequence[str], expected: Expected
) -> Iterator[str]:
    """Yield faults in the patches that %prep applies, in their order or number."""
    was, now = before.reading, after.reading
    names = expected.renamed
    ours_before = our_patches(before.text)
    gone = {*ours_before, *expected.replaced}
    foreign = [
        (names.get(one.file, one.file), one.strip)
        for one in was.applications
        if one.file in was.patches and one.file not in gone
    ]
    here = [(one.file, one.strip) for one in now.applications if one.file in now.patches]
    if list(ours) == ours_before and not expected.replaced:
        same = [
            (names.get(one.file, one.file), one.strip)
            for one in was.applications
            if one.file in was.patches
        ]
        if same != here:
            yield from _other(same, here, "apply the patches otherwise")
        return
    yield from _other(foreign, [one for one in here if one[0] not in ours], "apply other patches")
    found = [name for name, _ in here if name in ours]
    is_applied = apply_method(after.text) is not ApplyMethod.NONE or found
    missing = [name for name in ours if name not in found]
    if missing and is_applied:
        yield f"%prep would not apply the patch {missing[0]}"
    if twice := [name for name, count in Counter(found).items() if count > 1]:
        yield f"%prep would apply the patch {twice[0]} {found.count(twice[0])} times"
    elif not missing and found != list(ours):
        yield f"%prep would apply the patches in another order: {', '.join(found)}"
    for name, strip in here:
        if name in ours and strip != 1:
            how = f"with -p{strip}" if strip >= 0 else "without -p1"
            yield f"%prep would apply the patch {name} {how}, and git's patches need -p1"


def _other(
    wanted: Sequence[tuple[str, int]], found: Sequence[tuple[str, int]], what: str
) -> Iterator[str]:
    if list(wanted) != list(found):
        shown = ", ".join(name for name, _ in found) or "none"
        meant = ", ".join(name for name, _ in wanted) or "none"
        yield f"%prep would {what}: {shown} instead of {meant}"


def _question(way: Reading, text: SpecText) -> SpecQuestion:
    return SpecQuestion(_for_rpm(way.applied(text)), {**way.macros, "dist": VISIBLE_DIST})


def _for_rpm(text: SpecText) -> bytes:
    """Return the text to give to rpm."""
    return _SLIP.sub(rb"\1%{?dist}", bytes(text))
