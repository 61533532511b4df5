"""Run rpmbuild -bs and -bp: make a source RPM, or unpack and patch its sources, in the sandbox."""

import os
import re
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CommandError, RefusedError
from rdo.model.program import Completed
from rdo.tools.rpm.rpmspec import AUTORELEASE, PYPI_SOURCE
from rdo.tools.walls.entry import FAILED
from rdo.tools.walls.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class SrpmMaker:
    """The rpmbuild of this machine, used only to make source RPMs, with the platform's `macros`."""

    sandbox: Sandbox = field(default_factory=Sandbox)
    macros: bytes = b""

    def make(
        self,
        spec: Path,
        results: Path,
        sources: Path | None = None,
        defines: Mapping[str, str] | None = None,
    ) -> Path:
        """Make the source RPM of a spec in a folder and return its path.

        `sources` is the folder of its sources, by default that of the spec.
        """
        with tempfile.TemporaryDirectory(prefix="rdo-srpm-") as scratch:
            out = Path(scratch)
            done = self._run("-bs", spec, sources or spec.parent, out, defines or {})
            if done.returncode:
                raise _error("make the SRPM", done.stderr)
            [made] = out.glob("*src.rpm")  # .nosrc.rpm for a spec with NoSource
            results.mkdir(parents=True, exist_ok=True)
            target = results / made.name
            target.write_bytes(made.read_bytes())
        return target

    def prepare(
        self, spec: Path, place: Path, sources: Path, defines: Mapping[str, str] | None = None
    ) -> str:
        """Run %prep in the empty folder `place`, and return its output.

        What it leaves there is not trusted: links may point anywhere, but no file has a special
        mode. Raises RefusedError if %prep fails.
        """
        done = self._run("-bp", spec, sources, place, {"_builddir": str(place), **(defines or {})})
        if done.returncode:
            raise _error("run %prep", done.stderr)
        _plain_modes(place)
        return done.stdout + done.stderr

    def _run(
        self, stage: str, spec: Path, sources: Path, out: Path, more: Mapping[str, str]
    ) -> Completed:
        place = sources.resolve()
        defines = {
            "_sourcedir": str(place),
            "_srcrpmdir": str(out),
            "_topdir": str(out),
            "dist": "%{nil}",
            "autorelease(e:s:pb:n)": AUTORELEASE,
            "autochangelog": "%{nil}",
            **({} if self.macros else {"pypi_source()": PYPI_SOURCE}),
            **more,
        }
        command = ["rpmbuild"]
        if self.macros:
            command += ["--load", "/sandbox/platform.macros"]
        command += [stage, "--nodeps"]
        for name, value in defines.items():
            command += ["--define", f"{name} {value}"]
        return self.sandbox.ask(
            *command,
            f"/sandbox/{spec.name}",
            readable=[place],
            writable=[out],
            files={spec.name: spec.read_bytes(), "platform.macros": self.macros},
            timeout=300,
        )


def _plain_modes(folder: Path) -> None:
    """Make everything in a folder readable and removable for us, and remove special modes."""
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            one = Path(path, name)
            os.chown(one, os.geteuid(), os.getegid(), follow_symlinks=False)
            mode = one.lstat().st_mode
            if stat.S_ISDIR(mode):
                one.chmod((mode & 0o777) | 0o700)
            elif stat.S_ISREG(mode):
                one.chmod((mode & 0o777) | 0o600)


def _error(what: str, said: str) -> CommandError | RefusedError:
    if said.startswith(FAILED):
        return CommandError(f"cannot start the sandbox: {said.strip()}")
    missing = re.findall(r"Bad (?:file|source): (\S+): No such file", said)
    if missing:
        names = ", ".join(dict.fromkeys(Path(name).name for name in missing))
        return RefusedError(
            f"cannot {what} without {names}", hint="get-source --all downloads the sources"
        )
    lines = [line for line in said.splitlines() if line.startswith("error:")]
    return RefusedError(f"cannot {what}: {'; '.join(lines[:3]) or said.strip()[-300:]}")
