"""rpmbuild -bs: make a source RPM from a spec and the files beside it, in the sandbox."""

import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CommandError, RefusedError
from rdo.tools.rpm.rpmspec import AUTORELEASE, PYPI_SOURCE
from rdo.tools.walls.entry import FAILED
from rdo.tools.walls.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class SrpmMaker:
    """The rpmbuild of this machine, used to make source RPMs only, with the platform's `macros`."""

    sandbox: Sandbox = field(default_factory=Sandbox)
    macros: bytes = b""

    def make(self, spec: Path, results: Path) -> Path:
        """Make the source RPM of a spec in a folder and return its path."""
        place = spec.parent.resolve()
        with tempfile.TemporaryDirectory(prefix="rdo-srpm-") as scratch:
            out = Path(scratch)
            defines = {
                "_sourcedir": str(place),
                "_srcrpmdir": str(out),
                "_topdir": str(out),
                "dist": "%{nil}",
                "autorelease(e:s:pb:n)": AUTORELEASE,
                "autochangelog": "%{nil}",
                **({} if self.macros else {"pypi_source()": PYPI_SOURCE}),
            }
            command = ["rpmbuild"]
            if self.macros:
                command += ["--load", "/sandbox/platform.macros"]
            command += ["-bs", "--nodeps"]
            for name, value in defines.items():
                command += ["--define", f"{name} {value}"]
            done = self.sandbox.ask(
                *command,
                f"/sandbox/{spec.name}",
                readable=[place],
                writable=[out],
                files={spec.name: spec.read_bytes(), "platform.macros": self.macros},
                timeout=300,
            )
            if done.returncode:
                raise _error(done.stderr)
            [made] = out.glob("*.src.rpm")
            results.mkdir(parents=True, exist_ok=True)
            target = results / made.name
            target.write_bytes(made.read_bytes())
        return target


def _error(said: str) -> CommandError | RefusedError:
    if said.startswith(FAILED):
        return CommandError(f"cannot start the sandbox: {said.strip()}")
    missing = re.findall(r"Bad (?:file|source): (\S+): No such file", said)
    if missing:
        names = ", ".join(Path(name).name for name in missing)
        return RefusedError(
            f"cannot make the SRPM without {names}", hint="get-source --all downloads the sources"
        )
    lines = [line for line in said.splitlines() if line.startswith("error:")]
    return RefusedError(f"cannot make the SRPM: {'; '.join(lines[:3]) or said.strip()[-300:]}")
