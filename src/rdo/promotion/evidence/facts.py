"""All known facts about a build (sources, RPMs, root), from which all evidence is made."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from rdo.app.targets import OpenTarget
from rdo.errors import NotFoundError
from rdo.model.artifact import Artifact
from rdo.model.build import INSTALLED, INSTALLED_SUMS
from rdo.model.nevra import Nevra
from rdo.model.text.url import without_secret
from rdo.store.work.builds import Build
from rdo.store.work.recipe import Recipe

_NUMBER = re.compile(r"[0-9]{1,18}")
_LICENCE = re.compile(r"<rpm:license>([^<]*)</rpm:license>")


@dataclass(frozen=True, slots=True)
class RpmFacts:
    """An RPM of a build; `licence` is as in its header."""

    artifact: Artifact
    licence: str

    @property
    def spdx_licence(self) -> str:
        """The licence as an SPDX expression; empty if the header uses another notation.

        >>> from rdo.model.nevra import Nevra
        >>> rpm = Artifact("a.rpm", Nevra.parse("a-1-1.noarch"), "", 0, is_source=False)
        >>> [RpmFacts(rpm, text).spdx_licence for text in ("mit OR Apache-2.0", "ASL 2.0")]
        ['MIT OR Apache-2.0', '']
        """
        try:
            return str(canonicalize_license_expression(self.licence))
        except InvalidLicenseExpression:
            return ""


@dataclass(frozen=True, slots=True)
class RootPackage:
    """An RPM that was installed for a build; `sha256` is empty if an older rdo built it."""

    nevra: Nevra
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """All known facts about a build.

    `recipe` is None and `root` empty for a build on a farm or by a command, which leaves neither.
    `factory` is the URL of the target's tree.
    """

    build: Build
    rpms: tuple[RpmFacts, ...]
    root: tuple[RootPackage, ...]
    recipe: Recipe | None
    upstream_url: str
    distgit_url: str
    factory: str
    project: str
    platform: str

    @property
    def source(self) -> RpmFacts:
        """The source RPM, which every build has."""
        return next(one for one in self.rpms if one.artifact.is_source)

    @property
    def name(self) -> str:
        """The name, version and release of the package."""
        nevra = self.source.artifact.nevra
        return f"{nevra.name}-{nevra.version}-{nevra.release}"

    def purl(self, nevra: Nevra) -> str:
        """Return the package URL of an RPM that the project built or used."""
        from packageurl import PackageURL

        qualifiers = {"arch": nevra.arch, **({"epoch": str(nevra.epoch)} if nevra.epoch else {})}
        version = f"{nevra.version}-{nevra.release}"
        namespace = re.sub(r"[^a-z0-9.-]+", "-", self.project.lower())
        return str(PackageURL("rpm", namespace, nevra.name, version, qualifiers))


def facts_of(opened: OpenTarget, text: str) -> BuildFacts:
    """Return the facts about a build, given by its number or by the file name of one of its RPMs.

    Raises NotFoundError if there is no such build, or if it was not published.
    """
    with opened.store.read() as at:
        numbers = at.artifacts.builds_named(opened.name, [text]).get(text, [])
        numbers += [int(text)] if _NUMBER.fullmatch(text) else []
        build = at.builds.find(opened.name, max(numbers)) if numbers else None
        rows = at.artifacts.of_builds([build.id]) if build else ()
        fragments = at.artifacts.fragments([one.id for one in rows])
    if build is None:
        raise NotFoundError(
            f"{opened.name} has no build or RPM {text}", hint="rdo why PACKAGE shows builds"
        )
    if not any(one.artifact.is_source for one in rows):
        raise NotFoundError(f"build {build.id} of {build.commit} has no published RPMs")
    rpms = tuple(RpmFacts(one.artifact, _licence(fragments[one.id].primary)) for one in rows)
    folder = opened.build_folder(build)
    package = opened.packages.get(build.package)
    try:
        recipe = Recipe.read(folder)
    except NotFoundError:  # built by a farm or a command
        recipe = None
    return BuildFacts(
        build,
        tuple(sorted(rpms, key=lambda one: (not one.artifact.is_source, one.artifact.file_name))),
        tuple(_root(folder)),
        recipe,
        build.commit.upstream or (without_secret(package.only_upstream) if package else ""),
        without_secret(package.distgit) if package else "",
        opened.tree.site.url(opened.tree.site.directory(build.commit)),
        opened.tree.site.project_name,
        recipe.platform if recipe else opened.platform,
    )


def _licence(primary: str) -> str:
    found = _LICENCE.search(primary)
    return unescape(found[1]).strip() if found else ""


def _root(folder: Path) -> Iterator[RootPackage]:
    """Yield the packages that a build added to its base layer."""
    sums = folder / INSTALLED_SUMS
    if sums.is_file():
        for line in sums.read_text().splitlines():
            sha256, _, nevra = line.partition("  ")
            yield RootPackage(Nevra.parse(nevra), sha256)
    elif (folder / INSTALLED).is_file():
        for line in (folder / INSTALLED).read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):  # mock writes other lines too
                yield RootPackage(Nevra.parse(line))
