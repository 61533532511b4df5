"""Facts about an sdist that an inspection found (`roots/inside/building/describe_source.py`)."""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rdo.distgit.new_package.licences import Licence, find

STRAY = frozenset(
    {"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks",
     "bench", "script", "scripts", "tools", "samples", "demo", "demos", "setup", "conftest"}
)  # fmt: skip  # a table: several entries a line
"""Modules that a project may install by mistake beside its own."""

_MODULE = re.compile(r"\.(?:py|so|pyi)$")
_FOR_PEOPLE = re.compile(
    r"(README|CHANGES|CHANGELOG|HISTORY|NEWS|AUTHORS)([._-].*)?(\.(rst|md|txt))?$", re.IGNORECASE
)
_DATA = re.compile(r"^[^/]+\.data/(?:purelib|platlib)/")
_WORD = re.compile(r"\w[\w.+-]*")
"""A name that is safe anywhere in a spec: no macro, no option, nothing special to a shell."""

_ENTRY = re.compile(r"^[ \t]*([^#\[\s=]{1,200})[ \t]*=", re.MULTILINE)


def _parents(name: str, separator: str) -> set[str]:
    """Return the leading parts of a name, each ending before a separator.

    >>> sorted(_parents("a/b/c", "/"))
    ['a', 'a/b']
    """
    parts = name.split(separator)
    return {separator.join(parts[:count]) for count in range(1, len(parts))}


def _covers(file: str, modules: AbstractSet[str]) -> bool:
    """Whether a file is one of the modules, or inside one."""
    folder, _, last = file.rpartition("/")
    stems = {f"{folder}/{one}" if folder else one for one in _parents(last, ".")}
    return bool(modules & (_parents(file, "/") | stems))


