"""The repositories of other targets that a target depends on, as its .repo files name them."""

from configparser import ConfigParser
from configparser import Error as RepoFileError
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rdo.errors import NotFoundError, RefusedError
from rdo.model.neighbours import Neighbour, neighbours_in, neighbours_of, note_dependant
from rdo.model.repo_file import BELOW_NEIGHBOUR, MIRRORLIST, NEIGHBOUR, RepoSection, repo_file
from rdo.publish.references import has_repodata, snapshots

if TYPE_CHECKING:
    from rdo.config import Settings


_BRIDGED = "deps/current"
_Given: TypeAlias = tuple[Neighbour, RepoSection]


@dataclass(frozen=True, slots=True)
class FollowedRepository:
    """A repository of another target as a host follows it: through a link in that target's tree."""

    key: str
    target: str
    link: str
    priority: int

    def section(self, repo_id: str, label: str, repos: Path, url: str) -> RepoSection:
        """Return the section of a .repo file; `url` is where the tree `repos` is served."""
        place = f"{url}/{self.link}"
        section = RepoSection(repo_id, label, priority=self.priority)
        if (repos / self.link / MIRRORLIST).is_file():
            return replace(section, mirrorlist=f"{place}/{MIRRORLIST}")
        return replace(section, baseurl=(place,))


@dataclass(frozen=True, slots=True)
class Depending:
    """A target that depends on other targets of the same factory."""

    settings: "Settings"
    target: str

    @property
    def repos(self) -> Path:
        """The published tree of the target."""
        return self.settings.target_folder(self.target) / "repos"

    def folders(self) -> tuple[tuple[Path, int], ...]:
        """Return the repositories that builds use now, with their priorities.

        They are those in the target's .repo file, so hosts and builds use the same ones.
        """
        return tuple((one.folder(self.settings.data), one.priority) for one in self.named())

    def named(self) -> tuple[Neighbour, ...]:
        """Return the repositories of other targets that the target's .repo file contains now."""
        return neighbours_of(self.repos)

    def sections(self) -> str:
        """Return .repo sections for the repositories that the other targets' names point to now.

        Repositories named by one of these are included. The other targets keep these repositories
        from now on. Raises NotFoundError if one has published nothing under its name yet.
        """
        found: dict[tuple[str, str], RepoSection] = {}
        given = [self._of(side) for side in self.settings.target(self.target).neighbours]
        for part in (*(own for own, _ in given), *(below for _, below in given)):
            for neighbour, section in part:
                found.setdefault((neighbour.target, neighbour.path), section)
        text = repo_file(found.values())
        for one in neighbours_in(text):
            note_dependant(one, self.settings.data, self.target)
        return text

    def followed(self) -> tuple[FollowedRepository, ...]:
        """Return the repositories of other targets for hosts that follow names, nearest first."""
        found: dict[tuple[str, str], FollowedRepository] = {}
        below: list[FollowedRepository] = []
        for side, one in self.settings.target(self.target).neighbours.items():
            assert one.target
            other = Depending(self.settings, one.target)
            links = [other.repos / one.leads, *sorted(other.repos.glob(f"component/*/{one.leads}"))]
            for number, link in enumerate(filter(has_repodata, links)):
                key = f"{side}-{number}" if number else side
                path = str(link.relative_to(other.repos))
                below.append(FollowedRepository(key, one.target, path, NEIGHBOUR))
            if has_repodata(other.repos / _BRIDGED):
                bridged = f"{side}-deps"
                below.append(FollowedRepository(bridged, one.target, _BRIDGED, BELOW_NEIGHBOUR))
            below += [replace(each, key=f"{side}-{each.key}") for each in other.followed()]
        for each in below:
            found.setdefault((each.target, each.link), each)
        return tuple(found.values())

    def local_sections(self) -> tuple[RepoSection, ...]:
        """Return .repo sections by which this machine reaches what builds use now."""
        return tuple(
            RepoSection(
                one.repo_id,
                one.label,
                (one.folder(self.settings.data).absolute().as_uri(),),
                priority=one.priority,
            )
            for one in self.named()
        )

    def places(self, side: str) -> tuple[Path, ...]:
        """Return the folders that the name of another target points to now, one per component.

        Raises NotFoundError if it points nowhere yet.
        """
        from rdo.app.targets import repositories

        one = self.settings.target(self.target).neighbours[side]
        assert one.target
        if found := repositories(self.settings, one.target, one.leads):
            return found
        raise NotFoundError(
            f"{self.target} depends on {one.target}, which has no repository {one.leads} yet",
            hint=f"rdo trunk run --target {one.target}",
        )

    def _of(self, side: str) -> tuple[list[_Given], list[_Given]]:
        """Return the repositories of one other target, and those that their .repo files name."""
        one = self.settings.target(self.target).neighbours[side]
        assert one.target
        own_id = f"{self.settings.target(self.target).reponame}-deps-{side}"
        reponame = self.settings.target(one.target).reponame
        repos = self.settings.target_folder(one.target).resolve() / "repos"
        own: list[_Given] = []
        below: list[_Given] = []
        for number, folder in enumerate(self.places(side)):
            repo_id = f"{own_id}-{number}" if number else own_id
            path = str(folder.relative_to(repos))
            for section in _read(folder / f"{reponame}.repo")[:1]:
                own.append(_named(section, Neighbour(repo_id, one.target, path, NEIGHBOUR)))
            known = {each.repo_id: each for each in neighbours_of(folder)}
            for section in _read(folder / f"{reponame}-deps.repo"):
                if each := known.get(section.id):
                    tail = section.id.removeprefix(f"{reponame}-deps")
                    below.append(_named(section, replace(each, repo_id=f"{repo_id}{tail}")))
                elif names := snapshots(folder):
                    place = f"deps/{next(iter(names))}"
                    bridged = Neighbour(f"{repo_id}-deps", one.target, place, BELOW_NEIGHBOUR)
                    below.append(_named(section, bridged))
        return own, below


def _named(section: RepoSection, neighbour: Neighbour) -> _Given:
    return neighbour, replace(
        section, id=neighbour.repo_id, name=neighbour.label, priority=neighbour.priority
    )


def _read(file: Path) -> list[RepoSection]:
    """Return the sections of a .repo file written by rdo; none if there is no such file."""
    parser = ConfigParser(interpolation=None)
    try:
        parser.read(file)
    except RepoFileError as error:
        raise RefusedError(f"{file} cannot be read: {error}") from error
    return [
        RepoSection(
            name,
            one.get("name", name),
            tuple(one.get("baseurl", "").split()),
            gpgcheck=one.get("gpgcheck") == "1",
            repo_gpgcheck=one.get("repo_gpgcheck") == "1",
            gpgkey=tuple(one.get("gpgkey", "").split()),
        )
        for name, one in parser.items()
        if name != parser.default_section
    ]
