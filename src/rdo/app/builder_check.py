"""Reports for operators about builders: which packages use each one, and whether it works."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rdo.builders.protocol import build_and_wait
from rdo.builders.trial import trial_job, trial_now
from rdo.config.builders import names_of
from rdo.errors import CommandError, OutsideError, RefusedError
from rdo.log_tail import read_tail
from rdo.model.build import BUILD_LOG, Built, Failed, Outcome, Waiting

if TYPE_CHECKING:
    from rdo.app.workplaces import Workplace, Workplaces
    from rdo.config import Settings

_MOST_REQUESTS = 5


@dataclass(frozen=True, slots=True)
class PackageOfBuilder:
    """A package that is built by another builder than its target's own."""

    target: str
    package: str
    reason: str


@dataclass(frozen=True, slots=True)
class ListedBuilder:
    """A builder in the configuration and what it builds; `workers` None: the target decides."""

    name: str
    kind: str
    workers: int | None
    targets: tuple[str, ...]
    packages: tuple[PackageOfBuilder, ...]


@dataclass(frozen=True, slots=True)
class CheckedBuilder:
    """A builder that works; `seconds` is how long a trial build took, None if there was no trial.

    `rights` are sentences about the user it works as, and what that user may do.
    """

    name: str
    kind: str
    target: str
    rights: tuple[str, ...]
    seconds: float | None
    rpms: tuple[str, ...] = ()


def list_builders(settings: "Settings") -> list[ListedBuilder]:
    """Return all builders with the targets and packages that use them."""
    found = []
    for name in names_of(settings.builders):
        named = settings.builder(name)
        found.append(
            ListedBuilder(
                name,
                str(named.kind),
                named.section.workers,
                tuple(one for one, section in settings.targets.items() if section.builder == name),
                tuple(
                    PackageOfBuilder(target, package, one.reason)
                    for target, section in settings.targets.items()
                    for package, one in section.package_builders.items()
                    if one.builder == name
                ),
            )
        )
    return found


def target_for(settings: "Settings", builder: str, target: str | None) -> str:
    """Return the target to check a builder for: the one named, one that uses it, or the only one.

    Raises ConfigError if none is named, none uses it and there are several.
    """
    if target:
        return settings.only_target(target)
    users = [name for name in settings.targets if builder in settings.builders_of(name)]
    return users[0] if users else settings.only_target(None)


def check_builder(
    places: "Workplaces", name: str, target: str, *, has_build: bool = True
) -> CheckedBuilder:
    """Check that a builder works for a target, and measure how long a trial build takes.

    Raises a UserError that says what is missing: a program, a right, or a server that answers.
    """
    named = places.settings.builder(name)
    place = places.open(name, target)
    rights = tuple(place.builder.examine())
    if not has_build:
        return CheckedBuilder(name, named.kind, target, rights, None)
    folder = places.settings.data / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rdo-trial-", dir=folder) as made:
        started = time.monotonic()
        outcome = _try(place, Path(made))
        seconds = round(time.monotonic() - started, 1)
        rpms = _rpms_of(name, outcome, Path(made))
    return CheckedBuilder(name, named.kind, target, rights, seconds, rpms)


def _try(place: "Workplace", folder: Path) -> Outcome:
    job = trial_job(folder, now=trial_now())
    for _ in range(_MOST_REQUESTS):
        outcome = build_and_wait(place.builder, job)
        if not isinstance(outcome, Waiting) or place.bridge.provide(outcome.needs).missing:
            break
    return outcome


def _rpms_of(name: str, outcome: Outcome, folder: Path) -> tuple[str, ...]:
    """Return the RPMs of a good trial; raise an error with the end of the log for any other."""
    if isinstance(outcome, Built):
        return tuple(sorted(path.name for path in outcome.rpms))
    if isinstance(outcome, Waiting):
        said: Sequence[str] = ("nothing provides", ", ".join(outcome.needs))
        raise RefusedError(f"the trial of builder {name} cannot be built: {' '.join(said)}")
    raise _error(name, outcome, folder)


def _error(name: str, failed: Failed, folder: Path) -> CommandError | OutsideError:
    tail = read_tail(folder / "build" / BUILD_LOG).splitlines()[-5:]
    text = f"the trial of builder {name} failed: {failed.reason}: {failed.detail}"
    kind = OutsideError if failed.reason.is_spurious else CommandError
    return kind("\n".join([text, *tail]))
