"""What a place outside should have, decided from the tree before anything is sent.

There a repository has the path `repositories/<identity>`, named after its content, so that nothing
in it ever changes except the files that contain its address. The paths that it has in the tree
point there. Every RPM is in `pool` once, as in the tree; a place without links has a copy of it in
each repository.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rdo.dlrn.formats import aggregate_hash, aggregate_repo, aggregate_versions
from rdo.dlrn.layout import component_directory
from rdo.errors import NotFoundError
from rdo.model.repo_file import MIRRORLIST, mirrorlist
from rdo.publish import pool
from rdo.publish.change import has_files
from rdo.publish.references import REPOMD, hrefs, parts, snapshots
from rdo.publish.site import Site
from rdo.store.given.repositories import Repository

REPOSITORIES, DEPS = "repositories", "deps"
_NOT_SENT = (".rpm", ".log", ".html")
_AT_THE_TOP = ("RPM-GPG-KEY-*", "rdo-release.rpm")


@dataclass(frozen=True, slots=True)
class WantedFiles:
    """Everything that a place should have, by its path there.

    `files` never change; they are in the tree. `texts` are files in repositories and snapshots that
    contain the address, so they differ from place to place. Users find repositories through `links`
    and `pointers`. `places` are the paths in the tree of what the place has.
    """

    files: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    pointers: dict[str, bytes] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """A hash of all paths and their content."""
        texts = {path: _sha256(text) for path, text in {**self.texts, **self.pointers}.items()}
        rows = [sorted(self.files), sorted(texts.items()), sorted(self.links.items())]
        return _sha256(json.dumps(rows).encode())


def wanted_files(
    repos: Path,
    site: Site,
    names: Collection[tuple[str, Repository]],
    url: str,
    *,
    has_links: bool,
) -> WantedFiles:
    """Return what a place that users see at `url` should have, for these names of the tree.

    Raises NotFoundError if one points nowhere, DamagedError if a repository is not intact.
    """
    return _Gathering(repos, site, url.rstrip("/"), has_links).of(names)


@dataclass(frozen=True, slots=True)
class _Gathering:
    """Collects the wanted files of one place from a tree."""

    repos: Path
    site: Site
    url: str
    has_links: bool
    found: WantedFiles = field(default_factory=WantedFiles)

    def of(self, names: Collection[tuple[str, Repository]]) -> WantedFiles:
        """Collect everything."""
        for repository in dict.fromkeys(one for _, one in names):
            self._repository(repository.path)
        self._snapshots([self.repos / one.path for _, one in names])
        for name, repository in names:
            path = component_directory(repository.component) / name
            self._lead(str(path), self.found.places[repository.path])
        if self.site.components:
            for name in dict.fromkeys(name for name, _ in names):
                self._aggregate(name, [one for key, one in names if key == name])
        for pattern in _AT_THE_TOP:
            for file in self.repos.glob(pattern):
                self.found.pointers[file.name] = file.read_bytes()
        return self.found

    def _repository(self, path: str) -> None:
        folder = self.repos / path
        if not (folder / REPOMD).is_file():
            raise NotFoundError(
                f"{path} of {self.site.target} has no repodata",
                hint=f"rdo trunk verify --repair --target {self.site.target}",
            )
        small = dict(_small_files(folder))
        place = f"{REPOSITORIES}/{_identity(small)}"
        self.found.places[path] = place
        for name, file in small.items():
            if name.endswith(".repo"):
                self.found.texts[f"{place}/{name}"] = self._with_pushed_addresses(
                    file.read_text()
                ).encode()
            else:
                self.found.files[f"{place}/{name}"] = file
        for part in parts(folder):
            inside = PurePosixPath(place, part.relative_to(folder))
            for href in hrefs(part):
                self._rpm(part, inside, href)
        self.found.texts[f"{place}/{MIRRORLIST}"] = self._mirrorlist(path, place)
        self._lead(path, place)

    def _rpm(self, part: Path, inside: PurePosixPath, href: str) -> None:
        is_pooled = href.startswith(f"{pool.NAME}/")
        if not (is_pooled and self.has_links):
            self.found.files[str(inside / href)] = part / href
            return
        self.found.files[href] = self.repos / href
        up = "../" * len(inside.parts)
        self.found.links[str(inside / pool.NAME)] = f"{up}{pool.NAME}"

    def _snapshots(self, repositories: Collection[Path]) -> None:
        """Add the dependency snapshots that are named, and the one before the newest."""
        deps = self.repos / DEPS
        current = (deps / "current").resolve().name if (deps / "current").exists() else ""
        wanted = {name for one in repositories for name in snapshots(one)}
        if current:
            said = _lines(deps / current / MIRRORLIST)
            wanted |= {current, *(line.rstrip("/").rpartition("/")[2] for line in said)}
        wanted = {name for name in wanted if (deps / name / REPOMD).is_file()}
        for name in sorted(wanted):
            path = f"{DEPS}/{name}"
            self.found.places[path] = path
            for file in _all_files(deps / name):
                shown = f"{path}/{file.relative_to(deps / name)}"
                if file.name != MIRRORLIST:
                    self.found.files[shown] = file
            self.found.texts[f"{path}/{MIRRORLIST}"] = self._mirrorlist(path, path, wanted)
        if current in wanted:
            self._lead(f"{DEPS}/current", f"{DEPS}/{current}")
        top = self.repos / self.site.dependencies_file
        if top.is_file():
            self.found.pointers[top.name] = self._with_pushed_addresses(top.read_text()).encode()

    def _lead(self, path: str, place: str) -> None:
        """Make a path point to a repository: by a link, or by copies of files with its address."""
        if self.has_links:
            self.found.links[path] = "../" * path.count("/") + place
            return
        for text, content in self.found.texts.items():
            folder, _, name = text.rpartition("/")
            if folder == place:
                self.found.pointers[f"{path}/{name}"] = content
        if versions := self.found.files.get(f"{place}/versions.csv"):
            self.found.pointers[f"{path}/versions.csv"] = versions.read_bytes()

    def _aggregate(self, name: str, repositories: Collection[Repository]) -> None:
        """Add the top-level files of a name that has a repository in each component."""
        reponame = self.site.reponame
        found = [one for one in repositories if has_files(self.repos / one.path, reponame)]
        repo_files = [
            self._with_pushed_addresses((self.repos / one.path / f"{reponame}.repo").read_text())
            for one in found
        ]
        versions = [(self.repos / one.path / "versions.csv").read_text() for one in found]
        text = aggregate_repo(repo_files)
        files = {f"{reponame}.repo": text, f"{reponame}.repo.md5": aggregate_hash(text)}
        files["versions.csv"] = aggregate_versions(versions)
        self.found.pointers.update({f"{name}/{key}": one.encode() for key, one in files.items()})

    def _mirrorlist(self, path: str, place: str, near: Collection[str] = ()) -> bytes:
        """Return the addresses for a path of the tree: at this place first, then in the tree.

        `near` are snapshots that this place has as well.
        """
        said = _lines(self.repos / path / MIRRORLIST)
        own = [line for line in said if line.startswith(self._top)]
        here = [f"{self.url}/{place}"]
        here += [
            f"{self.url}/{DEPS}/{name}"
            for line in own
            if (name := line.rstrip("/").rpartition("/")[2]) in near and f"{DEPS}/{name}" != place
        ]
        return mirrorlist(*here, *own).encode()

    @property
    def _top(self) -> str:
        return self.site.url(PurePosixPath("x")).removesuffix("x")

    def _with_pushed_addresses(self, text: str) -> str:
        """Return the text of a .repo file with the addresses that repositories have there."""
        lines = [self._line(line) for line in text.splitlines(keepends=True)]
        return "".join(lines)

    def _line(self, line: str) -> str:
        before, top, after = line.partition(self._top)
        if not top:
            return line
        path = PurePosixPath(after.strip())
        for above in (path, *path.parents):
            if place := self.found.places.get(str(above)):
                path = PurePosixPath(place, path.relative_to(above))
                break
        return f"{before}{self.url}/{path}\n"


def _small_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a repository except RPMs, logs and the file with its address."""
    for part in parts(folder):
        for place in (part, part / "repodata"):
            for file in sorted(place.iterdir()):
                is_plain = file.is_file() and not file.name.startswith(".")
                is_sent = not file.name.endswith(_NOT_SENT) and file.name != MIRRORLIST
                if is_plain and is_sent:
                    yield str(file.relative_to(folder)), file


def _all_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _identity(files: Mapping[str, Path]) -> str:
    """Return the name of a repository's content, the same at every place."""
    rows = [f"{name} {_sha256(file.read_bytes())}" for name, file in sorted(files.items())]
    return _sha256("\n".join(rows).encode())[:16]


def _lines(file: Path) -> list[str]:
    return file.read_text().split() if file.is_file() else []


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
