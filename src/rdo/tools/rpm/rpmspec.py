"""rpmspec: what rpm itself reads in a spec, evaluated in the sandbox."""

import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CommandError, RefusedError, TimeLimitError
from rdo.model.program import Completed
from rdo.tools.walls.sandbox import Sandbox

_QUERY = "N %{NAME}\nE %{EPOCH}\nV %{VERSION}\nR %{RELEASE}\n[S %{SOURCE}\n][P %{PATCH}\n]"
_NOTHING = "(none)"
# The file that Fedora's macro names, without the URL, which does not matter here.
_PROJECT = '%{?pypi_name}%{!?pypi_name:%{lua:print((rpm.expand("%{name}"):gsub("^python%-", "")))}}'
PYPI_SOURCE = (
    f"%{{?1}}%{{!?1:{_PROJECT}}}-%{{?2}}%{{!?2:%{{?pypi_version}}%{{!?pypi_version:%{{version}}}}}}"
    ".%{?3}%{!?3:tar.gz}"
)
# As rpmautospec has it for a fresh distgit, with its options.
AUTORELEASE = "%{?-p:0.}%{?-b*}%{!?-b:1}%{?-e:.%{-e*}}%{?-s:.%{-s*}}%{!?-n:%{?dist}}"
_MARKER = "rdo-expanded"
_SLOWEST = 90
"""Seconds that rpm may take for a first reading on a machine with much else to do."""
# rpm only says so, and leaves the line out of %prep.
_LOST = re.compile(r"^error:.*No (?:patch|source) number", re.MULTILINE)


_OWNERS = {
    **dict.fromkeys(("gometa", "gopkg", "goprep", "gobuild", "gocheck", "go_"), "go-rpm-macros"),
    **dict.fromkeys(("forge",), "forge-srpm-macros"),
    **dict.fromkeys(("font",), "fonts-rpm-macros"),
    **dict.fromkeys(("cargo_", "crates_", "rust_"), "rust-packaging"),
    **dict.fromkeys(("nodejs_",), "nodejs-packaging"),
    **dict.fromkeys(("mkrel",), "Mageia's and OpenMandriva's rpm"),
}
"""How macros begin that a platform lacks, and the package that they are of elsewhere."""


@dataclass(frozen=True, slots=True)
class AppliedPatch:
    """A file that %prep names, and how many leading folders of its paths are stripped.

    `strip` is -1 if `patch` is called without an option for it.
    """

    file: str
    strip: int


@dataclass(frozen=True, slots=True)
class SpecReading:
    """The SRPM's header as rpm would write it, and the patches that %prep applies, in order.

    `sources` and `patches` are file names; rpm lists them in no useful order. `epoch` is empty if
    there is none. `applied` has each file once, `applications` as often as %prep names it.
    """

    name: str
    epoch: str
    version: str
    release: str
    sources: tuple[str, ...]
    patches: tuple[str, ...]
    applied: tuple[str, ...] = ()
    applications: tuple[AppliedPatch, ...] = ()

    @property
    def vr(self) -> str:
        """Version and release, with the epoch if there is one: `1:1.0-2`."""
        return f"{self.epoch}:{self.vr_only}" if self.epoch else self.vr_only

    @property
    def vr_only(self) -> str:
        """Version and release without the epoch."""
        return f"{self.version}-{self.release}"


