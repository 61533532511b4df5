"""Check that the repositories named in the metadata exist and have the branches it names."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from rdo.cancellation import in_threads
from rdo.errors import UserError
from rdo.log_tail import last_line
from rdo.metadata.checking.faults import Fault, Level, MetadataError, Where
from rdo.metadata.distribution import Distribution
from rdo.metadata.explain import explain
from rdo.metadata.values import ReleaseStatus
from rdo.model.package import Package
from rdo.model.text.url import is_on_pypi
from rdo.tools.git.mirror import ls_remote

log = logging.getLogger(__name__)

AT_ONCE = 16
TIMEOUT_SECONDS = 60.0

# Returns a remote's references by full name; raises UserError if the remote does not answer.
Ask = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A branch or tag that a package needs from a repository.

    `keys` are the attributes that may name the branch or repository, the most specific first.
    """

    project: str
    keys: tuple[str, ...]
    url: str
    branch: str
    tag: str


def ask(url: str) -> Mapping[str, str]:
    """Return the references of a git remote, with a timeout suitable for a check.

    Raises UserError if it does not answer in time.
    """
    return ls_remote(url, timeout=TIMEOUT_SECONDS)


def unreachable(
    distribution: Distribution, tags: Iterable[str] = (), ask: Ask = ask, project: str = ""
) -> list[Fault]:
    """Return a fault for each remote that cannot be reached or lacks a branch.

    Checks the packages of the releases `tags` (default: all not at their end of life), or only
    those of `project`. Asks each remote once, at most 16 at a time. Accepts a branch that became
    `unmaintained/…` or a tag `…-eol`, as OpenStack's do.
    """
    releases = list(tags) or _living(distribution)
    wanted = {want for want in _wanted(distribution, releases) if project in ("", want.project)}
    urls = sorted({want.url for want in wanted})
    log.info("asking %d remotes", len(urls))
    rows = in_threads(lambda url: _answer(url, ask), urls, at_once=AT_ONCE, name="verify")
    answers = dict(zip(urls, rows, strict=True))
    faults = set()
    for want in wanted:
        if message := _missing(want, answers[want.url]):
            where = _where(distribution, want, is_there=not isinstance(answers[want.url], str))
            faults.add(Fault(Level.ERROR, "online", where, f"package {want.project}: {message}"))
    return sorted(faults, key=lambda fault: (fault.where, fault.message))


def _where(distribution: Distribution, want: _Wanted, *, is_there: bool) -> Where:
    """Return the line to fix: the branch's, or the repository's if it does not answer."""
    places = {x.key: x.where for x in explain(distribution, want.project, want.tag)}
    keys = want.keys if is_there else want.keys[1:]
    return next(places[key] for key in (*keys, "project") if key in places)


def _living(distribution: Distribution) -> list[str]:
    return [x.name for x in distribution.releases if x.status != ReleaseStatus.EOL]


def _wanted(distribution: Distribution, tags: Iterable[str]) -> Iterator[_Wanted]:
    for tag in tags:
        try:
            packages = distribution.target(tag).packages
        except MetadataError:
            continue  # the offline checks report it
        for package in packages:
            if not package.fault:
                yield from _wants_of(package, tag)


def _wants_of(package: Package, tag: str) -> Iterator[_Wanted]:
    for number, url in enumerate(package.upstreams):
        if not is_on_pypi(url):
            keys = ("source-branch", f"upstream[{number}]", "upstream")
            yield _Wanted(package.project, keys, url, package.upstream_branch, tag)
    keys = ("distro-branch", "master-distgit", "distgit")
    yield _Wanted(package.project, keys, package.distgit, package.distgit_branch, tag)


def _answer(url: str, ask: Ask) -> Mapping[str, str] | str:
    try:
        return ask(url)
    except UserError as error:
        return last_line(str(error))


def _missing(want: _Wanted, answer: Mapping[str, str] | str) -> str:
    if isinstance(answer, str):
        return f"{want.url} cannot be reached: {answer}"
    if re.fullmatch(r"[0-9a-f]{7,64}", want.branch):
        return ""  # a commit, which only a fetch could find
    series = want.branch.removeprefix("stable/")
    names = (
        f"refs/heads/{want.branch}",
        f"refs/tags/{want.branch}",
        f"refs/heads/unmaintained/{series}",
        f"refs/tags/{series}-eol",
    )
    if any(name in answer for name in names):
        return ""
    return f"{want.url} has no branch or tag {want.branch}, which {want.tag} needs"
