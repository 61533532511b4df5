"""Decide what a build with unmet requirements does: wait for others, ask the bridge, or fail."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rdo.store.work.builds import Build
from rdo.store.work.packages import PackageBuilds
from rdo.trunk.order.providers import Providers


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to the unmet requirements of one build.

    `behind` are packages to wait for, `bridge` what only others may have, `hopeless` what the
    release itself packages but does not provide. If all are empty, the build may try again.
    """

    behind: frozenset[str] = frozenset()
    bridge: tuple[str, ...] = ()
    hopeless: tuple[str, ...] = ()


@dataclass(slots=True)
class Standing:
    """The states of the release's packages in this round, as far as requirements depend on them.

    `good` have published RPMs; `ftbfs` fail now. Packages `under_review` are built but enter no
    repository, so nobody gets them; `elsewhere` are packages with queued builds that are not for
    this round. A counter is increased for each publication and each start, to know which came
    first.
    """

    providers: Providers
    good: set[str] = field(default_factory=set)
    ftbfs: set[str] = field(default_factory=set)
    under_review: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    _turn: int = 0
    _published: dict[str, int] = field(default_factory=dict)
    _started: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        providers: Providers,
        states: Iterable[PackageBuilds],
        *,
        under_review: frozenset[str] = frozenset(),
        elsewhere: frozenset[str] = frozenset(),
    ) -> "Standing":
        """Return the states of packages by their last builds; reviewed ones provide nothing."""
        standing = cls(providers, under_review=under_review, elsewhere=elsewhere)
        for state in states:
            if state.good and state.package not in under_review:
                standing.good.add(state.package)
            if state.is_ftbfs:
                standing.ftbfs.add(state.package)
        return standing

    def started(self, build: Build) -> None:
        self._turn += 1
        self._started[build.id] = self._turn

    def published(self, build: Build, provides: Iterable[str]) -> None:
        """Record a publication; a bootstrap build counts for builds that ask again."""
        self.providers.learn(build.package, provides)
        if build.package in self.under_review:
            return
        self._turn += 1
        self._published[build.package] = self._turn
        if not build.bootstrap:
            self.good.add(build.package)
            self.ftbfs.discard(build.package)

    def failed(self, build: Build) -> None:
        self.ftbfs.add(build.package)

    def will_be_retried(self, build: Build) -> None:
        """Record that a later round builds it again."""
        self.elsewhere |= {build.package}

    def judge(self, build: Build, needs: Iterable[str], others: frozenset[str]) -> Verdict:
        """Decide on the requirements of `build`; `others` are packages of all other builds."""
        behind: set[str] = set()
        bridge: list[str] = []
        hopeless: list[str] = []
        for need in needs:
            candidates = self.providers.of(need)
            if not candidates:
                bridge.append(need)
            elif not any(self._is_news(build, name) for name in candidates):
                awaited = {name for name in candidates if self._may_come(name, others)}
                behind |= awaited
                if not awaited:
                    (hopeless if self.providers.are_sure_of(need) else bridge).append(need)
        return Verdict(frozenset(behind), tuple(bridge), tuple(hopeless))

    def _is_news(self, build: Build, package: str) -> bool:
        """Whether `package` was published after the build started and looked for it."""
        return self._published.get(package, -1) > self._started.get(build.id, 0)

    def _may_come(self, package: str, others: frozenset[str]) -> bool:
        is_open = package in others or package in self.elsewhere
        return is_open or package in self.ftbfs or package not in self.good
