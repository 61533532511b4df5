"""Several builds of `rdo build`, one after the other; in a chain each can use the earlier ones."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rdo.distgit.local_build import LocalBuild, check_source
from rdo.errors import RefusedError
from rdo.model.build import Built, Failed, FailureReason, Outcome
from rdo.model.repo_file import OWN
from rdo.roots.platform.dnf_base import check_urls, repositories_at
from rdo.roots.platform.platforms import BaseLayer
from rdo.tools.rpm.createrepo import CreateRepo


@dataclass(frozen=True, slots=True)
class LocalOutcome:
    """A build and its outcome; None if it was not tried, after a failure in its chain."""

    job: LocalBuild
    outcome: Outcome | None


def check_sources(sources: Sequence[Path]) -> None:
    """Raise NotFoundError or RefusedError for sources that cannot be built; makes nothing."""
    for source in sources:
        check_source(source)
    names = [place_of(source) for source in sources]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RefusedError(f"there are several sources named {', '.join(twice)}")


def place_of(source: Path) -> str:
    """Return a folder name for one of several builds.

    >>> place_of(Path("x/python-foo-1.0-1.src.rpm")), place_of(Path("python-foo.spec"))
    ('python-foo-1.0-1', 'python-foo')
    """
    return re.sub(r"(\.src)?\.rpm$|\.spec$", "", source.name)


def build_each(
    jobs: Sequence[LocalBuild], build: Callable[[LocalBuild], Outcome], *, is_chain: bool
) -> Iterator[LocalOutcome]:
    """Build one job after the other, and yield each outcome.

    In a chain each build may require packages of the earlier ones, and the first failure ends the
    chain. A source for another architecture is not a failure.
    """
    with tempfile.TemporaryDirectory(prefix="rdo-chain-") as scratch:
        chain = RpmFolder(Path(scratch) / "built")
        is_over = False
        for job in jobs:
            if is_over:
                yield LocalOutcome(job, None)
                continue
            own = (chain.folder,) if chain.rpms else ()
            outcome = build(replace(job, repositories=(*own, *job.repositories)))
            yield LocalOutcome(job, outcome)
            if is_chain and isinstance(outcome, Built):
                chain.add(outcome.rpms)
            is_over = is_chain and not (isinstance(outcome, Built) or _is_excluded(outcome))


def _is_excluded(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.reason is FailureReason.ARCHITECTURE


@dataclass(frozen=True, slots=True)
class RpmFolder:
    """A folder of copied RPMs, with repodata about them.

    They are copied because repodata is made in the sandbox, which sees only this folder.
    """

    folder: Path
    rpms: dict[str, Path] = field(default_factory=dict)

    def add(self, rpms: Sequence[Path]) -> None:
        """Add binary RPMs, and write the repodata again."""
        new = {path.name: path.resolve() for path in rpms if not path.name.endswith(".src.rpm")}
        self.rpms.update(new)
        self.folder.mkdir(exist_ok=True)
        for name, path in new.items():
            shutil.copyfile(path, self.folder / name)
        CreateRepo().create(self.folder)


@dataclass(frozen=True, slots=True)
class GivenRepositories:
    """Repositories named on the command line: folders with repodata, and URLs.

    `scratch` is the folder for files downloaded from the URLs.
    """

    folders: tuple[Path, ...]
    urls: tuple[str, ...]
    scratch: Path

    def added_to(self, base: BaseLayer) -> BaseLayer:
        """Return the base layer with the repositories at the URLs; fetches their metadata.

        Raises RefusedError for a text that is not a URL, OutsideError for a repository that cannot
        be read.
        """
        if not self.urls:
            return base
        found = repositories_at(self.urls, base.platform, self.scratch / "urls", priority=OWN)
        return replace(base, repositories=(*base.repositories, found))


@contextlib.contextmanager
def repositories_of(
    folders: Sequence[Path], urls: Sequence[str] = ()
) -> Iterator[GivenRepositories]:
    """Yield repositories for URLs, and for folders, which may hold RPMs without repodata.

    Nothing is written into the folders. Raises RefusedError for a folder without RPMs and repodata,
    or for a text that is not the URL of a repository.
    """
    check_urls(urls)
    with tempfile.TemporaryDirectory(prefix="rdo-repo-") as scratch:
        found = []
        for number, folder in enumerate(folders):
            if (folder / "repodata/repomd.xml").is_file():
                found.append(folder)
                continue
            rpms = sorted(path for path in folder.rglob("*.rpm") if path.is_file())
            if not rpms:
                raise RefusedError(
                    f"{folder} has neither repodata nor RPMs", hint="name a folder with RPMs"
                )
            made = RpmFolder(Path(scratch) / str(number))
            made.add(rpms)
            found.append(made.folder)
        yield GivenRepositories(tuple(found), tuple(urls), Path(scratch))
