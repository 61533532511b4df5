"""The dependency repository of a target: what came from PyPI, chosen once and locked.

The lock file names every distribution with its hash. Each set of them is a snapshot, a folder
`<16 hex digits>/` with RPMs and repodata that never changes; the lock file says which counts.
"""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rdo import atomic, lock
from rdo.bridge.protocol import Provision
from rdo.bridge.wheels import WheelStore
from rdo.errors import CommandError, ConfigError, OutsideError
from rdo.python_names import python_requirement
from rdo.repodata import Composer, read_rpm
from rdo.tools.pip import Pip, Resolved, UnresolvableError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Locked:
    """One distribution of the lock file; `asked_by` are the RPM dependencies that brought it."""

    resolved: Resolved
    asked_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LockFile:
    """What the dependency repository holds, and the snapshot that is made of it."""

    entries: tuple[Locked, ...] = ()
    snapshot: str = ""

    @classmethod
    def read(cls, path: Path) -> "LockFile":
        """The lock file at `path`; an empty one when there is none yet."""
        try:
            table = json.loads(path.read_text())
            entries = tuple(_entry(row) for row in table["packages"])
            return cls(entries, table["snapshot"])
        except FileNotFoundError:
            return cls()
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path} is damaged: {error}; restore it or remove it") from error

    def write(self, path: Path) -> None:
        rows = [{**asdict(one.resolved), "asked_by": one.asked_by} for one in self.entries]
        text = json.dumps({"snapshot": self.snapshot, "packages": rows}, indent=1)
        atomic.write_file(path, text + "\n")


def _entry(row: dict[str, object]) -> Locked:
    asked_by = row.pop("asked_by")
    requires = row.pop("requires")
    assert isinstance(asked_by, list)
    assert isinstance(requires, list)
    return Locked(Resolved(**row, requires=tuple(requires)), tuple(asked_by))  # type: ignore[arg-type]  # checked by the caller's except


