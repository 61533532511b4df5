"""Find drift: lines of a spec that no longer fit upstream, such as a `sed` without a match.

A `sed` that no longer matches does not fail the build; it silently stops doing its job.
"""

import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from packaging.utils import canonicalize_name

from rdo.distgit.requirements.declared import Wanted, extra_names
from rdo.distgit.requirements.requirement_lists import SourceFiles
from rdo.model.text.toml_text import read_toml
from rdo.spec.file import SpecFile
from rdo.spec.text import Line, SpecText
from rdo.tools.walls.sandbox import Sandbox

_FOR = re.compile(r"^\s*(for|while|until)\b.*(;\s*do)?\s*$")
_MACRO = re.compile(r"%\{?[\w?!*#:{}-]")


@dataclass(frozen=True, slots=True)
class Drift:
    """A line of the spec (numbered from 1) that no longer fits upstream, and why."""

    line: int
    text: str
    fault: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.fault}: {self.text}"


def find(spec: SpecFile, source: SourceFiles, wanted: Iterable[Wanted]) -> list[Drift]:
    """Return all drift between a spec and its source."""
    text = spec.text()
    found = [*_seds(spec, text, source), *_excluded(text, source, wanted)]
    found += [*_extras(text, source), *_files(text, source), *_environments(text, source)]
    return sorted(set(found), key=lambda one: (one.line, one.fault))


def _seds(spec: SpecFile, text: SpecText, source: SourceFiles) -> Iterator[Drift]:
    """Find `sed -i` lines of %prep that change nothing, or whose file is gone."""
    sandbox = spec.rpmspec.sandbox
    loops = 0
    for line, whole in _statements(text, "prep"):
        first = whole.strip().split(" ")[0]
        loops += bool(_FOR.match(whole))
        loops -= first == "done" and loops > 0
        if loops or not re.match(r"\s*sed\s", whole) or "$" in _unquoted(whole):
            continue
        yield from _sed(spec, sandbox, source, line, whole)


def _sed(
    spec: SpecFile, sandbox: Sandbox, source: SourceFiles, line: Line, whole: str
) -> Iterator[Drift]:
    expanded = spec.expand(whole) if _MACRO.search(whole) else whole
    command = plain_sed(expanded)
    if command is None:
        return
    script, files = command
    plain = [name for name in files if re.fullmatch(r"[\w./-]+", name)]
    if any(Path(name).is_absolute() for name in plain):
        return  # a file of the distgit or the build, not of upstream
    said = " ".join(whole.split())
    contents = {name: source.file(name.removeprefix("./")) for name in plain}
    for name, content in contents.items():
        if content is None:
            yield Drift(line.number + 1, said, f"upstream has no file {name}")
    known = [content for content in contents.values() if content is not None]
    is_whole = len(known) == len(files)
    if is_whole and all(_changes_nothing(sandbox, script, content) for content in known):
        fault = f"sed no longer matches anything in {', '.join(plain)}"
        yield Drift(line.number + 1, said, fault)


def plain_sed(text: str) -> tuple[list[str], list[str]] | None:
    """Return the options with the scripts, and the files; None if it is not a plain `sed -i`."""
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        return None
    if any(word in {"|", "&&", "||", ";", ">", "<", ">>"} for word in words):
        return None
    script: list[str] = []
    files: list[str] = []
    rest = words[1:]
    in_place = False
    while rest:
        word = rest.pop(0)
        if word in {"-e", "--expression"} and rest:
            script += ["-e", rest.pop(0)]
        elif word.startswith("--expression="):
            script += ["-e", word.partition("=")[2]]
        elif re.fullmatch(r"-[nErsz]*i\S*|--in-place\S*", word):
            in_place = True
            script += [f"-{flag}" for flag in re.sub(r"i.*", "", word.strip("-")) if flag in "nErz"]
            if word.endswith("e") and word.startswith("-i") and rest:
                script += ["-e", rest.pop(0)]
        elif word.startswith("-"):
            script.append(word)
        else:
            files.append(word)
    if not any(word == "-e" for word in script) and files:
        script += ["-e", files.pop(0)]
    return (script, files) if in_place and files and "-e" in script else None


def _changes_nothing(sandbox: Sandbox, script: list[str], content: str) -> bool:
    """Whether sed leaves a file unchanged; False for a script that sed does not understand."""
    data = content.encode("utf-8", "surrogateescape")
    done = sandbox.ask("sed", "--sandbox", *script, "/sandbox/input", files={"input": data})
    return done.returncode == 0 and done.stdout == content


