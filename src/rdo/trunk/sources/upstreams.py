"""How far the upstreams of a package have been planned; most packages have one.

Each upstream is followed separately. Forks have commits in common; such a commit is built once, for
the upstream in which it was first seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.model.text.url import without_secret
from rdo.store import Transaction
from rdo.trunk.sources.history import History


@dataclass(frozen=True, slots=True)
class Planned:
    """What was planned of a package before.

    `newest` is its newest commit. `of_each` has, by the URL of an upstream, the commit after which
    its new commits begin; an upstream without an entry is new.
    """

    newest: Commit | None = None
    of_each: Mapping[str, Commit] = field(default_factory=dict)

    @classmethod
    def read(
        cls, at: Transaction, target: str, package: Package, histories: Sequence[History]
    ) -> "Planned":
        newest = at.commits.newest(target, package.name)
        if newest is None:
            return cls()
        if len(package.upstreams) == 1:  # whatever its URL was before: a package may move
            return cls(newest, {history.url: newest for history in histories})
        urls = {without_secret(url) for url in package.upstreams}
        followed = at.commits.newest(target, package.name, of=urls)
        return cls(followed or newest, _of_each(at, target, package.name, urls, histories))


def _of_each(
    at: Transaction, target: str, package: str, urls: set[str], histories: Sequence[History]
) -> dict[str, Commit]:
    left = at.commits.newest(target, package, but=urls)  # perhaps of an upstream that has moved
    found: dict[str, Commit] = {}
    for history in histories:
        others = urls - {history.url}
        last = at.commits.newest(target, package, of=others, upstream_hash=history.head)
        last = last or at.commits.newest(target, package, of={history.url})
        if last is None and left and history.since(left.upstream_hash) is not None:
            last, left = left, None
        if last:
            found[history.url] = last
    return found
