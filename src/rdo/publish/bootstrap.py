"""The bootstrap repository: the packages built with `%{repo_bootstrap}`, for builders only.

It is never published. Each of its states is a folder named by the set of builds in it. It is
composed when it is first needed, so a build that uses it sees no change.
"""

import os
import shutil
import tempfile
from pathlib import Path

from rdo.publish import pool
from rdo.publish.consistent import set_digest
from rdo.repodata import Composer, RepositoryEntry
from rdo.store import Store
from rdo.store.work.artifacts import StoredArtifact


def directories(folder: Path, store: Store, target: str) -> tuple[Path, ...]:
    """Return the bootstrap repository of the target in `folder`; none if nothing needs it."""
    with store.read() as at:
        artifacts = at.artifacts.bootstrap(target)
        if not artifacts:
            return ()
        place = folder / "bootstrap" / set_digest(stored.build_id for stored in artifacts)
        if not place.exists():
            fragments = at.artifacts.fragments([stored.id for stored in artifacts])
            _compose(place, folder, artifacts, Composer(lambda _: fragments))
    return (place,)


def _compose(
    place: Path, folder: Path, artifacts: tuple[StoredArtifact, ...], composer: Composer
) -> None:
    place.parent.mkdir(exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    (fresh / pool.NAME).symlink_to(os.path.relpath(folder / "repos" / pool.NAME, place))
    entries = [
        RepositoryEntry(stored.id, stored.package, pool.href(stored.artifact))
        for stored in artifacts
    ]
    composer.write(fresh, [], entries, revision=max(stored.build_id for stored in artifacts))
    fresh.chmod(0o755)
    if place.exists():  # another process was faster; a state is the same whoever composes it
        shutil.rmtree(fresh)
    else:
        fresh.rename(place)
