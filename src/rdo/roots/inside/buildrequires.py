"""%pyproject_buildrequires: what a Python source needs to be built, as RPM dependencies.

Runs inside the root, in the unpacked source, once per pass of rpmbuild. It asks the source's
own build backend, which may need what an earlier answer named: the first missing group of
requirements ends the pass, and rpmbuild calls again when they are installed.
Behaviour and options follow Fedora's pyproject-rpm-macros.
"""

import argparse
import contextlib
import importlib
import io
import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from email import message_from_string
from email.message import Message
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from rdo.python_names import requires


class EndOfPassError(Exception):
    """Something that was asked for is not installed yet; `dependencies` are all asked so far."""

    def __init__(self, missing: Iterable[str], dependencies: Iterable[str]) -> None:
        super().__init__(", ".join(missing))
        self.dependencies = list(dependencies)


class Requirements:
    """Collects what is asked for, and knows whether it is installed."""

    def __init__(self, extras: Iterable[str]) -> None:
        self.extras = tuple(extras) or ("",)
        self.lines: list[str] = []
        self._missing: list[str] = []

    def add(self, texts: Iterable[str], source: str) -> None:
        """Take requirements with their markers; `source` is named when one cannot be read."""
        for text in texts:
            try:
                requirement = Requirement(text)
            except InvalidRequirement as error:
                sys.exit(f"{source}: not a requirement: {text!r}: {error}")
            if requirement.url:
                sys.exit(f"{source}: a requirement by URL cannot be an RPM: {text!r}")
            if self._applies(requirement):
                self.lines.extend(requires(requirement))
                if not _is_installed(requirement):
                    self._missing.append(text)

    def end_pass_if_missing(self) -> None:
        if self._missing:
            raise EndOfPassError(self._missing, self.lines)

    def _applies(self, requirement: Requirement) -> bool:
        marker = requirement.marker
        return marker is None or any(marker.evaluate({"extra": extra}) for extra in self.extras)


def _is_installed(requirement: Requirement) -> bool:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)


def load_backend(requirements: Requirements, build_system: dict[str, Any]) -> ModuleType:
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


def backend_requirements(requirements: Requirements, backend: ModuleType) -> None:
    if hook := getattr(backend, "get_requires_for_build_wheel", None):
        requirements.add(hook(), "the build backend")
    requirements.end_pass_if_missing()


def source_metadata(backend: ModuleType) -> Message:
    """The core metadata of the source, by the backend's hook or else from a wheel."""
    with tempfile.TemporaryDirectory() as folder:
        if hook := getattr(backend, "prepare_metadata_for_build_wheel", None):
            path = Path(folder, hook(folder), "METADATA")
            return message_from_string(path.read_text(errors="replace"))
        wheel = Path(folder, backend.build_wheel(folder))
        with zipfile.ZipFile(wheel) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            return message_from_string(archive.read(name).decode(errors="replace"))


def tox_requirements(requirements: Requirements, environments: Iterable[str]) -> None:
    """The deps and extras of tox environments, asked of tox itself (tox-current-env)."""
    requirements.add(["tox-current-env >= 0.0.16", "tox"], "tox")
    requirements.end_pass_if_missing()
    environment = ",".join(environments)
    with tempfile.TemporaryDirectory() as folder:
        files = {what: Path(folder, what) for what in ("deps", "extras")}
        command = [sys.executable, "-m", "tox", "--print-deps-to", str(files["deps"])]
        command += ["--print-extras-to", str(files["extras"]), "--assert-config"]
        command += ["-q", "--recreate", "-e", environment]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        sys.stderr.write(done.stdout + done.stderr)
        if done.returncode:
            sys.exit(f"tox could not tell the dependencies of {environment}")
        deps = files["deps"].read_text().splitlines()
        extras = files["extras"].read_text().split()
    requirements.extras = (*requirements.extras, *extras)
    requirements.add(_requirement_lines(deps, Path()), f"tox environment {environment}")


def _requirement_lines(lines: Iterable[str], folder: Path) -> Iterator[str]:
    """Requirements of pip's file format, `-r` and `-c` lines followed or left out."""
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    for raw in joined:
        line = raw.split(" #")[0].strip()
        if line.startswith("-r") or line.startswith("--requirement"):
            name = line.removeprefix("--requirement").removeprefix("-r").strip(" =")
            file = folder / name
            yield from _requirement_lines(file.read_text().splitlines(), file.parent)
        elif line and not line.startswith(("#", "-")):
            yield line.split(" --hash")[0]


def group_requirements(requirements: Requirements, groups: Iterable[str], project: Any) -> None:
    """PEP 735 dependency groups, includes followed."""
    known = project.get("dependency-groups", {})
    for group in groups:
        if group not in known:
            sys.exit(f"pyproject.toml has no dependency group {group!r}; it has {sorted(known)}")
        for entry in known[group]:
            if isinstance(entry, dict):
                group_requirements(requirements, [entry["include-group"]], project)
            else:
                requirements.add([entry], f"dependency group {group}")


def collect(args: argparse.Namespace, requirements: Requirements) -> None:
    """Every group of requirements that the options ask for, in the order of their need."""
    file = Path("pyproject.toml")
    project = tomllib.loads(file.read_text()) if file.exists() else {}
    for name in args.files:
        path = Path(name)
        requirements.add(_requirement_lines(path.read_text().splitlines(), path.parent), name)
    if not args.no_build_system:
        backend = load_backend(requirements, project.get("build-system", {}))
        backend_requirements(requirements, backend)
    group_requirements(requirements, args.groups, project)
    if args.read_pyproject:
        declared = project.get("project", {})
        requirements.add(declared.get("dependencies", []), "pyproject.toml")
        for extra in args.extras:
            optional = declared.get("optional-dependencies", {}).get(extra, [])
            requirements.add(optional, f"extra {extra}")
    environments = args.environments or (args.tox and [os.environ["RPM_TOXENV"]])
    if environments:
        tox_requirements(requirements, environments)
    if not args.no_runtime and not args.no_build_system and not args.read_pyproject:
        requirements.add(source_metadata(backend).get_all("Requires-Dist", []), "the metadata")


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="%pyproject_buildrequires")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("-r", "--runtime", action="store_true")
    parser.add_argument("-R", "--no-runtime", action="store_true")
    parser.add_argument("-N", "--no-use-build-system", dest="no_build_system", action="store_true")
    parser.add_argument("-w", "--wheel", action="store_true")
    parser.add_argument(
        "-p", "--read-pyproject-dependencies", dest="read_pyproject", action="store_true"
    )
    parser.add_argument("-t", "--tox", action="store_true")
    parser.add_argument("-e", "--toxenv", dest="environments", action="append", default=[])
    parser.add_argument("-x", "--extras", action="append", default=[])
    parser.add_argument("-g", "--dependency-groups", dest="groups", action="append", default=[])
    parser.add_argument("-C", "--config-setting", action="append", default=[])
    parser.add_argument("files", nargs="*")
    args = parser.parse_args(argv)
    for name in ("extras", "groups", "environments"):
        setattr(args, name, [part for value in getattr(args, name) for part in value.split(",")])
    return args


def main(argv: list[str]) -> int:
    args = parse_arguments(argv)
    requirements = Requirements(args.extras)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            collect(args, requirements)
    except EndOfPassError as missing:
        sys.stderr.write(f"not installed yet: {missing}\n")
    sys.stderr.write(said.getvalue())
    args.output.write_text("".join(f"{line}\n" for line in dict.fromkeys(requirements.lines)))
    return 0