@dataclass(frozen=True, slots=True)
class RepoFile:
    """The .repo file by which dnf finds the snapshot that counts, below `url`."""

    path: Path
    repo_id: str
    url: str

    def write(self, snapshot: str) -> None:
        atomic.write_file(
            self.path,
            f"[{self.repo_id}]\nname={self.repo_id}-{snapshot}\nbaseurl={self.url}/{snapshot}\n"
            "enabled=1\ngpgcheck=0\npriority=50\n",
        )


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Brings in Python packages that neither the release nor the base provides.

    `own` are the canonical Python names of what the release packages itself: those are never
    bridged. `snapshots` is the folder of snapshots, `lock_file` the choice that counts.
    """

    wheels: WheelStore
    pip: Pip
    snapshots: Path
    lock_file: Path
    own: frozenset[str] = frozenset()
    repo_file: RepoFile | None = None

    def repository(self) -> Path | None:
        """The snapshot that counts now; None before anything was bridged."""
        name = LockFile.read(self.lock_file).snapshot
        return self.snapshots / name if name else None

    def prepare(self) -> None:
        """Bring in what every root of the platform needs, before the first build asks for it."""
        if not LockFile.read(self.lock_file).entries:
            missing = self.provide(self.wheels.base.platform.always_required).missing
            if missing:
                raise OutsideError(f"PyPI has nothing for {', '.join(missing)}")

    def provide(self, needs: Sequence[str]) -> Provision:
        """Meet RPM dependencies from PyPI; see `rdo.bridge.protocol.Bridge`."""
        purpose = "bridging from PyPI"
        with lock.hold(self.lock_file.with_suffix(".lock"), purpose=purpose, wait=True):
            return self._provide(needs)

    def _provide(self, needs: Sequence[str]) -> Provision:
        wanted = {need: requirement for need in needs if (requirement := self._bridgeable(need))}
        locked = LockFile.read(self.lock_file)
        resolved, wanted = self._resolve(wanted, locked)
        chosen = self._reachable(wanted.values(), resolved)
        known = {canonicalize_name(one.resolved.name): one for one in locked.entries}
        for one in chosen:
            name = canonicalize_name(one.name)
            asked = tuple(n for n, r in wanted.items() if canonicalize_name(r.name) == name)
            before = known[name].asked_by if name in known else ()
            known[name] = Locked(one, tuple(dict.fromkeys((*before, *asked))))
        entries = tuple(known[name] for name in sorted(known))
        if entries != locked.entries:
            self._publish(entries)
        missing = tuple(need for need in needs if need not in wanted)
        return Provision(tuple(wanted), missing)

    def _bridgeable(self, need: str) -> Requirement | None:
        requirement = python_requirement(need)
        if requirement is None or canonicalize_name(requirement.name) in self.own:
            return None
        return requirement

    def _resolve(
        self, wanted: dict[str, Requirement], locked: LockFile
    ) -> tuple[list[Resolved], dict[str, Requirement]]:
        """The closure of all that can be resolved, and what was asked for and is in it.

        All at once first; when that is impossible, what is impossible alone is left out.
        """
        if not wanted:
            return [], {}
        pip = self._with_pins(wanted.values(), locked)
        texts = {need: str(requirement) for need, requirement in wanted.items()}
        log.info("resolving from PyPI: %s", ", ".join(texts.values()))
        try:
            return pip.resolve(sorted(texts.values())), wanted
        except UnresolvableError as error:
            if len(wanted) == 1:
                log.warning("%s", error)
                return [], {}
        except CommandError as error:
            raise OutsideError(f"PyPI did not answer: {error}") from error
        possible: dict[str, Requirement] = {}
        for need, requirement in wanted.items():
            found, _ = self._resolve({need: requirement}, locked)
            if found:
                possible[need] = requirement
        if len(possible) == len(wanted):  # each alone, but not together: take them in turn
            return [
                one for w in wanted.items() for one in self._resolve(dict([w]), locked)[0]
            ], wanted
        return self._resolve(possible, locked)

    def _with_pins(self, wanted: Iterable[Requirement], locked: LockFile) -> Pip:
        """pip with the constraints of the configuration and what is locked already.

        A pin gives way where a new requirement asks for another version.
        """
        free = {canonicalize_name(one.name) for one in wanted}
        pins = {
            canonicalize_name(one.resolved.name): f"{one.resolved.name}=={one.resolved.version}"
            for one in locked.entries
        }
        lines = [] if self.pip.constraints is None else _lines(self.pip.constraints)
        constrained = {name for line in lines if (name := _constrained_name(line))}
        lines += [pin for name, pin in pins.items() if name not in constrained | free]
        path = self.lock_file.with_name(f"{self.lock_file.stem}-constraints.txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_file(path, "\n".join([*lines, ""]))
        return replace(self.pip, constraints=path)

    def _reachable(
        self, wanted: Iterable[Requirement], resolved: Iterable[Resolved]
    ) -> list[Resolved]:
        """What the wanted ones need, not through and not including the release's own."""
        by_name = {canonicalize_name(one.name): one for one in resolved}
        asked = list(wanted)
        chosen: dict[str, Resolved] = {}
        seen: set[tuple[str, frozenset[str]]] = set()
        while asked:
            requirement = asked.pop()
            name = canonicalize_name(requirement.name)
            key = (name, frozenset(requirement.extras))
            if key in seen or name in self.own or name not in by_name:
                continue
            seen.add(key)
            chosen[name] = by_name[name]
            asked += _requirements(by_name[name], requirement.extras)
        return [chosen[name] for name in sorted(chosen)]

    def _publish(self, entries: tuple[Locked, ...]) -> None:
        """Make the snapshot of these entries, then let it count by one rename of the lock file."""
        made = self.wheels.rpms([one.resolved for one in entries], self.pip)
        rpms = sorted(path for paths in made.values() for path in paths)
        names = "\n".join(f"{path.parent.name}/{path.name}" for path in rpms)
        snapshot = self.snapshots / hashlib.sha256(names.encode()).hexdigest()[:16]
        if not snapshot.exists():
            new = snapshot.with_name(f".{snapshot.name}.new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            for path in rpms:
                atomic.link_or_copy(path, new / path.name)
            own = [(path.name, read_rpm(path)[1]) for path in rpms]
            Composer(lambda _: {}).write(new, own, (), revision=int(time.time()))
            new.rename(snapshot)
        LockFile(entries, snapshot.name).write(self.lock_file)
        if self.repo_file:
            self.repo_file.write(snapshot.name)
        log.info("dependency repository: %d packages from PyPI", len(entries))


def _requirements(one: Resolved, extras: Iterable[str]) -> list[Requirement]:
    found = []
    for text in one.requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            log.warning("%s %s requires %r, which says nothing", one.name, one.version, text)
            continue
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            found.append(requirement)
    return found


def _lines(constraints: Path) -> list[str]:
    try:
        return constraints.read_text().splitlines()
    except OSError as error:
        raise ConfigError(f"cannot read the constraints {constraints}: {error}") from error


def _constrained_name(line: str) -> str:
    try:
        return canonicalize_name(Requirement(line.partition("#")[0]).name)
    except InvalidRequirement:
        return ""
