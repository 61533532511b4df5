"""%pyproject_buildrequires: print the build requirements of a Python source as RPM dependencies.

Runs inside the root, in the unpacked source, once per pass of rpmbuild. It asks the source's own
build backend, which may need what an earlier answer named: the first missing group of requirements
ends the pass, and rpmbuild calls again when they are installed. Behaviour and options follow
Fedora's pyproject-rpm-macros.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from email import message_from_string
from email.message import Message
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from rdo.python_names import requires
from rdo.roots.inside.building import wheel
from rdo.roots.inside.building.declared import DeclaredFiles
from rdo.roots.inside.building.foretell import READ_ONLY
from rdo.roots.inside.building.requirement_files import read_requirements, requirement_lines

Settings = dict[str, str | list[str]]
"""The `config_settings` of PEP 517's hooks."""

_NO_METADATA_HOOK = (
    "the build backend reports runtime requirements only by building;"
    " use %pyproject_buildrequires -w to do that, -p to read pyproject.toml, or -R"
)


_TOX_OVERRIDE = "tox.ignore_basepython_conflict=true"
"""In EL's tox 3, `basepython = python3` applies to an environment like py311."""


class EndOfPassError(Exception):
    """A requirement is not installed yet; `dependencies` are all requirements so far."""

    def __init__(self, missing: Iterable[str], dependencies: Iterable[str]) -> None:
        super().__init__(", ".join(missing))
        self.dependencies = list(dependencies)


class Requirements:
    """The requirements collected so far, and which of them are not installed."""

    def __init__(self, extras: Iterable[str]) -> None:
        self.extras = tuple(extras)
        self.lines: list[str] = []
        self._missing: list[str] = []

    def add(self, texts: Iterable[str], source: str) -> None:
        """Collect requirements whose markers apply.

        If one cannot be read, the error names `source`.
        """
        for requirement in parse(texts, source):
            if applies(requirement, self.extras):
                self.take(requirement)

    def take(self, requirement: Requirement) -> None:
        """Collect a requirement, whatever its marker; any version meets one with a URL."""
        self.lines.extend(requires(requirement))
        if not _is_installed(requirement):
            self._missing.append(str(requirement))

    def end_pass_if_missing(self) -> None:
        """Raise EndOfPassError if a collected requirement is not installed."""
        if self._missing:
            raise EndOfPassError(self._missing, self.lines)


def parse(texts: Iterable[str], source: str) -> Iterator[Requirement]:
    """Yield the requirements; exit with an error that names `source` if one cannot be read."""
    for text in texts:
        try:
            yield Requirement(text)
        except InvalidRequirement as error:
            sys.exit(f"{source}: not a requirement: {text!r}: {error}")


def applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    """Whether the requirement's marker is true here, without any extra or with one of these."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": one}) for one in ("", *extras))


def _is_installed(requirement: Requirement) -> bool:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)


def load_backend(requirements: Requirements, build_system: dict[str, Any]) -> ModuleType:
    """Import and return the build backend; raise EndOfPassError if it is not installed yet."""
    requirements.add(build_system.get("requires", ["setuptools >= 40.8", "wheel"]), "build-system")
    requirements.end_pass_if_missing()
    name = build_system.get("build-backend", "setuptools.build_meta:__legacy__")
    sys.path[:0] = [str(Path(path).resolve()) for path in build_system.get("backend-path", [])]
    module, _, attributes = name.partition(":")
    if module == "setuptools.build_meta" and attributes:
        sys.path.insert(0, str(Path.cwd()))
    backend: Any = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        backend = getattr(backend, attribute)
    return backend  # type: ignore[no-any-return]  # a module, or an object that behaves as one


def backend_requirements(
    requirements: Requirements, backend: ModuleType, settings: Settings | None = None
) -> None:
    """Collect what the backend itself requires to build a wheel.

    Raise EndOfPassError if missing.
    """
    if hook := getattr(backend, "get_requires_for_build_wheel", None):
        requirements.add(hook(settings), "the build backend")
    requirements.end_pass_if_missing()


def source_metadata(backend: ModuleType, settings: Settings) -> Message:
    """Return the core metadata of the source, from the backend's hook."""
    hook = getattr(backend, "prepare_metadata_for_build_wheel", None)
    if hook is None:
        sys.exit(_NO_METADATA_HOOK)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, hook(folder, settings), "METADATA")
        return message_from_string(path.read_text(errors="replace"))


