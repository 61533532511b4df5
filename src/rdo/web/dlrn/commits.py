"""DLRN's way to name a repository: by the hashes of its commit."""

from dataclasses import dataclass

from rdo.store import Transaction
from rdo.store.given.repositories import Repository
from rdo.store.work.builds import Build
from rdo.web.answers import ApiError
from rdo.web.dlrn.endpoint import Endpoint
from rdo.web.dlrn.inputs import Inputs

NOT_FOUND = "commit_hash+distro_hash+extended_hash combination not found"
_NO_HASH = "None"


@dataclass(frozen=True, slots=True)
class Hashes:
    """The hashes that a client sends; without an extended one, the newest build is meant."""

    commit: str
    distro: str
    extended: str | None = None

    @classmethod
    def read(cls, inputs: Inputs) -> "Hashes":
        """Read the hashes; the first two are required."""
        commit, distro = inputs.needed("commit_hash", "distro_hash")
        return cls(commit, distro, extended_hash(inputs))

    def __str__(self) -> str:
        return f"{self.commit}_{self.distro}_{self.extended}"

    def build(self, at: Transaction, target: str) -> Build | None:
        """Return the newest published build of the commit."""
        return at.builds.published_of(target, self.commit, self.distro, self.extended)


def extended_hash(inputs: Inputs) -> str | None:
    """Return the extended hash; an empty one or the word None means that there is none."""
    text = inputs.text("extended_hash")
    return None if text in {None, "", _NO_HASH} else text


def component_of(endpoint: Endpoint, build: Build) -> str | None:
    """Return the component of a build; None if the target has no components."""
    has_components = endpoint.service.settings.target(endpoint.target).components
    return build.commit.component if has_components else None


def needed_build(at: Transaction, target: str, hashes: Hashes, message: str = NOT_FOUND) -> Build:
    """Return the newest published build of a commit. Raises ApiError 400 if there is none."""
    build = hashes.build(at, target)
    if build is None:
        raise ApiError(400, message)
    return build


def needed_repository(at: Transaction, build: Build, message: str) -> Repository:
    """Return the hash repository of a build. Raises ApiError 410 if it was purged."""
    repository = at.repositories.of_build(build.target, build.id)
    if repository is None or repository.removed is not None:
        raise ApiError(410, message)
    return repository
