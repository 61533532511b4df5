"""Convert wheels to RPMs, once per platform, each kept by its hash."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from typing import TypeAlias

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from rdo import atomic
from rdo.cancellation import AT_ONCE, in_threads
from rdo.checksum import sha256_of
from rdo.errors import CommandError, RefusedError
from rdo.python_names import other_rpm_names, rpm_version
from rdo.roots.build_root import build_root
from rdo.roots.content import ContentStore
from rdo.roots.door import Inside
from rdo.roots.kept_products import keep, kept_files, newly_kept
from rdo.roots.platform.platforms import BaseLayer
from rdo.roots.programs import RootProgram
from rdo.tools.packaging.pip import Pip, Resolved
from rdo.tools.packaging.wheel_check import WheelCheck
from rdo.tools.rpm.unpacking import Rpm
from rdo.tools.walls.entry import Bind

RELEASE = "0.0.pypi6"
"""Lower than the Release of any real package with the same version."""

_BATCH = 40

Built: TypeAlias = Callable[[Sequence[Resolved]], Mapping[Resolved, Path]]
"""Returns those wheels of the distributions that were built here."""


class WheelRefusedError(RefusedError):
    """A wheel is not the one that was requested; only its project fails."""

    def __init__(self, one: Resolved, reason: str) -> None:
        super().__init__(f"the wheel of {one.name} {one.version} is refused: {reason}")
        self.project = str(canonicalize_name(one.name))


@dataclass(frozen=True, slots=True)
class WheelStore:
    """The wheels of one platform and the RPMs made from them, in `folder`.

    `folder/<sha256 of the wheel>/` contains the RPMs of one wheel: its own and one per extra.
    """

    base: BaseLayer
    content: ContentStore
    folder: Path
    roots: Path
    check: WheelCheck = field(default_factory=WheelCheck)
    rpm: Rpm = field(default_factory=Rpm)

    def rpms(
        self, wanted: Sequence[Resolved], pip: Pip, built: Built
    ) -> dict[Resolved, tuple[Path, ...]]:
        """Return the RPMs of each distribution; missing ones are downloaded and converted.

        Raises WheelRefusedError if a wheel is not the one requested, CommandError if it cannot be
        downloaded or converted.
        """
        found = {one: kept_files(self.place(one)) for one in wanted}
        lacking = [one for one, paths in found.items() if not paths]
        for start in range(0, len(lacking), _BATCH):
            self._convert(lacking[start : start + _BATCH], pip, built)
        return found | {one: newly_kept(self.place(one)) for one in lacking}

    def place(self, one: Resolved) -> Path:
        """Return the folder of its RPMs, which also depends on the names in our table."""
        others = " ".join(sorted(other_rpm_names(one.name)))
        digest = f"-{hashlib.sha256(others.encode()).hexdigest()[:8]}" if others else ""
        return self.folder / f"{one.sha256}-{RELEASE}{digest}"

    def _convert(self, batch: Sequence[Resolved], pip: Pip, built: Built) -> None:
        """Download a batch of wheels and convert each in its own root, several at a time.

        A wheel may contain files of another project: in one root they could change each other's
        RPMs.
        """
        with build_root(self.base, self.content, self.roots) as holder:
            tools, wheels = holder.folder("tools"), holder.folder("wheels")
            self._offer_tools(tools)
            ours = built(batch)
            for path in ours.values():
                atomic.link_or_copy(path, wheels / path.name)
            if others := [one for one in batch if one not in ours]:
                pip.download(others, wheels)
            known = {sha256_of(path): path for path in sorted(wheels.glob("*.whl"))}
            in_threads(
                lambda one: self._convert_one(one, known, tools),
                batch,
                at_once=AT_ONCE,
                name="wheel",
            )

    def _convert_one(self, one: Resolved, wheels: Mapping[str, Path], tools: Path) -> None:
        """Convert the wheel that was resolved; `wheels` are those of its batch, by their hashes."""
        wheel = wheels.get(one.sha256)
        if wheel is None:
            raise WheelRefusedError(one, "it is not the wheel that was resolved")
        if fault := self.check.fault(wheel, one.name, one.version):
            raise WheelRefusedError(one, fault)
        with build_root(self.base, self.content, self.roots) as root:
            root.bind(Bind(wheel, f"/wheels/{wheel.name}"), Bind(tools, "/tools"))
            root.set_environment(PYTHONPATH="/tools")
            done = root.ask(
                *RootProgram.WRAP_WHEELS.command_on(self.base.platform),
                *("--release", f"{RELEASE}{self.base.platform.dist}"),
                *("--python", self.base.platform.python),
                *("--pip", "/tools"),
                f"/wheels/{wheel.name}",
                timeout=3600,
            )
            made = [Inside(str(path)) for path in json.loads(done.stdout)]
            self._keep(one, root.door.take_files(made, root.folder("rpms-made")))

    def _offer_tools(self, folder: Path) -> None:
        """Copy this machine's pip and packaging, which convert the wheels.

        Copies from an index would be no more trusted than the wheels, and all factories share them.
        """
        python = self.base.platform.python
        for name in ("pip", "packaging"):
            installed = distribution(name)
            wanted = SpecifierSet(installed.metadata["Requires-Python"] or "")
            if not wanted.contains(f"{python}.99", prereleases=True):
                raise CommandError(
                    f"{name} {installed.version} of this machine does not run on Python {python},"
                    f" which {self.base.platform.name} has",
                    hint=f"install an older {name} beside rdo",
                )
            _copy_readable(Path(str(installed.locate_file(name))), folder / name)

    def _keep(self, one: Resolved, made: Sequence[Path]) -> None:
        """Store the RPMs of a wheel if they match its name and version."""
        name = f"python3-{canonicalize_name(one.name)}"
        version = rpm_version(one.version).rpartition("!")[2]
        release = f"{RELEASE}{self.base.platform.dist}"
        for path, found in zip(made, self.rpm.names(made), strict=True):
            is_own = found.name == name or found.name.startswith(f"{name}+")
            if not is_own or (found.epoch, found.version, found.release) != (0, version, release):
                raise WheelRefusedError(one, f"converting it made the RPM {found}")
            if path.name != f"{found}.rpm":
                raise WheelRefusedError(one, f"its RPM {found} has the file name {path.name}")
        if not any(path.name.startswith(f"{name}-{version}-") for path in made):
            raise CommandError(f"converting the wheel of {one.name} {one.version} produced no RPM")
        keep(self.place(one), made)


def _copy_readable(source: Path, target: Path) -> None:
    """Copy the files of a Python package, readable for everyone, whatever their modes are."""
    for path in source.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
