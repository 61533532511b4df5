"""rpmspec: what rpm itself reads in a spec, evaluated in the sandbox."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CommandError, RefusedError
from rdo.tools.entry import FAILED
from rdo.tools.sandbox import Sandbox

_QUERY = "N %{NAME}\nE %{EPOCH}\nV %{VERSION}\nR %{RELEASE}\n[S %{SOURCE}\n][P %{PATCH}\n]"
_NOTHING = "(none)"
# The file that Fedora's macro names, without the URL, which does not matter here.
_PROJECT = '%{?pypi_name}%{!?pypi_name:%{lua:print((rpm.expand("%{name}"):gsub("^python%-", "")))}}'
PYPI_SOURCE = (
    f"%{{?1}}%{{!?1:{_PROJECT}}}-%{{?2}}%{{!?2:%{{?pypi_version}}%{{!?pypi_version:%{{version}}}}}}"
    ".%{?3}%{!?3:tar.gz}"
)
_MARKER = "rdo-expanded"


@dataclass(frozen=True, slots=True)
class SpecReading:
    """The SRPM's header as rpm would write it, and the patches that %prep applies, in order.

    `sources` and `patches` are file names; rpm lists them in no useful order. `epoch` is empty if
    there is none.
    """

    name: str
    epoch: str
    version: str
    release: str
    sources: tuple[str, ...]
    patches: tuple[str, ...]
    applied: tuple[str, ...] = ()

    @property
    def vr(self) -> str:
        """Version and release, with the epoch if there is one: `1:1.0-2`."""
        return f"{self.epoch}:{self.vr_only}" if self.epoch else self.vr_only

    @property
    def vr_only(self) -> str:
        """Version and release without the epoch."""
        return f"{self.version}-{self.release}"


@dataclass(frozen=True, slots=True)
class Rpmspec:
    """rpm of this machine, reading specs that it must not trust.

    `%(…)` and Lua of the spec do run, but in the sandbox. Macros of rpmautospec have the values of
    a fresh distgit. One object caches its answers, because a verb asks about one text many times.
    """

    sandbox: Sandbox = field(default_factory=Sandbox)
    _answers: dict[tuple[bytes, Path, tuple[str, ...]], str] = field(
        default_factory=dict, compare=False, repr=False
    )

    def read(
        self, spec: bytes, folder: Path, macros: Mapping[str, str] | None = None
    ) -> SpecReading:
        """Return what rpm reads in a spec whose sources are in `folder`, under these macros."""
        said = self._ask(spec, folder, macros, "-q", "--srpm", "--queryformat", _QUERY)
        fields: dict[str, list[str]] = {}
        for line in said.splitlines():
            fields.setdefault(line[:1], []).append(line[2:])
        name, epoch, version, release = (fields.get(key, [""])[0] for key in "NEVR")
        return SpecReading(
            name,
            "" if epoch == _NOTHING else epoch,
            version,
            release,
            tuple(reversed(fields.get("S", ()))),
            tuple(reversed(fields.get("P", ()))),
            self._applied(spec, folder, macros) if fields.get("P") else (),
        )

    def expand(
        self, spec: bytes, folder: Path, text: str, macros: Mapping[str, str] | None = None
    ) -> str:
        """Expand a text with the macros that are defined once rpm has read the spec."""
        said = self._ask(_with_probe(spec, text), folder, macros, "-P")
        match = re.search(rf"^{_MARKER} (.*)$", said, re.MULTILINE)
        return match[1] if match else text

    def parse(self, spec: bytes, folder: Path, macros: Mapping[str, str] | None = None) -> str:
        """Return the whole spec as rpm sees it, all macros expanded, false conditions left out."""
        return self._ask(spec, folder, macros, "-P")

    def requires(self, spec: bytes, folder: Path, *, build: bool = False) -> list[tuple[str, str]]:
        """Return what the binary packages, or the build, require: package name and dependency."""
        if build:
            said = self._ask(spec, folder, None, "-q", "--srpm", "--requires")
            return [("", line) for line in said.splitlines()]
        form = "[%{=NAME}\t%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]"
        said = self._ask(spec, folder, None, "-q", "--queryformat", form)
        rows = (line.split("\t", 1) for line in said.splitlines() if "\t" in line)
        return [(name, " ".join(dependency.split())) for name, dependency in rows]

    def _applied(
        self, spec: bytes, folder: Path, macros: Mapping[str, str] | None
    ) -> tuple[str, ...]:
        """Return the files of the source folder that %prep names, in order of first mention."""
        said = self._ask(spec, folder, macros, "-P")
        prep = re.search(
            r"^%prep\b(.*?)(?=^%(?:build|install|files|generate)|\Z)", said, re.M | re.S
        )
        pattern = re.escape(str(folder.resolve())) + r"/([^\s'\"/;]+)"
        names = re.findall(pattern, prep[1]) if prep else []
        return tuple(dict.fromkeys(names))

    def _ask(self, spec: bytes, folder: Path, macros: Mapping[str, str] | None, *args: str) -> str:
        place = folder.resolve()
        defines = {
            "dist": "%{nil}",
            "autorelease": "1%{?dist}",
            "autochangelog": "%{nil}",
            "pypi_source()": PYPI_SOURCE,
            "_sourcedir": str(place),
            **(macros or {}),
        }
        options = [
            part for name, value in defines.items() for part in ("--define", f"{name} {value}")
        ]
        question = (spec, place, (*options, *args))
        if question not in self._answers:
            done = self.sandbox.ask(
                *("rpmspec", *options, *args, "/sandbox/package.spec"),
                readable=[place],
                files={"package.spec": spec},
            )
            if done.returncode:
                raise _error(done.stderr)
            self._answers[question] = done.stdout
        return self._answers[question]


def _error(said: str) -> CommandError | RefusedError:
    if said.startswith(FAILED):
        return CommandError(
            f"cannot start the sandbox for reading specs: {said.strip()}",
            hint="rdo doctor shows what is missing",
        )
    lines = [line for line in said.splitlines() if line.startswith("error:")]
    detail = "; ".join(line.removeprefix("error: ") for line in lines[:3]) or said.strip()[-300:]
    return RefusedError(
        f"rpm cannot read the .spec file: {detail.replace('/sandbox/package.spec', 'the spec')}"
    )


def _with_probe(spec: bytes, text: str) -> bytes:
    """Return the spec with one more line of description, which rpm expands."""
    match = re.search(rb"^%description\b[^\n]*\n", spec, re.MULTILINE)
    at = match.end() if match else len(spec)
    return spec[:at] + f"{_MARKER} {text}\n".encode() + spec[at:]
