"""Find anything by a few letters: packages, commits, builds, RPMs and repositories."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from urllib.parse import quote

from rdo.model.nevra import Nevra
from rdo.pages.live_values import Hit
from rdo.pages.values import ShownLevel
from rdo.store.work.builds import Build
from rdo.trunk.context import Trunk
from rdo.trunk.views.gathered import Gathered

MOST = 50
"""How many hits are shown."""
_OF_ONE_KIND = 15
_HASH = re.compile(r"[0-9a-f]{4,40}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_VERSION = re.compile(r".-[0-9]")
_PATH = re.compile(r"[0-9a-f]{2}/[0-9a-f]{1,2}.*|.*/.+")


@dataclass(frozen=True, slots=True)
class Searched:
    """A target that is searched."""

    trunk: Trunk
    gathered: Gathered


def search(targets: Mapping[str, Searched], text: str) -> list[Hit]:
    """Return what a text may mean, the likeliest first; at most one more than `MOST`."""
    wanted = text.strip()
    if not wanted:
        return []
    found = chain.from_iterable(
        kind(one, wanted)
        for kind in (_exact_package, _build, _repository, _commit, _rpm, _package)
        for one in targets.values()
    )
    seen: dict[tuple[str, str], Hit] = {}
    for hit in islice(found, 4 * MOST):
        seen.setdefault((hit.target, hit.page), hit)
    return list(seen.values())[: MOST + 1]


def _exact_package(one: Searched, wanted: str) -> Iterator[Hit]:
    for name, view in one.gathered.view.packages.items():
        project = view.facts.package.project if view.facts.package else ""
        if wanted in {name, project}:
            yield _of_package(one, name)


def _package(one: Searched, wanted: str) -> Iterator[Hit]:
    letters = wanted.lower()
    names = (
        name
        for name, view in one.gathered.view.packages.items()
        if letters in name.lower()
        or (view.facts.package and letters in view.facts.package.project.lower())
    )
    yield from (_of_package(one, name) for name in islice(names, MOST + 1))


def _of_package(one: Searched, name: str) -> Hit:
    shown = next((row for row in one.gathered.page.packages if row.package == name), None)
    level, state = (shown.level, shown.state) if shown else (ShownLevel.NONE, "")
    return Hit("package", one.trunk.name, name, _page(one, "packages", name), state, level)


def _build(one: Searched, wanted: str) -> Iterator[Hit]:
    if not _NUMBER.fullmatch(wanted):
        return
    with one.trunk.store.read() as at:
        build = at.builds.find(one.trunk.name, int(wanted))
    if build:
        yield _of_build(one, build)


def _commit(one: Searched, wanted: str) -> Iterator[Hit]:
    letters = wanted.lower()
    if not _HASH.fullmatch(letters):
        return
    with one.trunk.store.read() as at:
        builds = at.builds.with_prefix(one.trunk.name, letters, limit=_OF_ONE_KIND)
    yield from (_of_build(one, build) for build in builds)


def _of_build(one: Searched, build: Build) -> Hit:
    text = f"build {build.id} of {build.package} {build.commit.short_hash}"
    return Hit("build", one.trunk.name, text, _page(one, "builds", str(build.id)), build.state)


def _rpm(one: Searched, wanted: str) -> Iterator[Hit]:
    """Find a good build with an RPM of this name, file name, or name and version."""
    name = wanted
    if wanted.endswith(".rpm"):
        try:
            name = Nevra.parse(wanted).name
        except ValueError:  # it is a name that only looks like a file name
            name = wanted
    has_version = _VERSION.search(wanted) is not None
    good = {
        view.facts.good.id: package
        for package, view in one.gathered.view.packages.items()
        if view.facts.good
    }
    for number, files in one.gathered.files.items():
        package = good.get(number)
        if package:
            for file in files:
                is_meant = file == wanted or file.rsplit("-", 2)[0] == name
                if is_meant or (has_version and file.startswith(wanted)):
                    page = _page(one, "builds", str(number))
                    yield Hit("RPM", one.trunk.name, file, page, f"of {package}")


def _repository(one: Searched, wanted: str) -> Iterator[Hit]:
    path = wanted.strip("/")
    if len(path) < 4 or not _PATH.fullmatch(path):
        return
    with one.trunk.store.read() as at:
        found = at.repositories.with_prefix(one.trunk.name, path, limit=_OF_ONE_KIND)
    for repository in found:
        page = _page(one, "repositories", str(repository.id))
        yield Hit("repository", one.trunk.name, repository.path, page)


def _page(one: Searched, folder: str, name: str) -> str:
    return f"{one.trunk.name}/{folder}/{quote(name)}.html"