def wheel_metadata(output: Path, scratch: Path, settings: Sequence[str]) -> Message:
    """Return the core metadata of the source from a wheel that is built for it and kept."""
    for stale in output.glob("*.whl"):
        stale.unlink()
    if wheel.build(output, scratch, settings):
        sys.exit("cannot build the wheel that -w asks for")
    with zipfile.ZipFile(next(output.glob("*.whl"))) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return message_from_string(archive.read(name).decode(errors="replace"))


def runtime_requirements(
    requirements: Requirements, name: str, texts: Iterable[str], source: str
) -> None:
    """Collect the requirements of the project `name`, with the wanted extras and what those use."""
    known = list(parse(texts, source))
    extras = set(requirements.extras)
    while True:
        wanted = [one for one in known if applies(one, extras)]
        own = [one for one in wanted if canonicalize_name(one.name) == canonicalize_name(name)]
        more = {extra for one in own for extra in one.extras} - extras
        if not more:
            break
        extras |= more
    for one in wanted:
        if one not in own:
            requirements.take(one)


def declared_requirements(requirements: Requirements, project: dict[str, Any]) -> None:
    """Collect the requirements in the table `project` of pyproject.toml (`-p`)."""
    dynamic = {"dependencies", "optional-dependencies"} & set(project.get("dynamic", []))
    if dynamic or "name" not in project:
        said = (
            f"leaves {' and '.join(sorted(dynamic))} to the backend" if dynamic else "has no name"
        )
        sys.exit(f"%pyproject_buildrequires -p: the table project of pyproject.toml {said}")
    texts = list(project.get("dependencies", []))
    optional = {
        canonicalize_name(extra): rows
        for extra, rows in project.get("optional-dependencies", {}).items()
    }
    for extra, rows in optional.items():
        for requirement in parse(rows, f"extra {extra}"):
            condition = f'extra == "{extra}"'
            if requirement.marker:
                condition = f"({requirement.marker}) and {condition}"
            requirement.marker = None
            texts.append(f"{requirement} ; {condition}")
    _warn_of_unknown(requirements.extras, optional)
    runtime_requirements(requirements, project["name"], texts, "pyproject.toml")


def _warn_of_unknown(extras: Iterable[str], known: Iterable[str]) -> None:
    names = {canonicalize_name(extra) for extra in known}
    for extra in extras:
        if canonicalize_name(extra) not in names:
            sys.stderr.write(f"warning: the metadata has no extra {extra!r}\n")


def tox_requirements(requirements: Requirements, environments: Iterable[str]) -> None:
    """Collect the deps and extras of tox environments; tox itself prints them (tox-current-env).

    The requirements of tox's own configuration come first: tox prints them instead of the deps.
    Raises EndOfPassError if one of those is missing.
    """
    requirements.end_pass_if_missing()
    environment = ",".join(environments)
    with tempfile.TemporaryDirectory() as folder:
        deps, extras, own = (Path(folder, name) for name in ("deps", "extras", "own"))
        command = [sys.executable, "-m", "tox", "--print-deps-to", str(deps)]
        command += ["--print-extras-to", str(extras), "--no-provision", str(own)]
        command += ["--assert-config", "-q", "--recreate", "-e", environment]
        variables = {"TOX_OVERRIDE": _TOX_OVERRIDE, **os.environ}
        done = subprocess.run(command, check=False, env=variables)
        if own.exists():
            asked = json.loads(own.read_text())
            minimum = [f"tox >= {asked['minversion']}"] if asked.get("minversion") else []
            requirements.add([*minimum, *asked.get("requires", [])], "tox's own requirements")
            requirements.end_pass_if_missing()
        if done.returncode:
            sys.exit(f"tox failed to print the dependencies of {environment}")
        requirements.extras = (*requirements.extras, *extras.read_text().split())
        lines = requirement_lines(deps.read_text().splitlines(), Path())
        requirements.add(lines, f"tox environment {environment}")


def group_requirements(
    requirements: Requirements, groups: Iterable[str], project: dict[str, Any]
) -> None:
    """Collect PEP 735 dependency groups and the groups that they include."""
    known = {
        canonicalize_name(name): rows for name, rows in project.get("dependency-groups", {}).items()
    }

    def take(group: NormalizedName, path: tuple[str, ...]) -> None:
        if group in path:
            sys.exit(f"the dependency groups {' > '.join((*path, group))} include each other")
        if group not in known:
            sys.exit(f"pyproject.toml has no dependency group {group!r}; it has {sorted(known)}")
        for entry in known[group]:
            if isinstance(entry, dict):
                take(canonicalize_name(entry["include-group"]), (*path, group))
            else:
                requirements.add([entry], f"dependency group {group}")

    for group in groups:
        take(canonicalize_name(group), ())


