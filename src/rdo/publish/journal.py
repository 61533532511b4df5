"""Changes of a target's published tree: one at a time, each complete or not at all.

Every change has the same steps. The new directory is written beside its place and synced to the
disk. One transaction records it, together with an intent that describes how the tree must change.
Then the tree is changed, and the intent is closed. After a kill before the transaction, nothing has
happened; after a later kill, the next holder of the publish lock carries out the intent.
"""

import contextlib
import errno
import logging
import shutil
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path

from rdo import lock
from rdo.cancellation import uninterrupted
from rdo.errors import NoSpaceError, RefusedError
from rdo.publish import pool, signed
from rdo.publish.change import TreeChange, carry_out
from rdo.publish.upkeep.needed import References, needed
from rdo.store import Store, Transaction

log = logging.getLogger(__name__)

FRESH = ".publishing"
"""The folder in the tree in which directories are prepared."""


class TreeJournal:
    """The changes of the tree of `target` in `folder`/repos: unfinished ones, and new ones."""

    def __init__(
        self, folder: Path, target: str, store: Store, *, clock: Callable[[], datetime]
    ) -> None:
        self.folder = folder
        self.repos = folder / "repos"
        self.references = References()
        self._target = target
        self._store = store
        self._now = clock

    @contextlib.contextmanager
    def alone(self, purpose: str) -> Iterator[None]:
        """Hold the publish lock, after finishing the open changes of killed processes."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.explaining())
            (self.repos / pool.NAME).mkdir(parents=True, exist_ok=True)
            lock_file = self.folder / "publish.lock"
            stack.enter_context(lock.hold(lock_file, purpose=purpose, wait=True))
            stack.enter_context(uninterrupted())
            with self._store.read() as at:
                unfinished = at.intents.unfinished(self._target)
            for intent in unfinished:
                log.info("finishing an interrupted change of the tree: %s", intent.payload)
                self._carry_out(intent.id, TreeChange.from_json(intent.payload))
            yield

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        """Raise NoSpaceError for a full disk; unfinished changes are redone or undone later."""
        try:
            yield
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise NoSpaceError(
                f"no space left for the tree of {self._target}",
                hint="the builds are kept; free some space, and the next round publishes them",
            ) from error

    @contextlib.contextmanager
    def deciding(self) -> Iterator[tuple[Transaction, list[TreeChange]]]:
        """Open a transaction, after which the changes of the tree that it decided on are made.

        Raises RefusedError, and changes nothing, if something that they would remove is needed.
        """
        changes: list[TreeChange] = []
        with self._store.write() as at:
            yield at, changes
            self._check_removals(at, [path for change in changes for path in change.removals])
            intents = [
                at.intents.open(self._target, "tree", change.to_json(), now=self._now())
                for change in changes
            ]
        for intent, change in zip(intents, changes, strict=True):
            self._carry_out(intent, change)

    def fresh(self, name: str) -> Path:
        """Return an empty folder on the tree's own file system, to prepare a directory in."""
        fresh = self.repos / FRESH / name
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        return fresh

    def put_aside(self, place: Path, aside: Path) -> None:
        """Move something out of the tree. Raises RefusedError if it is needed."""
        shown = str(place.relative_to(self.repos))
        with self._store.read() as at:
            self._check_removals(at, [shown])
        aside.parent.mkdir(exist_ok=True)
        place.rename(aside)

    def recover(self) -> None:
        """Finish the change that a killed process has begun; called when a round starts."""
        with self.alone("recovering"):  # entering it finishes unfinished changes
            shutil.rmtree(self.repos / FRESH, ignore_errors=True)
            shutil.rmtree(self.folder / signed.WORK, ignore_errors=True)
            for pattern in (".*.new", "packages/.*.new", "component/*/.*.new"):  # left by `atomic`
                for left in self.repos.glob(pattern):
                    left.unlink()

    def finish(self) -> None:
        """Carry out changes that a killed process has decided on, if there are any."""
        with self._store.read() as at:
            unfinished = at.intents.unfinished(self._target)
        if unfinished:
            with self.alone("finishing"):
                pass  # entering the context has finished them

    def _check_removals(self, at: Transaction, going: Collection[str]) -> None:
        """Raise RefusedError if one of these places of the tree is needed."""
        if not going:
            return
        found = needed(at, self.folder, self._target, going, self.references)
        for place in going:
            if who := found.who(place):
                raise RefusedError(
                    f"{place} is not removed from the tree of {self._target}: {who}",
                    hint="nothing was removed",
                )

    def _carry_out(self, intent: int, change: TreeChange) -> None:
        carry_out(change, self.repos)
        with self._store.write() as at:
            at.intents.close(intent, now=self._now())
