"""Record traces: the git commits in the sources of commits, and the ids in their messages.

Each source is read once, from the head that was read last to the next one, so that `rdo repo
contains` does not need git. Of the history below a package's first commit only the ids are stored:
the git commits of all upstreams would be too many.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rdo.cancellation import in_threads
from rdo.errors import CancelledError, UserError, in_short, is_of_the_machine
from rdo.model.package import Package
from rdo.model.text.ids import ids_in
from rdo.model.text.url import is_on_pypi
from rdo.store.work.traces import Trace, TracedSource, UntracedCommit
from rdo.tools.git.mirror import Mirror
from rdo.trunk.context import Trunk

log = logging.getLogger(__name__)

_AT_ONCE = 4
_PACKAGES = 16  # written in one transaction


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read for the commits of one package."""

    package: str
    commits: tuple[UntracedCommit, ...]
    heads: Mapping[TracedSource, str]
    traces: tuple[Trace, ...]


def trace_commits(trunk: Trunk, packages: Sequence[Package]) -> None:
    """Read the sources of those commits of packages that were not read yet.

    If killed, it has stored what was read of whole packages. A package that cannot be read is tried
    again in the next round.
    """
    with trunk.store.read() as at:
        untraced = at.traces.untraced_packages(trunk.name)
    todo = [package for package in packages if package.name in untraced]
    for start in range(0, len(todo), _PACKAGES):
        some = todo[start : start + _PACKAGES]
        found = in_threads(
            lambda package: _try_to_read(trunk, package), some, at_once=_AT_ONCE, name="trace"
        )
        with trunk.store.write() as at:
            for one in filter(None, found):
                at.traces.keep(
                    trunk.name,
                    one.package,
                    heads=one.heads,
                    traces=one.traces,
                    commits=one.commits,
                )


def _try_to_read(trunk: Trunk, package: Package) -> _Read | None:
    try:
        return _read(trunk, package)
    except CancelledError:
        raise
    except Exception as error:
        if is_of_the_machine(error):
            raise
        unexpected = None if isinstance(error, UserError) else error
        log.warning(
            "the messages of %s cannot be read: %s",
            package.name,
            in_short(error),
            exc_info=unexpected,
        )
        return None


def _read(trunk: Trunk, package: Package) -> _Read | None:
    """Return the traces in the sources of a package; None if a mirror is missing."""
    with trunk.store.read() as at:
        commits = at.traces.untraced(trunk.name, package.name)
        last = at.traces.heads(trunk.name, package.name)
    states: dict[TracedSource, dict[int, str]] = {}
    mirrors: dict[TracedSource, Mirror] = {}
    for one in commits:
        distgit = TracedSource(is_distgit=True)
        states.setdefault(distgit, {})[one.position] = package.spec_hash(one.commit)
        mirrors[distgit] = trunk.remotes.distgit(package)
        if not is_on_pypi(package.upstream_of(one.commit)):
            upstream = TracedSource(upstream=one.commit.upstream)
            states.setdefault(upstream, {})[one.position] = one.commit.upstream_hash
            if upstream not in mirrors:  # git finds it among several
                mirrors[upstream] = trunk.remotes.upstream(package, one.commit)
    if not all(mirror.path.is_dir() for mirror in mirrors.values()):
        return None
    traces: list[Trace] = []
    for source, mirror in mirrors.items():
        folder = package.distgit_path if source.is_distgit else ""
        messages = _Messages(mirror)
        for step in follow(mirror, last.get(source, ""), states[source], folder=folder):
            last[source] = step.head
            traces += _traces(source, step, messages)
    return _Read(package.name, commits, last, tuple(traces))


@dataclass(frozen=True, slots=True)
class SourceStep:
    """The step from one head of a source to the next: the git commits gained and lost.

    `is_first` is the step from no head. `now` is everything that the head descends from, as far as
    it is known; it changes with the next step.
    """

    position: int
    head: str
    gained: Collection[str]
    lost: Collection[str]
    now: Collection[str]
    is_first: bool


def follow(
    mirror: Mirror, last: str, heads: Mapping[int, str], *, folder: str = ""
) -> Iterable[SourceStep]:
    """Return the steps from the head that was read last (or empty) to others, by position.

    Heads that the mirror lacks are left out, and so are those equal to the previous one.
    """
    if last:
        new = {**mirror.parents(heads.values(), but=last, folder=folder), last: ()}
        steps = list(_steps(new, last, heads))
        if all(head in new for head in heads.values()) and not any(step.lost for step in steps):
            return steps
    # the first time, or after a rewrite, or for an older head, all of the history is needed
    everything = mirror.parents(filter(None, (*heads.values(), last)), folder=folder)
    return _steps(everything, last if last in everything else "", heads)


def _steps(
    parents: Mapping[str, Sequence[str]], last: str, heads: Mapping[int, str]
) -> Iterator[SourceStep]:
    """Yield the steps, given a graph of git commits.

    >>> graph = {"b": ["a"], "a": [], "x": ["a"], "c": ["b"]}
    >>> for step in _steps(graph, "", {1: "b", 2: "x", 3: "x", 4: "unknown"}):
    ...     print(step.position, step.head, sorted(step.gained), sorted(step.lost))
    1 b ['a', 'b'] []
    2 x ['x'] ['b']
    """
    before = set(_ancestors(parents, last, ())) if last else set()
    for position, head in sorted(heads.items()):
        if head == last or head not in parents:
            continue
        new = set(_ancestors(parents, head, before))
        lost: set[str] = set()
        if last and not any(last in parents[one] for one in new):  # not a descendant
            now = set(_ancestors(parents, head, ()))
            new, lost, before = now - before, before - now, now
        else:
            before |= new
        yield SourceStep(position, head, new, lost, before, is_first=not last)
        last = head


def _ancestors(
    parents: Mapping[str, Sequence[str]], head: str, but: Collection[str]
) -> Iterator[str]:
    """Yield a commit and everything it descends from, as far as the graph goes."""
    seen, left = {head}, [head] if head not in but else []
    while left:
        one = left.pop()
        yield one
        following = [each for each in parents[one] if each in parents and each not in seen]
        left += [each for each in following if each not in but]
        seen.update(following)


@dataclass(frozen=True, slots=True)
class _Messages:
    """The ids in the messages of a mirror's commits; each message is read once."""

    mirror: Mirror
    read: dict[str, frozenset[str]] = field(default_factory=dict)

    def ids(self, hashes: Collection[str]) -> frozenset[str]:
        """Return the ids in the messages of some commits."""
        new = [one for one in hashes if one not in self.read]
        messages = self.mirror.messages(new)
        self.read.update((one, ids_in(messages.get(one, ""))) for one in new)
        return frozenset().union(*(self.read[one] for one in hashes))


def _traces(source: TracedSource, step: SourceStep, messages: _Messages) -> Iterator[Trace]:
    gained = messages.ids(step.gained)
    commits = {step.head} if step.is_first else step.gained
    for name in (*commits, *gained):
        yield Trace(source, name, step.position)
    if lost := messages.ids(step.lost) - gained:
        lost -= messages.ids(step.now)  # an id that another commit names is not lost
    for name in (*step.lost, *lost):
        yield Trace(source, name, step.position, is_there=False)
