"""Find the packages that a push to an upstream or distgit concerns, and request polls of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from rdo.app import App
from rdo.bell import ring
from rdo.config import Settings
from rdo.forges.addresses import place_of
from rdo.forges.announced import Pushed
from rdo.model.package import Package
from rdo.store import Transaction


def bell_of(folder: Path) -> Path:
    """Return the FIFO on which a target's loop waits for pushes; `folder` is the target's."""
    return folder / "pushes"


def packages_of(
    app: App, targets: Iterable[str], pushed: Pushed, repositories: Sequence[str]
) -> dict[str, list[str]]:
    """Return the packages built from a pushed repository, by target.

    If only the name of a project is announced, it is searched below the URLs in `repositories`.
    """
    places = {place_of(url) for url in pushed.urls}
    if pushed.project:
        places |= {place_of(f"{url.rstrip('/')}/{pushed.project}") for url in repositories}
    found = {
        target: built_from(places, {one.name: one for one in app.packages(target).packages})
        for target in targets
    }
    return {target: names for target, names in found.items() if names}


def built_from(places: set[str], packages: Mapping[str, Package]) -> list[str]:
    """Return the packages that have one of these repositories among their remotes."""
    return [
        name
        for name, package in packages.items()
        if any(place_of(url) in places for url in package.remotes)
    ]


def ask(at: Transaction, wanted: Mapping[str, Sequence[str]], by: str, *, now: datetime) -> None:
    """Record requests to poll packages now; each target's next round polls them in any case."""
    for target, packages in wanted.items():
        at.polls.ask(target, packages, by, now=now)


def tell(settings: Settings, targets: Iterable[str]) -> None:
    """Wake the loops of these targets, after the requests were committed."""
    for target in targets:
        ring(bell_of(settings.target_folder(target)))


def announce(app: App, pushed: Pushed, by: str) -> dict[str, list[str]]:
    """Request a poll of the packages built from a pushed repository; return these packages."""
    wanted = packages_of(app, app.settings.targets, pushed, ())
    if wanted:
        with app.store.write() as at:
            ask(at, wanted, by, now=app.now())
        tell(app.settings, wanted)
    return wanted