@dataclass(frozen=True, slots=True)
class SpecQuestion:
    """A spec to read under these macros; a macro that is None is undefined."""

    spec: bytes
    macros: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rpmspec:
    """rpm of this machine, reading specs that it must not trust.

    `%(…)` and Lua of the spec do run, but in the sandbox. `macros` is a file of macros that rpm
    loads besides its own: those of the platform that builds. Macros of rpmautospec have the values
    of a fresh distgit. One object caches its answers: a verb asks about one text many times.
    """

    sandbox: Sandbox = field(default_factory=Sandbox)
    macros: bytes = b""
    _answers: dict[tuple[bytes, Path, tuple[str, ...]], Completed] = field(
        default_factory=dict, compare=False, repr=False
    )

    def fresh(self) -> "Rpmspec":
        """Return the same reader without the answers that this one has cached."""
        return Rpmspec(self.sandbox, self.macros)

    def read(
        self, spec: bytes, folder: Path, macros: Mapping[str, str | None] | None = None
    ) -> SpecReading:
        """Return what rpm reads in a spec whose sources are in `folder`, under these macros.

        Raises RefusedError if rpm cannot read it.
        """
        [found] = self.read_all([SpecQuestion(spec, macros or {})], folder)
        if isinstance(found, RefusedError):
            raise found
        return found

    def read_all(
        self, questions: Sequence[SpecQuestion], folder: Path
    ) -> list[SpecReading | RefusedError]:
        """Read several specs, or one under several macros, in one sandbox.

        A RefusedError in the place of a reading says why rpm cannot read that one.
        """
        said = self._ask_all(questions, folder, "-q", "--srpm", "--queryformat", _QUERY)
        patched = [
            question
            for question, answer in zip(questions, said, strict=True)
            if not answer.returncode and re.search(r"^P ", answer.stdout, re.MULTILINE)
        ]
        parsed = iter(self._ask_all(patched, folder, "-P") if patched else [])
        found: list[SpecReading | RefusedError] = []
        for question, answer in zip(questions, said, strict=True):
            if answer.returncode:
                found.append(_refusal(answer.stderr, question.spec))
                continue
            whole = next(parsed) if question in patched else None
            if whole is not None and (whole.returncode or _LOST.search(whole.stderr)):
                found.append(_refusal(whole.stderr, question.spec))
                continue
            applied = _applied(whole.stdout, folder) if whole else ()
            found.append(_reading(answer.stdout, applied))
        return found

    def expand(
        self, spec: bytes, folder: Path, text: str, macros: Mapping[str, str | None] | None = None
    ) -> str:
        """Expand a text with the macros that are defined once rpm has read the spec."""
        said = self._ask(_with_probe(spec, text), folder, macros, "-P")
        match = re.search(rf"^{_MARKER} (.*)$", said, re.MULTILINE)
        return match[1] if match else text

    def parse(
        self, spec: bytes, folder: Path, macros: Mapping[str, str | None] | None = None
    ) -> str:
        """Return the whole spec as rpm sees it, all macros expanded, false conditions left out."""
        return self._ask(spec, folder, macros, "-P")

    def packages(self, spec: bytes, folder: Path) -> frozenset[str]:
        """Return the names of the binary packages."""
        said = self._ask(spec, folder, None, "-q", "--queryformat", "%{NAME}\n")
        return frozenset(line for line in said.splitlines() if line)

    def requires(self, spec: bytes, folder: Path, *, build: bool = False) -> list[tuple[str, str]]:
        """Return what the binary packages, or the build, require: package name and dependency."""
        if build:
            said = self._ask(spec, folder, None, "-q", "--srpm", "--requires")
            return [("", line) for line in said.splitlines()]
        form = "[%{=NAME}\t%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]"
        said = self._ask(spec, folder, None, "-q", "--queryformat", form)
        rows = (line.split("\t", 1) for line in said.splitlines() if "\t" in line)
        return [(name, " ".join(dependency.split())) for name, dependency in rows]

    def _ask(
        self, spec: bytes, folder: Path, macros: Mapping[str, str | None] | None, *args: str
    ) -> str:
        [answer] = self._ask_all([SpecQuestion(spec, macros or {})], folder, *args)
        if answer.returncode:
            raise _refusal(answer.stderr, spec)
        return answer.stdout

    def _ask_all(
        self, questions: Sequence[SpecQuestion], folder: Path, *args: str
    ) -> list[Completed]:
        """Run rpmspec for each question that has no answer yet, all in one sandbox."""
        place = folder.resolve()
        keys = [(one.spec, place, (*self._options(one, place), *args)) for one in questions]
        new = [key for key in dict.fromkeys(keys) if key not in self._answers]
        if new:
            self._answers.update(zip(new, self._run(new, place), strict=True))
        return [self._answers[key] for key in keys]

    def _options(self, question: SpecQuestion, place: Path) -> tuple[str, ...]:
        defines: dict[str, str | None] = {
            "dist": "%{nil}",
            "autorelease(e:s:pb:n)": AUTORELEASE,
            "autochangelog": "%{nil}",
            **({} if self.macros else {"pypi_source()": PYPI_SOURCE}),
            "_sourcedir": str(place),
            **question.macros,
        }
        options = []
        for name, value in defines.items():
            options += ["--undefine", name] if value is None else ["--define", f"{name} {value}"]
        return tuple(options)

    def _run(
        self, keys: Sequence[tuple[bytes, Path, tuple[str, ...]]], place: Path
    ) -> list[Completed]:
        mark = f"rdo-{secrets.token_hex(16)}"
        specs = {spec: f"{n}.spec" for n, spec in enumerate(dict.fromkeys(key[0] for key in keys))}
        files = {name: spec for spec, name in specs.items()}
        load = ("--load", "/sandbox/platform.macros") if self.macros else ()
        lines = []
        for spec, _, words in keys:
            command = shlex.join(("rpmspec", *load, *words, f"/sandbox/{specs[spec]}"))
            lines.append(f"{command}; printf '\\n%s {mark}\\n' $?; echo {mark} >&2")
        files["ask.sh"] = "\n".join(lines).encode(errors="surrogateescape")
        if self.macros:
            files["platform.macros"] = self.macros
        limit = _SLOWEST + 2 * len(keys)
        try:
            done = self.sandbox.ask(
                *("sh", "/sandbox/ask.sh"), readable=[place], files=files, timeout=limit
            )
        except TimeLimitError as error:
            raise TimeLimitError(
                f"rpm did not finish reading the .spec file within {limit} s",
                hint="a program or Lua code in it may never end; on a busy machine, try again",
            ) from error
        if done.returncode and mark not in done.stdout:
            raise _error(done.stderr)
        answers = re.split(rf"\n(\d+) {mark}\n", done.stdout)
        errors = done.stderr.split(f"{mark}\n")
        return [
            Completed(int(answers[2 * n + 1]), answers[2 * n], errors[n], done.seconds)
            for n in range(len(keys))
        ]


