"""rpmbuild -bs: a source RPM from a spec and the files beside it, made in the sandbox."""

import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CommandError, RefusedError
from rdo.tools.rpmspec import PYPI_SOURCE
from rdo.tools.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class SrpmMaker:
    """rpmbuild of this machine; nothing of a build but the source RPM is done here."""

    sandbox: Sandbox = field(default_factory=Sandbox)

    def make(self, spec: Path, results: Path) -> Path:
        """The source RPM of a spec, put into a folder."""
        place = spec.parent.resolve()
        with tempfile.TemporaryDirectory(prefix="rdo-srpm-") as scratch:
            out = Path(scratch)
            defines = {
                "_sourcedir": str(place), "_srcrpmdir": str(out), "_topdir": str(out),
                "dist": "%{nil}", "autorelease": "1%{?dist}", "autochangelog": "%{nil}",
                "pypi_source()": PYPI_SOURCE,
            }  # fmt: skip
            command = ["rpmbuild", "-bs", "--nodeps"]
            for name, value in defines.items():
                command += ["--define", f"{name} {value}"]
            done = self.sandbox.ask(
                *command, f"/sandbox/{spec.name}",
                readable=[place], writable=[out], files={spec.name: spec.read_bytes()},
                timeout=300,
            )  # fmt: skip
            if done.returncode:
                raise _error(done.stderr)
            [made] = out.glob("*.src.rpm")
            results.mkdir(parents=True, exist_ok=True)
            target = results / made.name
            target.write_bytes(made.read_bytes())
        return target


def _error(said: str) -> CommandError | RefusedError:
    if said.startswith("bwrap:"):
        return CommandError(f"the sandbox does not start: {said.strip()}")
    missing = re.findall(r"Bad (?:file|source): (\S+): No such file", said)
    if missing:
        names = ", ".join(Path(name).name for name in missing)
        return RefusedError(f"no SRPM without {names}", hint="get-source --all downloads sources")
    lines = [line for line in said.splitlines() if line.startswith("error:")]
    return RefusedError(f"no SRPM: {'; '.join(lines[:3]) or said.strip()[-300:]}")
