"""Read specs with rpm itself, in the sandbox."""

import codecs
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CommandError, RefusedError, TimeLimitError
from rdo.tools.children.reading import read_specs
from rdo.tools.walls.sandbox import Sandbox

_QUERY = (
    "N %{NAME}\nE %{EPOCH}\nV %{VERSION}\nR %{RELEASE}\n[S %{SOURCE}\n][P %{PATCH}\n]"
    "[C %{CHANGELOGTIME}\n]"
)
_NOTHING = "(none)"
# The file that Fedora's macro names, without the URL, which does not matter here.
_PROJECT = '%{?pypi_name}%{!?pypi_name:%{lua:print((rpm.expand("%{name}"):gsub("^python%-", "")))}}'
PYPI_SOURCE = (
    f"%{{?1}}%{{!?1:{_PROJECT}}}-%{{?2}}%{{!?2:%{{?pypi_version}}%{{!?pypi_version:%{{version}}}}}}"
    ".%{?3}%{!?3:tar.gz}"
)
# As rpmautospec has it for a fresh distgit, with its options.
AUTORELEASE = "%{?-p:0.}%{?-b*}%{!?-b:1}%{?-e:.%{-e*}}%{?-s:.%{-s*}}%{!?-n:%{?dist}}"
_CHILD = read_specs.__file__
_PYTHON = "/usr/bin/python3"
"""The system's Python, which has the module of the system's rpm."""
_MARKER = "rdo-expanded"
_SLOWEST = 90
"""Seconds that a first reading by rpm may take on a busy machine."""
# rpm only prints this, and leaves the line out of %prep.
_LOST = re.compile(r"^error:.*No (?:patch|source) number", re.MULTILINE)