def config_settings(texts: Iterable[str]) -> Settings:
    """Parse `KEY=VALUE` words for PEP 517's hooks; a key may occur several times.

    >>> config_settings(["a=1", "b", "a=2"])
    {'a': ['1', '2'], 'b': ''}
    """
    settings: Settings = {}
    for text in texts:
        key, _, value = text.partition("=")
        match settings.get(key):
            case None:
                settings[key] = value
            case list() as values:
                values.append(value)
            case first:
                settings[key] = [first, value]
    return settings


def collect(args: argparse.Namespace, requirements: Requirements) -> None:
    """Collect every group of requirements that the options request, static ones first."""
    file = Path("pyproject.toml")
    project: dict[str, Any] = tomllib.loads(file.read_text()) if file.exists() else {}
    environments = args.environments or (args.tox and os.environ["RPM_TOXENV"].split(","))
    for name in args.files:
        requirements.add(read_requirements(Path(name)), name)
    group_requirements(requirements, args.groups, project)
    if environments:
        requirements.add(["tox-current-env >= 0.0.16", "tox"], "tox")
    if args.read_pyproject:
        declared_requirements(requirements, project.get("project", {}))
    if args.no_build_system:
        return
    settings = config_settings(args.settings)
    backend = load_backend(requirements, project.get("build-system", {}))
    backend_requirements(requirements, backend, settings)
    if environments:
        tox_requirements(requirements, environments)
    if args.no_runtime or args.read_pyproject:
        return
    found = (
        wheel_metadata(args.wheels, args.scratch, args.settings)
        if args.wheel
        else source_metadata(backend, settings)
    )
    _warn_of_unknown(requirements.extras, found.get_all("Provides-Extra", []))
    texts = found.get_all("Requires-Dist", [])
    runtime_requirements(requirements, found["Name"], texts, "the metadata")


def collect_declared(args: argparse.Namespace, requirements: Requirements) -> None:
    """Collect what the source's files declare, without backend and tox, to predict requirements."""
    declared = DeclaredFiles()
    found = [Requirement("tox-current-env >= 0.0.16"), Requirement("tox")]
    environments = args.environments or (args.tox and os.environ["RPM_TOXENV"].split(","))
    if not environments:
        found = []
    if not args.no_build_system:
        found += declared.build()
    if not args.no_runtime and not args.no_build_system:
        found += declared.runtime()
    found += declared.tox(environments or ())
    for requirement in found:
        if applies(requirement, requirements.extras):
            requirements.take(requirement)


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="%pyproject_buildrequires")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    flags = {
        "runtime": ("-r", "--runtime"),  # the default
        "no_runtime": ("-R", "--no-runtime"),
        "no_build_system": ("-N", "--no-use-build-system"),
        "wheel": ("-w", "--wheel"),
        "read_pyproject": ("-p", "--read-pyproject-dependencies"),
        "tox": ("-t", "--tox"),
    }
    for name, options in flags.items():
        parser.add_argument(*options, dest=name, action="store_true")
    lists = {
        "environments": ("-e", "--toxenv"),
        "extras": ("-x", "--extras"),
        "groups": ("-g", "--dependency-groups"),
        "settings": ("-C", "--config-settings"),
    }
    for name, options in lists.items():
        parser.add_argument(*options, dest=name, action="append", default=[])
    parser.add_argument("files", nargs="*", metavar="REQUIREMENT-FILE")
    args = parser.parse_args(argv)
    for name in ("extras", "groups", "environments"):
        setattr(args, name, [part for value in getattr(args, name) for part in value.split(",")])
    return args


def main(argv: list[str]) -> int:
    args = parse_arguments(argv)
    requirements = Requirements(args.extras)
    try:
        if os.environ.get(READ_ONLY):
            collect_declared(args, requirements)
        else:
            collect(args, requirements)
    except EndOfPassError as missing:
        sys.stderr.write(f"not installed yet: {missing}\n")
    args.output.write_text("".join(f"{line}\n" for line in dict.fromkeys(requirements.lines)))
    return 0