@dataclass(frozen=True)
class SourceFacts:
    """The facts about an sdist and the wheel built from it.

    What is derived from thousands of files is cached, because it is used for every import of the
    tests.

    `files` are all files of the sdist, `installed` all of the wheel, as relative paths. `shebangs`
    are modules of the sdist that have a shebang although they are not programs. `texts` and
    `licences` are the contents of some files. `unimportable` maps modules that cannot be imported
    with only the runtime requirements to the reason.
    """

    top: str
    files: tuple[str, ...]
    shebangs: tuple[str, ...]
    texts: Mapping[str, str]
    licences: Mapping[str, str]
    test_imports: tuple[str, ...]
    metadata: Message
    wheel: str
    installed: tuple[str, ...]
    entry_points: str
    modules: tuple[str, ...]
    unimportable: Mapping[str, str]

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> "SourceFacts":
        """Convert the JSON that the inspecting child wrote."""
        return cls(
            top=answer["top"],
            files=tuple(answer["files"]),
            shebangs=tuple(answer["shebangs"]),
            texts=answer["texts"],
            licences=answer["licences"],
            test_imports=tuple(answer["test_imports"]),
            metadata=message_from_string(answer["metadata"]),
            wheel=answer["wheel"],
            installed=tuple(answer["installed"]),
            entry_points=answer["entry_points"],
            modules=tuple(filter(_WORD.fullmatch, answer["modules"])),
            unimportable=answer["unimportable"],
        )

    def said(self, key: str) -> str:
        """Return a field of the metadata as one line."""
        return " ".join(str(self.metadata.get(key) or "").split())

    def all_said(self, key: str) -> tuple[str, ...]:
        return tuple(str(one) for one in self.metadata.get_all(key, []))

    @property
    def name(self) -> str:
        return self.said("Name")

    @property
    def version(self) -> str:
        return self.said("Version")

    @property
    def is_pure(self) -> bool:
        """Whether the wheel is the same on every architecture."""
        return self.wheel.endswith("-any.whl")

    @property
    def has_binaries(self) -> bool:
        return any(name.endswith(".so") for name in self.installed)

    @property
    def licence(self) -> Licence:
        return find(
            self.said("License-Expression"),
            str(self.metadata.get("License") or ""),
            self.all_said("Classifier"),
            self.licences,
        )

    @property
    def names_licence_files(self) -> bool:
        """Whether the wheel contains the licence files that its metadata names."""
        named = {PurePosixPath(one).name for one in self.all_said("License-File")}
        inside = {PurePosixPath(one).name for one in self._parts(".dist-info")}
        return bool(named) and named <= inside

    @property
    def home_page(self) -> str:
        """The project's home page, or "" if it names none."""
        urls = {}
        for row in self.all_said("Project-URL"):
            label, _, url = row.partition(",")
            urls[re.sub(r"[^a-z]", "", label.lower())] = url.strip()
        labels = ("homepage", "home", "repository", "source", "sourcecode", "github", "code")
        known = (urls[label] for label in labels if label in urls)
        for url in (self.said("Home-page"), *known, *urls.values()):
            if re.fullmatch(r"https?://[^\s\"'<>%]+", url):
                return url
        return ""

    def _parts(self, suffix: str) -> Iterator[str]:
        return (one for one in self.installed if one.partition("/")[0].endswith(suffix))

    @cached_property
    def own_files(self) -> list[str]:
        """The files that the wheel installs beside the modules, without its metadata."""
        moved = (_DATA.sub("", name) for name in self.installed)
        ends = (".dist-info", ".data")
        return [name for name in moved if not name.partition("/")[0].endswith(ends)]

    @cached_property
    def top_modules(self) -> list[str]:
        """The modules to list in %files; for a namespace, the packages below it.

        A folder without Python files of its own is a namespace.
        """
        found: dict[str, None] = {}
        for name in self.own_files:
            path = PurePosixPath(name)
            if len(path.parts) == 1:
                module = path.name.partition(".")[0]
                if _MODULE.search(name) and not name.startswith("__") and _WORD.fullmatch(module):
                    found[module] = None
            elif module := self._package_of(path):
                found[module] = None
        return [one for one in found if not _parents(one, ".") & found.keys()]

    def _package_of(self, path: PurePosixPath) -> str:
        """Return `zope.event` for zope/event/classhandler.py if zope is a namespace."""
        parts = path.parts[:-1]
        depth = 1
        while depth < len(parts) and not self._has_code("/".join(parts[:depth])):
            depth += 1
        named = parts[:depth] if self._has_code("/".join(parts[:depth])) else parts[:1]
        return ".".join(named) if all(part.isidentifier() for part in named) else ""

    def _has_code(self, folder: str) -> bool:
        """Whether a folder itself contains Python files."""
        return folder in self._code_folders

    @cached_property
    def _code_folders(self) -> frozenset[str]:
        named = (name for name in self.own_files if _MODULE.search(name))
        return frozenset(name.rpartition("/")[0] or "." for name in named)

    @cached_property
    def own_names(self) -> frozenset[str]:
        """The first parts of the names of all modules, whether or not %files lists them."""
        return frozenset(one.partition(".")[0] for one in (*self.top_modules, *self.modules))

    @cached_property
    def local_names(self) -> frozenset[str]:
        """The names of the source's Python files and folders, by which its tests import them."""
        files = {PurePosixPath(name).stem for name in self.files if name.endswith(".py")}
        folders = {name.rpartition("/")[0] for name in self.files}
        return frozenset(files | {part for one in folders for part in one.split("/") if part})

    @property
    def stray_modules(self) -> list[str]:
        """Top-level modules that should not be installed, such as `tests`."""
        tops = self.top_modules
        if all(one.partition(".")[0] in STRAY for one in tops):
            return []
        return [one for one in tops if one.partition(".")[0] in STRAY]

    @property
    def loose_files(self) -> list[str]:
        """Files beside the modules that belong to no module, such as `x.pth`."""
        names = {name.replace(".", "/") for name in self.top_modules}
        return [name for name in self.own_files if not _covers(name, names)]

    @property
    def programs(self) -> list[str]:
        """The names of the programs in /usr/bin."""
        sections = re.split(r"^\[(.+?)\]\s*$", self.entry_points, flags=re.MULTILINE)
        bodies = dict(zip(sections[1::2], sections[2::2], strict=False))
        found = [
            name
            for section in ("console_scripts", "gui_scripts")
            for name in _ENTRY.findall(bodies.get(section, ""))
        ]
        found += [PurePosixPath(one).name for one in self._parts(".data") if "/scripts/" in one]
        return list(dict.fromkeys(found))

    @property
    def data_files(self) -> list[str]:
        """Files outside the modules and /usr/bin, as paths in the wheel's .data folder."""
        rest = (one.partition("/")[2] for one in self._parts(".data"))
        return [one for one in rest if not one.startswith(("scripts/", "purelib/", "platlib/"))]

    @property
    def extras(self) -> list[str]:
        said = self.all_said("Provides-Extra")
        return [canonicalize_name(one) for one in said if _WORD.fullmatch(one)]

    def requirements(self, extra: str | None = None) -> list[Requirement]:
        """Return the runtime requirements that apply here, or those that an extra adds."""
        found = []
        for text in self.all_said("Requires-Dist"):
            try:
                one = Requirement(text)
            except InvalidRequirement:
                continue
            plain = one.marker is None or one.marker.evaluate({"extra": ""})
            if extra is None:
                wanted = plain
            else:
                wanted = not plain and bool(one.marker and one.marker.evaluate({"extra": extra}))
            if wanted:
                found.append(one)
        return found

    def summary(self) -> str:
        """Return the summary as one line without a final dot, as rpmlint requires."""
        text = self.said("Summary").rstrip(". ") or f"The Python project {self.name}"
        text = text[:1].upper() + text[1:]
        return text if len(text) <= 79 else text[:76].rpartition(" ")[0] + "..."

    def documents(self) -> list[str]:
        """Return the files in the sdist's top folder that are written for people."""
        return [name for name in self.files if "/" not in name and _FOR_PEOPLE.match(name)][:5]
