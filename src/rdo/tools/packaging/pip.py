"""pip, which resolves and downloads packages from PyPI: wheels only, no code is run."""

import json
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.tags import Tag, compatible_tags, cpython_tags

from rdo.errors import CommandError
from rdo.model.python import Python
from rdo.run import Runner, run
from rdo.tools.walls.limits import within

_CHILD = Path(__file__).parents[1] / "children" / "pip_for.py"


@dataclass(frozen=True, slots=True)
class Resolved:
    """One distribution of a resolution, as its wheel's metadata describes it."""

    name: str
    version: str
    sha256: str
    requires: tuple[str, ...]


MAX_REPORT = 64 << 20
"""Maximum length of pip's report, which repeats the metadata of every wheel."""

MAX_NAMED = 20
"""How many of a conflict's requirements are examined; each costs a call of pip."""


class UnresolvableError(CommandError):
    """PyPI has no set of wheels that meets the requirements; the message is pip's.

    `suspects` are requirements that may have no wheel, if that may be the cause.
    """

    def __init__(self, message: str, suspects: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.suspects = suspects


@dataclass(frozen=True, slots=True)
class Pip:
    """Wheels for one interpreter: CPython `python` on x86_64 Linux with glibc `glibc`.

    `look` returns the interpreter's whole version, on which markers of requirements may depend.
    """

    python: str
    glibc: str
    constraints: Path | None = None
    find_links: Path | None = None
    runner: Runner = run
    look: Callable[[], Python] | None = None

    @property
    def interpreter(self) -> Python:
        """The interpreter that the wheels are for; markers are evaluated for it."""
        return self.look() if self.look else Python(self.python)

    def resolve(self, requirements: Sequence[str]) -> list[Resolved]:
        """Return the closure of `requirements`.

        Raises UnresolvableError if there is none, CommandError if the index cannot be reached.
        """
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            done = self.runner(
                *self._pip("install", "--dry-run", "--ignore-installed", "--report", str(report)),
                *("--target", folder, *self._constraints(), *self._links(), "--", *requirements),
                timeout=900,
                ok=(0, 1),
            )
            if done.returncode:
                raise _error(done.stdout + done.stderr)
            if report.stat().st_size > MAX_REPORT:
                raise CommandError(f"pip: the metadata of {', '.join(requirements)} is too long")
            rows = json.loads(report.read_text())["install"]
        return [
            Resolved(
                row["metadata"]["name"],
                row["metadata"]["version"],
                row["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256", ""),
                tuple(row["metadata"].get("requires_dist", ())),
            )
            for row in rows
        ]

    def download(self, wanted: Sequence[Resolved], folder: Path) -> list[Path]:
        """Download the wheels of exactly these distributions into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        before = set(folder.glob("*.whl"))
        pins = [f"{one.name}=={one.version}" for one in wanted]
        self.runner(
            *self._pip("download", "--quiet", "--no-deps", "--dest", str(folder)),
            *self._links(),
            "--",
            *pins,
            timeout=1800,
        )
        return sorted(set(folder.glob("*.whl")) - before)

    def tags(self) -> frozenset[Tag]:
        """Return the tags of all wheels that can be chosen."""
        version = [int(part) for part in self.python.split(".")]
        abis, platforms = [self._abi, "abi3", "none"], self._platforms()
        general = compatible_tags(version, self._abi, platforms)
        return frozenset((*cpython_tags(version, abis, platforms), *general))

    @property
    def _abi(self) -> str:
        return f"cp{self.python.replace('.', '')}"

    def _platforms(self) -> list[str]:
        minor = int(self.glibc.partition(".")[2])
        platforms = [f"manylinux_2_{n}_x86_64" for n in range(minor, 4, -1)]
        platforms += [f"manylinux{old}_x86_64" for old in ("2014", "2010", "1")]
        return [*platforms, "linux_x86_64"]  # the last for wheels that we build ourselves

    def _pip(self, command: str, *args: str) -> list[str]:
        python = self.interpreter
        options = [
            "--only-binary",
            ":all:",
            "--python-version",
            python.version,
            "--implementation",
            "cp",
        ]
        options += [part for abi in (self._abi, "abi3", "none") for part in ("--abi", abi)]
        options += [part for name in self._platforms() for part in ("--platform", name)]
        # pip reads what strangers wrote into their wheels, as this user.
        bounds = within(memory_bytes=6 * 10**9, seconds=900, file_bytes=8 * 10**9)
        pip = (sys.executable, "-P", str(_CHILD), json.dumps(python.environment))
        return [*bounds, *pip, "--no-input", command, *args, *options]

    def _constraints(self) -> list[str]:
        return ["--constraint", str(self.constraints)] if self.constraints else []

    def _links(self) -> list[str]:
        here = self.find_links is not None and self.find_links.is_dir()
        return ["--find-links", str(self.find_links)] if here else []

    def has_wheel(self, requirement: str) -> bool:
        """Whether there is a wheel that meets a requirement, whatever that wheel requires."""
        with tempfile.TemporaryDirectory() as folder:
            done = self.runner(
                *self._pip("install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"),
                *("--target", folder, *self._links(), "--", requirement),
                timeout=300,
                ok=(0, 1),
            )
        return done.returncode == 0


def _error(said: str) -> CommandError:
    """Return the error that pip's output means, because pip has one exit status for all errors."""
    errors = [line for line in said.splitlines() if line.startswith("ERROR")]
    message = "pip: " + ("; ".join(errors) or said.strip())[-1000:]
    if re.search(r"Retrying \(|ConnectionError|Temporary failure|timed out", said):
        return CommandError(message)
    # pip 24 and later also print who requires it, in parentheses.
    missed = re.findall(r"No matching distribution found for (.+)", said)
    lacking = [one.partition(" (from ")[0] for one in missed]
    lacking += re.findall(r"\(constraint\) (\S+[=<>~!]\S+)", said)
    lacking += re.findall(r"^ +\S+ \S+ depends on (\S.*)", said, re.MULTILINE)[:MAX_NAMED]
    if lacking or "ResolutionImpossible" in said or "Cannot install" in said:
        conflict = said.partition("The conflict is caused by:\n")[2].partition("\n\n")[0]
        detail = "; ".join(line.strip() for line in conflict.splitlines())
        suspects = tuple(dict.fromkeys(one.strip() for one in lacking))
        return UnresolvableError(f"{message} {detail}".strip(), suspects)
    return CommandError(message)
