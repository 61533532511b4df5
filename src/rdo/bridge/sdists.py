"""Build wheels from sdists of projects that have no wheel on PyPI, in a root without network."""

import logging
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from rdo import atomic
from rdo.beneath import Limits
from rdo.builders.backend import ask_backend
from rdo.builders.workshop import Workshop
from rdo.errors import NotFoundError, RefusedError
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.package_index import PackageIndex, Sdist
from rdo.roots.build_root import build_root
from rdo.roots.door import Inside
from rdo.roots.programs import RootProgram
from rdo.tools.entry import Bind

log = logging.getLogger(__name__)

_WHEEL_LIMITS = Limits(file_bytes=1_000_000_000)


@dataclass(frozen=True, slots=True)
class SdistStore:
    """Builds wheels and keeps them in `folder`, where pip finds them too."""

    folder: Path
    workshop: Workshop
    open_index: Callable[[], PackageIndex]

    def projects(self) -> frozenset[str]:
        """Return the projects that have a wheel built here."""
        wheels = self.folder.glob("[!.]*.whl")
        return frozenset(str(parse_wheel_filename(one.name)[0]) for one in wheels)

    def build(self, wanted: Requirement, constraints: Iterable[str]) -> Path | Failed | Waiting:
        """Return the wheel of the newest sdist that meets the requirement and the constraints.

        `Waiting` names build requirements that no repository provides yet. Raises OutsideError if
        the index does not answer.
        """
        try:
            sdists = self.open_index().sdists(wanted.name)
        except NotFoundError as error:
            return Failed(FailureReason.MISSING_DEPENDENCY, str(error))
        sdist = newest(sdists, wanted.specifier & constraint_of(wanted.name, constraints))
        if sdist is None:
            return Failed(FailureReason.MISSING_DEPENDENCY, f"PyPI has no sdist for {wanted}")
        return self._build(sdist, canonicalize_name(wanted.name))

    def _build(self, sdist: Sdist, name: str) -> Path | Failed | Waiting:
        shop = self.workshop
        self.folder.mkdir(parents=True, exist_ok=True)
        log_file = self.folder / f"{sdist.file_name}.log"
        log_file.unlink(missing_ok=True)
        with build_root(shop.base, shop.content, shop.roots) as root:
            offered = root.folder("sdist")
            self.open_index().download(sdist, offered / sdist.file_name)
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
                _check_wheel(made.name, name, sdist)
            except (KeyError, FileNotFoundError, ValueError, RefusedError) as error:
                said = f"the build of {sdist.file_name} left no wheel of it: {error}"
                return Failed(FailureReason.SOURCE, said)
            log.info("built a wheel of %s", sdist.file_name)
            return self._keep(made)

    def _keep(self, made: Path) -> Path:
        place = self.folder / made.name
        new = self.folder / f".{made.name}.{os.getpid()}"
        shutil.copyfile(made, new)
        atomic.sync(new)
        new.replace(place)
        return place


def _check_wheel(file_name: str, name: str, sdist: Sdist) -> None:
    """Refuse a wheel that is not of this sdist; ValueError if its name is no wheel's."""
    project, version, _, _ = parse_wheel_filename(file_name)
    if project != name or version.public != sdist.version.public:
        raise RefusedError(f"it left {file_name}, which is of another project or version")


def newest(sdists: Iterable[Sdist], specifier: SpecifierSet) -> Sdist | None:
    """Return the highest version that is not yanked.

    A pre-release is chosen only if the specifier names one, or if nothing final fits, as pip does.
    This is decided here alone, because what a specifier thinks of pre-releases depends on the
    version of packaging.
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
            except InvalidVersion:  # === compares any text
                continue
    return False


def constraint_of(name: str, lines: Iterable[str]) -> SpecifierSet:
    """Return the specifier for one project from the constraint lines whose markers hold here."""
    specifier = SpecifierSet()
    for line in lines:
        try:
            one = Requirement(line.partition("#")[0])
        except InvalidRequirement:
            continue
        if canonicalize_name(one.name) == canonicalize_name(name) and (
            one.marker is None or one.marker.evaluate()
        ):
            specifier &= one.specifier
    return specifier


def _stamp(sdist: Sdist) -> str:
    return str(int(sdist.uploaded.timestamp())) if sdist.uploaded else "0"