def _unquoted(text: str) -> str:
    return re.sub(r"'[^']*'|\\\$|\$(?=[/'\"\s]|$)", "", text)


def _statements(text: SpecText, section: str) -> Iterator[tuple[Line, str]]:
    """Yield the lines of a section; a line that ends with a backslash is joined with the next."""
    start: Line | None = None
    whole = ""
    for line in text.read():
        if line.section != section or (line.text.startswith(f"%{section}") and start is None):
            continue
        start = start or line
        whole += line.text
        if whole.endswith("\\"):
            whole = whole[:-1] + " "
            continue
        yield start, whole
        start, whole = None, ""


def _excluded(text: SpecText, source: SourceFiles, wanted: Iterable[Wanted]) -> Iterator[Drift]:
    """Find names in `excluded_brs` that upstream no longer requires anywhere."""
    asked = {one.key for one in wanted}
    for name in ("doc/requirements.txt", "docs/requirements.txt", "tox.ini"):
        words = re.findall(r"^[ \t]*([\w.-]+)", source.file(name) or "", re.MULTILINE)
        asked |= {canonicalize_name(word) for word in words}
    for line in text.read():
        match = re.match(r"\s*%global\s+excluded_brs\s+(.*)", line.text)
        for name in match[1].split() if match else ():
            if "%" in name:
                continue
            if not any(one.startswith(canonicalize_name(name)) for one in asked):
                fault = f"no requirement of upstream begins with {name}"
                yield Drift(line.number + 1, line.text.strip(), fault)


def _extras(text: SpecText, source: SourceFiles) -> Iterator[Drift]:
    """Find extras that the spec names and upstream does not have."""
    known = extra_names(source)
    if _has_dynamic_extras(source):
        return
    for line in text.read():
        named: list[str] = []
        if match := re.search(r"%\{?(?:pyproject|python)_extras_subpkg\s+(.*?)\}?$", line.text):
            words = re.sub(r"-[nif]\s+\S+|-[FaA]\b", "", match[1])
            named = words.split()
        elif match := re.search(r"%pyproject_buildrequires\b(.*)", line.text):
            named = [
                part
                for value in re.findall(r"-x\s*([\w.,-]+)", match[1])
                for part in value.split(",")
            ]
        for name in named:
            if re.fullmatch(r"[\w.-]+", name) and canonicalize_name(name) not in known:
                fault = f"upstream has no extra {name}"
                yield Drift(line.number + 1, line.text.strip(), fault)


def _has_dynamic_extras(source: SourceFiles) -> bool:
    """Whether extras may be declared in setup.py or by the build backend, where we do not look."""
    if "extras_require" in (source.file("setup.py") or ""):
        return True
    try:
        project = read_toml(source.file("pyproject.toml") or "")
    except tomllib.TOMLDecodeError:
        return True
    table = project.get("project", {})
    is_poetry = "poetry" in project.get("tool", {})
    return is_poetry or (
        isinstance(table, dict) and "optional-dependencies" in table.get("dynamic", [])
    )


def _files(text: SpecText, source: SourceFiles) -> Iterator[Drift]:
    """Find requirement files for %pyproject_buildrequires that upstream does not have."""
    for line in text.read():
        match = re.search(r"%pyproject_buildrequires\b(.*)", line.text)
        for name in re.findall(r"(?<![\w./-])([\w./-]+\.txt)\b", match[1]) if match else ():
            if source.file(name) is None:
                fault = f"upstream has no file {name}"
                yield Drift(line.number + 1, line.text.strip(), fault)


def _environments(text: SpecText, source: SourceFiles) -> Iterator[Drift]:
    """Find tox environments that the spec names and tox.ini does not have."""
    tox = source.file("tox.ini")
    for line in text.read():
        match = re.search(r"%(?:pyproject_buildrequires|tox)\b(.*)", line.text)
        for value in re.findall(r"-e\s*([\w,.-]+)", match[1]) if match else ():
            for name in value.split(","):
                if not _has_environment(tox, name):
                    fault = f"tox.ini has no environment {name}"
                    yield Drift(line.number + 1, line.text.strip(), fault)


def _has_environment(tox: str | None, name: str) -> bool:
    """Whether tox has an environment; pyXY needs no section of its own."""
    if tox is None:
        return Path("tox.toml").name in {name}
    if re.fullmatch(r"py\d*", name):
        return True
    sections = re.findall(r"^\[testenv:([^\]]+)\]", tox, re.MULTILINE)
    names = {part.strip() for section in sections for part in re.split(r"[,{}]", section)}
    return any(fnmatch(name, one) or name == one for one in names if one)
