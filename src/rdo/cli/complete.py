"""Complete values: targets, packages, builds, repositories, platforms and releases.

The values come from this machine only; if the configuration is faulty, nothing is completed.
"""

import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import TypeAlias

import click

from rdo.app import App
from rdo.errors import UserError

Completer: TypeAlias = Callable[[click.Context, click.Parameter, str], list[str]]


def _completer(known: Callable[[App, str | None], Iterable[str]]) -> Completer:
    def complete(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
        """Return the known names that begin like this; none if the configuration is faulty."""
        root = context.find_root().params
        app = App(root.get("folder"), root.get("options") or {})
        app.reads_only, app.metadata_max_age_seconds = True, float("inf")
        logging.disable()  # a warning would appear in the command line
        try:
            names = list(known(app, context.params.get("target")))
        except (UserError, OSError):
            return []
        finally:
            logging.disable(logging.NOTSET)
            with contextlib.suppress(UserError):
                app.close()
        return sorted(name for name in set(names) if name.startswith(begun))

    return complete


def _packages(app: App, target: str | None) -> Iterable[str]:
    for one in app.settings.chosen_targets(target):
        yield from (package.name for package in app.packages(one).packages)


def _builds(app: App, target: str | None) -> Iterable[str]:
    from rdo.trunk.views.status import newest_builds

    yield from newest_builds(app.store, app.settings.chosen_targets(target))
    yield from _packages(app, target)


def _repositories(app: App, target: str | None) -> Iterable[str]:
    from rdo.promotion.listing import in_tree

    for one in app.settings.chosen_targets(target):
        for listed in in_tree(app.target(one), limit=20):
            yield from (*listed.names, listed.path)


def _names(app: App, target: str | None) -> Iterable[str]:
    from rdo.promotion.listing import in_tree

    for one in app.settings.chosen_targets(target):
        for listed in in_tree(app.target(one), limit=1):
            yield from listed.names


def _entries(app: App, _target: str | None) -> Iterable[str]:
    return (str(entry["name"]) for entry in app.distribution.entries())


targets = _completer(lambda app, _: app.settings.targets)
packages = _completer(_packages)
builds = _completer(_builds)
names = _completer(_names)
repositories = _completer(_repositories)
platforms = _completer(lambda app, _: app.platforms.names())
releases = _completer(lambda app, _: (one.name for one in app.distribution.releases))
entries = _completer(_entries)
