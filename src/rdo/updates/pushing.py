"""Push updates to users, and take them back.

A push can be killed anywhere and repeated: RPMs that are already there are left alone, and the
commit that marks the update as *pushed* comes last.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import RefusedError, UserError
from rdo.signing import Signer
from rdo.updates.checking import FindingWeight, UpdateChecker
from rdo.updates.repository import Update, UpdateRepository
from rdo.updates.state import UpdateState
from rdo.updates.yum_folder import YumFolder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PushedUpdate:
    """The result for one update; `fault` is empty if it was pushed. `files` are its RPMs."""

    id: str
    fault: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pusher:
    """Pushes the updates of a repository into yum repositories whose paths begin with `base`."""

    repository: UpdateRepository
    checker: UpdateChecker
    base: str
    signer: Signer | None = None

    def push(self, updates: Sequence[Update], *, is_dry: bool = False) -> list[PushedUpdate]:
        """Push updates that are ready, each group together or not at all."""
        if not is_dry:
            self.repository.catch_up()  # after a killed push there may be nothing left to push
        faults = {update.id: self._fault(update) for update in updates}
        done = []
        for update in updates:
            group = [one for one in updates if _group(one) == _group(update)]
            bad = next((one for one in group if faults[one.id]), None)
            if bad is not None:
                same = f"{bad.id} of its group cannot be pushed"
                done.append(PushedUpdate(update.id, faults[update.id] or same))
            else:
                done.append(self._push(update, is_dry=is_dry))
        return done

    def _fault(self, update: Update) -> str:
        """Return why an update cannot be pushed; empty if it can."""
        if update.state is not UpdateState.READY:
            return f"it is in {update.state}, not in {UpdateState.READY}"
        if update.file is None:
            return update.fault
        errors = [
            one for one in self.checker.check(update.file) if one.weight is FindingWeight.ERROR
        ]
        return "; ".join(f"{one.build}: {one.text}" if one.build else one.text for one in errors)

    def _push(self, update: Update, *, is_dry: bool) -> PushedUpdate:
        content = update.content()
        files: list[str] = []
        try:
            places = list(dict.fromkeys(build.place for build in content.builds))
            for place in places:
                builds = [build for build in content.builds if build.place == place]
                rpms = [
                    path
                    for build in builds
                    for path in self.checker.sources.get(build.source).rpms(build)
                ]
                users = YumFolder(Path(f"{self.base}{place}"), self.signer)
                names = tuple(path.name for path in rpms) if is_dry else users.add(rpms)
                log.info("%s: %d RPMs in %s", update.id, len(names), users.folder)
                files += [f"{users.folder}/{name}" for name in names]
        except UserError as error:
            return PushedUpdate(update.id, str(error))
        if not is_dry:
            message = f"Push {update.id}"
            self.repository.move(update, UpdateState.PUSHED, message, tuple(files))
        return PushedUpdate(update.id, files=tuple(files))

    def rollback(self, update: Update) -> tuple[str, ...]:
        """Take a pushed update back, so that users no longer get its RPMs; return their paths.

        Raises RefusedError for an update that is not pushed, or whose RPMs are elsewhere.
        """
        if update.state is not UpdateState.PUSHED:
            raise RefusedError(f"{update.id} is in {update.state}, not in {UpdateState.PUSHED}")
        files = self.repository.pushed_files(update)
        places: dict[Path, set[str]] = {}
        for file in files:
            places.setdefault(Path(file).parent, set()).add(Path(file).name)
        allowed = {Path(f"{self.base}{build.place}") for build in update.content().builds}
        for place in places:
            if place not in allowed:
                raise RefusedError(f"{update.id} was pushed to {place}, not below {self.base}")
        for place, names in places.items():
            YumFolder(place, self.signer).take_out(names)
        self.repository.move(update, UpdateState.ROLLBACK, f"Roll back {update.id}")
        return files


def _group(update: Update) -> str:
    """Return the group with which an update is pushed; without a group, the update alone."""
    return (update.file.group if update.file else "") or f"\0{update.id}"
