"""The addresses and texts of a target's tree, and the packages in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from rdo.dlrn.layout import hash_directory
from rdo.errors import ConfigError
from rdo.model.commit import Commit
from rdo.model.package import Package


@dataclass(frozen=True, slots=True)
class Site:
    """Where a target's tree is served, and the texts of its .repo files.

    With `components` each component is a repository of its own below `component/<name>`; without,
    the components in the metadata are ignored. `tree_url` is where the tree is served, if that is
    not `<base_url>/<target>/repos`.
    """

    target: str
    base_url: str
    reponame: str = "delorean"
    project_name: str = "RDO"
    components: bool = False
    tree_url: str = ""

    @property
    def dependencies_file(self) -> str:
        """The name of the .repo file of dependencies, at the top of the tree."""
        return f"{self.reponame}-deps.repo"

    def component(self, package: str, component: str | None) -> str | None:
        """Return the component of the tree that `package` belongs to.

        Raises ConfigError if the tree has components and the package has none.
        """
        if not self.components:
            return None
        if component is None:
            raise ConfigError(
                f"package {package} has no component, but target {self.target} uses components: "
                "give it one in the metadata"
            )
        return component

    def directory(self, commit: Commit) -> PurePosixPath:
        """Return the directory of a commit.

        A directory from before the target had components is not below a component.
        """
        return hash_directory(commit, commit.component if self.components else None)

    def url(self, path: PurePosixPath) -> str:
        top = self.tree_url or f"{self.base_url.rstrip('/')}/{self.target}/repos"
        return f"{top}/{path}"


@dataclass(frozen=True, slots=True)
class Members:
    """The packages of the release as the metadata lists them, in its order.

    A held package is published like any other, but nothing waits for it.
    """

    packages: tuple[Package, ...]
    held: frozenset[str] = frozenset()

    def of(self, site: Site, component: str | None) -> tuple[Package, ...]:
        """Return the packages that share a repository, without those under review."""
        return tuple(
            entry
            for entry in self.packages
            if not entry.is_under_review
            and site.component(entry.name, entry.component) == component
        )

    def components(self, site: Site) -> tuple[str | None, ...]:
        """Return the components of the tree by name; only None if it has no components."""
        return _distinct(site.component(entry.name, entry.component) for entry in self.packages)


def _distinct(values: Iterable[str | None]) -> tuple[str | None, ...]:
    return tuple(sorted(set(values), key=lambda value: value or ""))