_OWNERS = {
    **dict.fromkeys(("gometa", "gopkg", "goprep", "gobuild", "gocheck", "go_"), "go-rpm-macros"),
    **dict.fromkeys(("forge",), "forge-srpm-macros"),
    **dict.fromkeys(("font",), "fonts-rpm-macros"),
    **dict.fromkeys(("cargo_", "crates_", "rust_"), "rust-packaging"),
    **dict.fromkeys(("nodejs_",), "nodejs-packaging"),
    **dict.fromkeys(("mkrel",), "Mageia's and OpenMandriva's rpm"),
}
"""Prefixes of macros that a platform lacks, and the package that defines them elsewhere."""


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
    `changelog` are the times of its entries, newest first.
    """

    name: str
    epoch: str
    version: str
    release: str
    sources: tuple[str, ...]
    patches: tuple[str, ...]
    applied: tuple[str, ...] = ()
    applications: tuple[AppliedPatch, ...] = ()
    changelog: tuple[str, ...] = ()

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


_Defines = tuple[tuple[str, str | None], ...]
_Wanted = tuple[tuple[str, str], ...]
"""What can be asked about a spec, for `children/reading/read_specs.py`, with a query format."""
_Key = tuple[bytes, Path, _Defines, _Wanted]
_WHOLE: _Wanted = (("srpm", _QUERY), ("parsed", ""), ("srpm", "%{CHANGELOGTEXT}"))
_IN_SHORT: _Wanted = (("srpm", _QUERY), ("prep", ""))
_FEW = 8
"""Up to so many specs are answered as a whole, because a verb soon asks for the rest too."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """rpm's answer about a spec: the requested texts, and its error messages."""

    is_refused: bool
    said: str
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rpmspec:
    """rpm of this machine, reading specs that it must not trust.

    `%(…)` and Lua of the spec do run, but in the sandbox. `macros` is a file of macros that rpm
    loads besides its own: those of the platform that builds. Macros of rpmautospec have the values
    of a fresh distgit. One object caches its answers, because a verb asks about one text many
    times.
    """

    sandbox: Sandbox = field(default_factory=Sandbox)
    macros: bytes = b""
    _answers: dict["_Key", "_Answer"] = field(default_factory=dict, compare=False, repr=False)

    def fresh(self) -> "Rpmspec":
        """Return the same reader without its cached answers."""
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

        If rpm cannot read one, there is a RefusedError with the reason instead of its reading.
        """
        is_whole = len(questions) <= _FEW
        found: list[SpecReading | RefusedError] = []
        answers = self._ask_all(questions, folder, _WHOLE if is_whole else _IN_SHORT)
        for question, answer in zip(questions, answers, strict=True):
            if answer.is_refused:
                found.append(_refusal(answer.said, question.spec))
                continue
            header, text = answer.told[:2]
            has_patches = re.search(r"^P ", header, re.MULTILINE) is not None
            if has_patches and _LOST.search(answer.said):
                found.append(_refusal(answer.said, question.spec))
            else:
                prep = read_specs.prep_of(text) if is_whole else text
                found.append(_reading(header, _applied(prep, folder) if has_patches else ()))
        return found

    def expand(
        self, spec: bytes, folder: Path, text: str, macros: Mapping[str, str | None] | None = None
    ) -> str:
        """Expand a text with the macros that are defined once rpm has read the spec."""
        said = self.parse(_with_probe(spec, text), folder, macros)
        match = re.search(rf"^{_MARKER} (.*)$", said, re.MULTILINE)
        return match[1] if match else text

    def parse(
        self, spec: bytes, folder: Path, macros: Mapping[str, str | None] | None = None
    ) -> str:
        """Return the whole spec as rpm sees it, all macros expanded, false conditions left out."""
        return self._ask(spec, folder, macros, _WHOLE)[1]

    def newest_changes(self, spec: bytes, folder: Path) -> list[str]:
        """Return the lines of the newest changelog entry, without blank ones, as rpm shows them."""
        said = self._ask(spec, folder, None, _WHOLE)[2]
        lines = [line.rstrip() for line in said.splitlines() if line.strip()]
        return [] if lines == [_NOTHING] else lines

    def packages(self, spec: bytes, folder: Path) -> frozenset[str]:
        """Return the names of the binary packages."""
        said = self._ask(spec, folder, None, (("rpms", "%{NAME}\n"),))[0]
        return frozenset(line for line in said.splitlines() if line)

    def requires(self, spec: bytes, folder: Path, *, build: bool = False) -> list[tuple[str, str]]:
        """Return what the binary packages, or the build, require: package name and dependency."""
        if build:
            said = self._ask(spec, folder, None, (("srpm", "[%{REQUIRENEVRS}\n]"),))[0]
            return [("", line) for line in said.splitlines()]
        form = "[%{=NAME}\t%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]"
        said = self._ask(spec, folder, None, (("rpms", form),))[0]
        rows = (line.split("\t", 1) for line in said.splitlines() if "\t" in line)
        return [(name, " ".join(dependency.split())) for name, dependency in rows]

    def _ask(
        self,
        spec: bytes,
        folder: Path,
        macros: Mapping[str, str | None] | None,
        wanted: "_Wanted",
    ) -> tuple[str, ...]:
        [answer] = self._ask_all([SpecQuestion(spec, macros or {})], folder, wanted)
        if answer.is_refused:
            raise _refusal(answer.said, spec)
        return answer.told

    def _ask_all(
        self, questions: Sequence[SpecQuestion], folder: Path, wanted: "_Wanted"
    ) -> list["_Answer"]:
        """Ask rpm each question that has no answer yet, all in one process.

        A few specs are also read without further macros, which a verb soon asks for.
        """
        place = folder.resolve()
        plain = [SpecQuestion(one.spec) for one in questions if len(questions) <= _FEW]
        keys, also = (
            [(one.spec, place, self._defines(one, place), wanted) for one in asked]
            for asked in (questions, plain)
        )
        if not self._answers.keys() >= {*keys}:
            new = [key for key in dict.fromkeys([*keys, *also]) if key not in self._answers]
            self._answers.update(zip(new, self._run(new, place), strict=True))
        return [self._answers[key] for key in keys]

    def _defines(self, question: SpecQuestion, place: Path) -> "_Defines":
        defines: dict[str, str | None] = {
            "dist": "%{nil}",
            "autorelease(e:s:pb:n)": AUTORELEASE,
            "autochangelog": "%{nil}",
            "_changelog_trimage": "0",
            "_changelog_trimtime": "0",
            **({} if self.macros else {"pypi_source()": PYPI_SOURCE}),
            "_sourcedir": str(place),
            **question.macros,
        }
        return tuple(defines.items())

    def _run(self, keys: Sequence["_Key"], place: Path) -> list["_Answer"]:
        specs = {spec: f"{n}.spec" for n, spec in enumerate(dict.fromkeys(key[0] for key in keys))}
        asked = {
            "macros": "/sandbox/platform.macros" if self.macros else "",
            "questions": [
                {"spec": f"/sandbox/{specs[spec]}", "macros": macros, "wanted": wanted}
                for spec, _, macros, wanted in keys
            ],
        }
        files = {name: spec for spec, name in specs.items()}
        files |= {"platform.macros": self.macros, "read_specs.py": Path(_CHILD).read_bytes()}
        files["questions.json"] = json.dumps(asked).encode()
        limit = _SLOWEST + 2 * len(keys)
        try:
            done = self.sandbox.ask(
                *(_PYTHON, "-I", "/sandbox/read_specs.py", "/sandbox/questions.json"),
                readable=[place],
                files=files,
                timeout=limit,
            )
        except TimeLimitError as error:
            raise TimeLimitError(
                f"rpm did not finish reading the .spec file within {limit} s",
                hint="a program or Lua code in it may never end; on a busy machine, try again",
            ) from error
        if done.returncode == read_specs.NO_MODULE:
            raise CommandError(
                f"{_PYTHON} has no module rpm, which reads specs: {done.stderr.strip()}",
                hint="install python3-rpm; rdo doctor shows what is missing",
            )
        if done.returncode:
            raise _error(done.stderr)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return [_Answer(row["is_refused"], row["said"], tuple(row["told"])) for row in rows]


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
        tuple(fields.get("C", ())),
    )


def _applied(prep: str, folder: Path) -> tuple[AppliedPatch, ...]:
    """Return the files of the source folder that %prep names, in order."""
    name = re.compile(re.escape(str(folder.resolve())) + r"/([^\s'\"/;]+)")
    found = []
    for line in re.sub(r"[|\\][ \t]*\n", "| ", prep).splitlines():
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
    """Return the error for a spec that rpm cannot read; it names undefined macros."""
    lines = [line for line in said.splitlines() if line.startswith("error:")]
    detail = "; ".join(line.removeprefix("error: ") for line in lines[:3]) or said.strip()[-300:]
    detail = re.sub(r"/sandbox/\d+\.spec", "the spec", detail)
    missing = [
        name
        for name in dict.fromkeys(re.findall(r"%\{?([A-Za-z_]\w{2,})", " ".join(lines[:3])))
        if not re.search(rb"%(?:global|define)\s+" + name.encode() + rb"\b", spec)
    ]
    hint = ""
    if spec.startswith(codecs.BOM_UTF8):
        hint = "the file begins with a byte order mark (BOM); save it as UTF-8 without one"
    elif missing:
        names = ", ".join(f"%{name}" for name in missing)
        owners = sorted({_owner(name) for name in missing} - {""})
        whose = f" (of {', '.join(owners)})" if owners else ""
        hint = (
            f"no macro of the platform is called {names}{whose}; docs/macros.md lists those it has."
            f" Write what {names} stands for in its place, or make this change with git alone"
        )
    return RefusedError(f"rpm cannot read the .spec file: {detail}", hint=hint)


def _owner(macro: str) -> str:
    """Return Fedora's package that defines a macro; empty if that is not known.

    >>> _owner("gometa"), _owner("forgemeta"), _owner("py3_dist")
    ('go-rpm-macros', 'forge-srpm-macros', '')
    """
    return next((owner for start, owner in _OWNERS.items() if macro.startswith(start)), "")


def _with_probe(spec: bytes, text: str) -> bytes:
    """Return the spec with one more line of description, which rpm expands."""
    match = re.search(rb"^%description\b[^\n]*\n", spec, re.MULTILINE | re.IGNORECASE)
    at = match.end() if match else len(spec)
    return spec[:at] + f"{_MARKER} {text}\n".encode() + spec[at:]
