"""Wheels as RPMs: each is converted once per platform and kept by its own hash."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename

from rdo import atomic
from rdo.errors import CommandError
from rdo.python_names import other_rpm_names, rpm_version
from rdo.roots.build_root import build_root
from rdo.roots.content import ContentStore
from rdo.roots.door import Inside
from rdo.roots.platforms import BaseLayer
from rdo.roots.programs import RootProgram
from rdo.tools.entry import Bind
from rdo.tools.pip import Pip, Resolved

RELEASE = "0.0.pypi4"
"""Lower than the Release of any real package with the same version."""

_BATCH = 40


@dataclass(frozen=True, slots=True)
class WheelStore:
    """The wheels of one platform and the RPMs made from them, below `folder`.

    `folder/<sha256 of the wheel>/` holds the RPMs of one wheel: its own and one per extra.
    """

    base: BaseLayer
    content: ContentStore
    folder: Path
    roots: Path

    def rpms(self, wanted: Sequence[Resolved], pip: Pip) -> dict[Resolved, tuple[Path, ...]]:
        """Return the RPMs of each distribution; missing ones are downloaded and converted.

        Raises CommandError if a wheel is not the one that was resolved, or cannot be converted.
        """
        lacking = [one for one in wanted if not self._place(one).exists()]
        for start in range(0, len(lacking), _BATCH):
            self._convert(lacking[start : start + _BATCH], pip)
        return {one: tuple(sorted(self._place(one).glob("*.rpm"))) for one in wanted}

    def _place(self, one: Resolved) -> Path:
        """Return the folder of its RPMs, which depends on the names in our table too."""
        others = " ".join(sorted(other_rpm_names(one.name)))
        digest = f"-{hashlib.sha256(others.encode()).hexdigest()[:8]}" if others else ""
        return self.folder / f"{one.sha256}-{RELEASE}{digest}"

    def _convert(self, batch: Sequence[Resolved], pip: Pip) -> None:
        """Download a batch of wheels and convert each in a root of its own.

        A wheel may hold files of another project: together they could change each other's RPMs.
        """
        tools = self._bootstrap(pip)
        with build_root(self.base, self.content, self.roots) as holder:
            wheels = holder.folder("wheels")
            pip.download(batch, wheels)
            for one in batch:
                self._convert_one(one, _wheel_of(one, wheels), tools)

    def _convert_one(self, one: Resolved, wheel: Path, tools: Path) -> None:
        with build_root(self.base, self.content, self.roots) as root:
            root.bind(Bind(wheel, f"/wheels/{wheel.name}"), Bind(tools, "/tools"))
            root.set_environment(PYTHONPATH=f"/tools/{_wheel_name(tools, 'packaging')}")
            done = root.ask(
                *RootProgram.WRAP_WHEELS.command,
                *("--release", f"{RELEASE}{self.base.platform.dist}"),
                *("--python", self.base.platform.python),
                *("--pip", f"/tools/{_wheel_name(tools, 'pip')}"),
                f"/wheels/{wheel.name}",
                timeout=3600,
            )
            made = [Inside(str(path)) for path in json.loads(done.stdout)]
            self._keep([one], root.door.take_files(made, root.folder("rpms-made")))

    def _bootstrap(self, pip: Pip) -> Path:
        """Return the folder with the wheels of pip and packaging that do the conversion."""
        tools = self.folder / "tools"
        if not tools.exists():
            with atomic.new_directory(tools) as new:
                pip.download(pip.resolve(["pip", "packaging"]), new)
        return tools

    def _keep(self, batch: Sequence[Resolved], paths: Sequence[Path]) -> None:
        """Move the RPMs to their wheels' folders, each folder by one rename."""
        for one in batch:
            name = f"python3-{canonicalize_name(one.name)}"
            prefixes = (f"{name}-{rpm_version(one.version).rpartition('!')[2]}-", f"{name}+")
            own = [path for path in paths if path.name.startswith(prefixes)]
            if not own:
                raise CommandError(
                    f"converting the wheel of {one.name} {one.version} produced no RPM"
                )
            with atomic.new_directory(self._place(one)) as new:
                for path in own:
                    shutil.move(path, new / path.name)


def _wheel_of(one: Resolved, folder: Path) -> Path:
    """The wheel that was resolved, by its hash; by its name if the index gave no hash."""
    for path in folder.glob("*.whl"):
        name = parse_wheel_filename(path.name)[0]
        if _sha256(path) == one.sha256 or (not one.sha256 and name == canonicalize_name(one.name)):
            return path
    raise CommandError(f"the wheel of {one.name} {one.version} is not the one that was resolved")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _wheel_name(folder: Path, project: str) -> str:
    return next(folder.glob(f"{project}-*.whl")).name
