"""Build wheels from sdists of projects that have no wheel on PyPI, in a root without network."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from rdo.beneath import Limits
from rdo.bridge.without_wheel import bounds_of
from rdo.builders.rooms.backend import ask_backend
from rdo.builders.rooms.workshop import Workshop
from rdo.checksum import sha256_of
from rdo.errors import NotFoundError, RefusedError
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.package_index import Offer, PackageIndex, Sdist
from rdo.roots.build_root import build_root
from rdo.roots.door import Inside
from rdo.roots.kept_products import facts_of, keep, kept_files, newly_kept
from rdo.roots.programs import RootProgram
from rdo.solver import Chosen, Solution, solve
from rdo.tools.packaging.pip import Resolved
from rdo.tools.packaging.wheel_check import WheelCheck
from rdo.tools.walls.entry import Bind

log = logging.getLogger(__name__)

_WHEEL_LIMITS = Limits(file_bytes=1_000_000_000)


@dataclass(frozen=True, slots=True)
class SdistStore:
    """Builds wheels and keeps each in a folder of its own in `folder`, for all factories.

    A wheel is stored under the hash of its sdist and of everything that was installed for its
    build, and used again only if the same sdist would be built with the same packages.
    """

    folder: Path
    workshop: Workshop
    open_index: Callable[[], PackageIndex]
    check: WheelCheck = field(default_factory=WheelCheck)

    def wheels(self, wanted: Iterable[Resolved]) -> dict[Resolved, Path]:
        """Return the wanted wheels that were built here, by their hashes."""
        asked = {one.sha256: one for one in wanted if one.sha256}
        found: dict[Resolved, Path] = {}
        for place in sorted(self.folder.glob("[!.]*/")):
            digests = facts_of(place).get("hashes", {}).values()
            if not asked.keys().isdisjoint(digests):
                found |= {asked[sha256_of(path)]: path for path in kept_files(place)}
        return found | self._earlier({digest: asked[digest] for digest in asked})

    def _earlier(self, asked: Mapping[str, Resolved]) -> dict[Resolved, Path]:
        """Return wheels from the earlier layout, which had all in one folder, by their hashes.

        Only a wheel that a lock file names by hash may come from there.
        """
        names = {canonicalize_name(one.name) for one in asked.values()}
        found: dict[Resolved, Path] = {}
        for path in self.folder.glob("[!.]*.whl"):
            if canonicalize_name(path.name.partition("-")[0]) in names and path.is_file():
                digest = sha256_of(path)
                found |= {asked[digest]: path} if digest in asked else {}
        return found

    def build(self, wanted: Requirement, constraints: Iterable[str]) -> Path | Failed | Waiting:
        """Return the wheel of the newest sdist that meets the requirement and the constraints.

        `Waiting` names build requirements that no repository provides yet. Raises OutsideError if
        the index does not answer.
        """
        sdist = self.newest(wanted, constraints)
        if sdist is None:
            return Failed(FailureReason.MISSING_DEPENDENCY, f"PyPI has no sdist for {wanted}")
        name = canonicalize_name(wanted.name)
        return self._kept(sdist) or self._build(sdist, name)

    def offers(self, projects: Iterable[str]) -> dict[str, Offer]:
        """Return the index's files for each project; projects that it lacks are left out.

        Raises OutsideError if the index does not answer.
        """
        return self.open_index().offers(projects)

    def newest(self, wanted: Requirement, constraints: Iterable[str]) -> Sdist | None:
        """Return the newest sdist that meets the requirement and the constraints, if there is one.

        Raises OutsideError if the index does not answer.
        """
        try:
            sdists = self.open_index().sdists(wanted.name)
        except NotFoundError:
            return None
        bound = bounds_of(constraints).get(canonicalize_name(wanted.name), SpecifierSet())
        return newest(sdists, wanted.specifier & bound)

    def _kept(self, sdist: Sdist) -> Path | None:
        """Return the wheel built from this sdist with the packages that are current today."""
        for place in sorted(self.folder.glob(f"{sdist.sha256}-*/")):
            asked = facts_of(place).get("asked", ())
            answer = solve(
                {str(one) for one in asked},
                self.workshop.repositories(),
                arch=self.workshop.base.platform.arch,
            )
            if isinstance(answer, Solution) and place == self._place(sdist, answer.packages):
                for wheel in kept_files(place):
                    return wheel
        return None

    def _place(self, sdist: Sdist, installed: Iterable[Chosen]) -> Path:
        inputs = [self.workshop.base.digest, *sorted(one.sha256 for one in installed)]
        digest = hashlib.sha256("\n".join(inputs).encode()).hexdigest()
        return self.folder / f"{sdist.sha256}-{digest[:32]}"

    def _build(self, sdist: Sdist, name: str) -> Path | Failed | Waiting:
        shop = self.workshop
        self.folder.mkdir(parents=True, exist_ok=True)
        log_file = self.folder / f"{sdist.file_name}.log"
        log_file.unlink(missing_ok=True)
        with build_root(shop.base, shop.content, shop.roots) as root:
            offered = root.folder("sdist")
            try:
                self.open_index().download(sdist, offered / sdist.file_name)
            except RefusedError as error:
                return Failed(FailureReason.SOURCE, str(error))
            root.bind(Bind(offered, "/offered"))
            root.set_environment(SOURCE_DATE_EPOCH=_stamp(sdist))
            room = shop.room(root, shop.repositories(), log_file)
            headers = shop.base.platform.sdist_requires.get(name, ())
            if headers and (stopped := room.require(f"deb({one})" for one in headers)):
                return stopped
            answer = ask_backend(room, RootProgram.BUILD_WHEEL, f"/offered/{sdist.file_name}")
            if isinstance(answer, Failed | Waiting):
                return answer
            try:
                wheel = Inside(str(answer["wheel"]))
                [made] = root.door.take_files([wheel], root.folder("wheel"), _WHEEL_LIMITS)
            except (KeyError, FileNotFoundError, ValueError, RefusedError) as error:
                return _no_wheel(sdist, str(error))
            if fault := self._fault(made, name, sdist):
                return _no_wheel(sdist, fault)
            log.info("built a wheel of %s", sdist.file_name)
            place = self._place(sdist, root.installed.values())
            asked = sorted({*room.wanted, *shop.base.platform.always_required})
            keep(place, [made], {"sdist": sdist.file_name, "asked": asked})
        return newly_kept(place)[0]

    def _fault(self, wheel: Path, name: str, sdist: Sdist) -> str:
        """Return why a wheel does not match its sdist; a local version may be added."""
        try:
            project, version, _, _ = parse_wheel_filename(wheel.name)
        except (InvalidWheelFilename, InvalidVersion):
            return f"it left {wheel.name}, which is not the name of a wheel"
        if project != name or version.public != sdist.version.public:
            return f"it left {wheel.name}, which is of another project or version"
        return self.check.fault(wheel, name, str(version))


def _no_wheel(sdist: Sdist, why: str) -> Failed:
    return Failed(FailureReason.SOURCE, f"the build of {sdist.file_name} produced no wheel: {why}")


def newest(sdists: Iterable[Sdist], specifier: SpecifierSet) -> Sdist | None:
    """Return the highest version that is not yanked.

    A pre-release is chosen only if the specifier names one, or if no final version matches, as pip
    does. The rule is written here because packaging treats pre-releases differently from version to
    version.
    """
    fitting = [
        one
        for one in sdists
        if not one.is_yanked and specifier.contains(one.version, prereleases=True)
    ]
    final = [one for one in fitting if not one.version.is_prerelease]
    chosen = fitting if _names_prerelease(specifier) else final or fitting
    return max(chosen, key=lambda one: one.version, default=None)


def _names_prerelease(specifier: SpecifierSet) -> bool:
    """Whether a part of the specifier asks for a pre-release by its version.

    >>> texts = ("", ">=1,<2.0rc1", "!=1.0b1", ">=1.0b1")
    >>> [_names_prerelease(SpecifierSet(text)) for text in texts]
    [False, False, False, True]
    """
    for one in specifier:
        if one.operator not in {"!=", "<"}:
            try:
                if Version(one.version.removesuffix(".*")).is_prerelease:
                    return True
            except InvalidVersion:  # === may compare any text
                continue
    return False


def _stamp(sdist: Sdist) -> str:
    return str(int(sdist.uploaded.timestamp())) if sdist.uploaded else "0"