def _reading(said: str, applied: tuple[AppliedPatch, ...]) -> SpecReading:
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
        tuple(dict.fromkeys(one.file for one in applied)),
        applied,
    )


def _applied(parsed: str, folder: Path) -> tuple[AppliedPatch, ...]:
    """Return the files of the source folder that %prep names, in their order."""
    prep = re.search(
        r"^%prep\b(.*?)(?=^%(?:build|install|check|clean|files|generate|conf|changelog)|\Z)",
        parsed,
        re.MULTILINE | re.DOTALL | re.IGNORECASE,
    )
    if prep is None:
        return ()
    name = re.compile(re.escape(str(folder.resolve())) + r"/([^\s'\"/;]+)")
    found = []
    for line in re.sub(r"[|\\][ \t]*\n", "| ", prep[1]).splitlines():
        level = re.search(r"\s(?:-p\s*|--strip=)(\d+)", line)
        is_patch = re.search(r"(?:^|[/\s])patch\s", line) is not None
        for file in name.findall(line):
            strip = int(level[1]) if level else -1 if is_patch else 1
            found.append(AppliedPatch(file, strip))
    return tuple(found)


def _error(said: str) -> CommandError:
    return CommandError(
        f"cannot start the sandbox for reading specs: {said.strip()}",
        hint="rdo doctor shows what is missing",
    )


def _refusal(said: str, spec: bytes) -> RefusedError:
    """Return the error for a spec that rpm cannot read; it names macros that nobody defines."""
    lines = [line for line in said.splitlines() if line.startswith("error:")]
    detail = "; ".join(line.removeprefix("error: ") for line in lines[:3]) or said.strip()[-300:]
    detail = re.sub(r"/sandbox/\d+\.spec", "the spec", detail)
    missing = [
        name
        for name in dict.fromkeys(re.findall(r"%\{?([A-Za-z_]\w{2,})", " ".join(lines[:3])))
        if not re.search(rb"%(?:global|define)\s+" + name.encode() + rb"\b", spec)
    ]
    hint = ""
    if missing:
        names = ", ".join(f"%{name}" for name in missing)
        owners = sorted({_owner(name) for name in missing} - {""})
        whose = f" (of {', '.join(owners)})" if owners else ""
        hint = (
            f"no macro of the platform is called {names}{whose}; docs/macros.md lists those it has."
            f" Write what {names} stands for in its place, or make this change with git alone"
        )
    return RefusedError(f"rpm cannot read the .spec file: {detail}", hint=hint)


def _owner(macro: str) -> str:
    """Return the package of Fedora that defines a macro; empty if that is not known.

    >>> _owner("gometa"), _owner("forgemeta"), _owner("py3_dist")
    ('go-rpm-macros', 'forge-srpm-macros', '')
    """
    return next((owner for start, owner in _OWNERS.items() if macro.startswith(start)), "")


def _with_probe(spec: bytes, text: str) -> bytes:
    """Return the spec with one more line of description, which rpm expands."""
    match = re.search(rb"^%description\b[^\n]*\n", spec, re.MULTILINE | re.IGNORECASE)
    at = match.end() if match else len(spec)
    return spec[:at] + f"{_MARKER} {text}\n".encode() + spec[at:]
