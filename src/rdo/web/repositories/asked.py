"""The sets of builds that a URL names."""

import re
from dataclasses import dataclass

from rdo.app.targets import OpenTarget
from rdo.errors import ConfigError, NotFoundError
from rdo.promotion.compositions import Composition, change, find

_FORM = re.compile(
    r"(?P<target>[A-Za-z0-9][A-Za-z0-9._-]{0,99})"
    r"(?P<builds>(\+[0-9]{1,18}){0,20})"
    r"@(?P<where>[A-Za-z0-9][A-Za-z0-9._:+@-]{0,99})"
)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-")


@dataclass(frozen=True, slots=True)
class AskedSet:
    """A set of builds named in a URL: `TARGET@TIME`, `TARGET+BUILD@NAME`.

    `where` is read by `compositions.find`: a name, the start of a path, or a name at a time.
    `builds` replace those of their packages there.
    """

    target: str
    builds: tuple[int, ...]
    where: str

    @classmethod
    def parse(cls, text: str) -> "AskedSet":
        """Return the set that a part of a URL names.

        >>> AskedSet.parse("master-el10+41+7@2026-11-20T10:00")
        AskedSet(target='master-el10', builds=(7, 41), where='@2026-11-20T10:00')

        Raises ConfigError for any other text.
        """
        found = _FORM.fullmatch(text)
        if not found:
            raise ConfigError(
                f"{text[:100]!r} names no repository: write TARGET@2026-11-20T10:00, in UTC, "
                "TARGET@NAME or TARGET+BUILD@NAME, with 20 builds at most"
            )
        where = found["where"]
        builds = {int(number) for number in found["builds"].split("+")[1:]}
        moment = f"@{where}" if _TIME.match(where) else where
        return cls(found["target"], tuple(sorted(builds)), moment)

    def choose(self, opened: OpenTarget) -> Composition:
        """Return the builds of the set.

        Raises NotFoundError for a name, time or build that does not exist, or whose RPMs were
        purged; ConfigError for an invalid time, or two builds of the same package.
        """
        base = find(opened, self.where)
        with opened.store.read() as at:
            found = {number: at.builds.find(opened.name, number) for number in self.builds}
        for number, build in found.items():
            if build is None:
                raise NotFoundError(f"{opened.name} has no build {number}")
        instead = [f"{build.package}={number}" for number, build in found.items() if build]
        return change(opened, base, instead)
