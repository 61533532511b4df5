"""The answer of `rdo why` for any name: a package, an RPM, a requirement, of any target."""

import contextlib

from rdo.app import App
from rdo.bridge.lock_file import LockFile
from rdo.errors import NotFoundError
from rdo.metadata import Distribution
from rdo.model.nevra import Nevra
from rdo.trunk.context import open_trunk
from rdo.trunk.views.why import Known, Why, explain, not_found
from rdo.trunk.views.why_bridged import explain_bridged, with_beginning


def explain_in_targets(app: App, target: str | None, name: str) -> list[Why]:
    """Explain `name` in the named target, or in every target that knows it.

    Raises NotFoundError if no target does.
    """
    found: list[Why] = []
    unknown: NotFoundError | None = None
    for one in app.settings.chosen_targets(target):
        try:
            found.append(explain_anything(app, one, name))
        except NotFoundError as error:
            unknown = error
    if unknown and not found:
        raise unknown
    return found


def explain_anything(app: App, target: str, name: str) -> Why:
    """Explain a package of the release, else a bridged package, else one in the metadata.

    Raises NotFoundError if it is none of these.
    """
    trunk = open_trunk(app, target)
    known = Known.of(trunk)
    if name.endswith(".rpm"):
        with contextlib.suppress(ValueError):  # it is a name that only looks like a file name
            name = Nevra.parse(name).name
    if package := known.named(name):
        outside = LockFile.read(app.bridges.last_resort_lock_file(target)).entries
        return with_beginning(explain(known, package), trunk.packages[package], outside)
    bridged = explain_bridged(known, name, LockFile.read(app.bridges.lock_file(target)))
    return bridged or not_found(known.view, name, _releases_with(app.distribution, name))


def _releases_with(distribution: Distribution, name: str) -> set[str]:
    """Return the releases of the metadata that have a package or project of this name."""
    releases = {release.name for release in distribution.releases}
    entries = distribution.entries()
    named = (entry for entry in entries if name in {entry["name"], entry.get("project")})
    return releases & {tag for entry in named for tag in entry.get("tags") or ()}
