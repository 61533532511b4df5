"""Find versions that go backwards, which clients do not install by themselves."""

from collections.abc import Iterable
from dataclasses import dataclass

from rdo.model.artifact import Artifact
from rdo.model.nevra import Nevra


@dataclass(frozen=True, slots=True)
class Backwards:
    """A binary RPM that is older, by rpm's comparison, than the one it replaces."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return (
            f"{self.name} goes back from {self.before} to {self.after}; "
            f"hosts that have it installed must run: dnf distro-sync {self.name}"
        )


def gone_backwards(before: Iterable[Artifact], after: Iterable[Artifact]) -> tuple[Backwards, ...]:
    """Return the binary RPMs of a build that are older than those of the build before."""
    old = {one.nevra.name: one.nevra for one in before if not one.is_source}
    new = {one.nevra.name: one.nevra for one in after if not one.is_source}
    return tuple(
        Backwards(name, _evr(old[name]), _evr(nevra))
        for name, nevra in new.items()
        if name in old and _is_older(nevra, old[name])
    )


def _is_older(one: Nevra, other: Nevra) -> bool:
    return compare_evr(_label(one), _label(other)) < 0


def compare_evr(one: tuple[str, str, str], other: tuple[str, str, str]) -> int:
    """Return a number less than, equal to or greater than 0, as rpm orders two versions."""
    import rpm  # rpm's own comparison; imported only to publish

    compared: int = rpm.labelCompare(one, other)
    return compared


def _label(nevra: Nevra) -> tuple[str, str, str]:
    return str(nevra.epoch), nevra.version, nevra.release


def _evr(nevra: Nevra) -> str:
    epoch = f"{nevra.epoch}:" if nevra.epoch else ""
    return f"{epoch}{nevra.version}-{nevra.release}"
