"""Collect facts about a Python sdist that a packager needs.

Runs inside the root as the build user. The sdist is unpacked, its wheel is built by its own
backend, and each module of the wheel is imported with the runtime requirements installed. Writes
/builddir/answer.json: the facts as `rdo.distgit.new_package.facts` reads them, or `{"needs": [RPM
dependencies]}` if building or importing requires what is not installed yet.
"""

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from email import message_from_string
from pathlib import Path, PurePosixPath
from typing import Any

from rdo.roots.inside.building import build_wheel
from rdo.roots.inside.building.buildrequires import (
    EndOfPassError,
    Requirements,
    runtime_requirements,
)
from rdo.roots.inside.installing.save_files import public_module

HOME = Path("/builddir")
MAX_NAMES = 20_000
MAX_TEXT = 200_000
IMPORT_SECONDS = 60

_TEXTS = (
    *("pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", ".stestr.conf"),
    *("*requirements*.txt", "requirements/*.txt", "test*/requirements*.txt", "docs/*req*.txt"),
    *("doc/*req*.txt", "doc*/conf.py", "doc*/source/conf.py", "mkdocs.yml"),
)
_LICENCES = ("LICEN[CS]E*", "COPYING*", "COPYRIGHT*", "UNLICENSE*")


def built_wheel(archive: Path) -> Path:
    """Build the wheel, once, and return its path."""
    made = sorted((HOME / "wheel").glob("*.whl"))
    return made[0] if made else Path(build_wheel.build(archive))


def source_facts(archive: Path) -> dict[str, Any]:
    """Return the names of all files in the sdist, and the content of those about tests and docs.

    Called before anything is built in the sdist's folder.
    """
    kept = HOME / "source.json"
    if kept.exists():
        facts: dict[str, Any] = json.loads(kept.read_text())
        return facts
    tree = build_wheel.unpack(archive)
    names = [str(path.relative_to(tree)) for path in sorted(tree.rglob("*")) if path.is_file()]
    texts = {name: _read(tree / name) for pattern in _TEXTS for name in _glob(tree, pattern)}
    licences = {name: _read(tree / name) for pattern in _LICENCES for name in _glob(tree, pattern)}
    facts = {
        "top": tree.name,
        "files": names[:MAX_NAMES],
        "shebangs": [name for name in names[:MAX_NAMES] if _has_idle_shebang(tree / name)],
        "texts": texts,
        "licences": licences,
        "test_imports": sorted(imported(tree / name for name in names if _is_test(name))),
    }
    kept.write_text(json.dumps(facts))
    return facts


def _is_test(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".py" and (
        path.name.startswith(("test", "conftest"))
        or bool({"test", "tests", "testing"} & set(path.parts))
    )


def _has_idle_shebang(file: Path) -> bool:
    """Whether a module without an x bit begins with a shebang."""
    if file.suffix != ".py" or file.is_symlink() or os.access(file, os.X_OK):
        return False
    with file.open("rb") as content:
        return content.read(2) == b"#!"


def imported(files: Iterable[Path]) -> set[str]:
    """Return the modules that files import, by the names they use; skip files with errors."""
    names: set[str] = set()
    for file in files:
        try:
            tree = ast.parse(file.read_bytes()[:MAX_TEXT])
        except (SyntaxError, ValueError, RecursionError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return names


def _glob(tree: Path, pattern: str) -> list[str]:
    found = [path for path in sorted(tree.glob(pattern)) if path.is_file()]
    return [str(path.relative_to(tree)) for path in found[:20]]


def _read(path: Path) -> str:
    return path.read_bytes()[:MAX_TEXT].decode(errors="replace")


def wheel_facts(wheel: Path, folder: Path) -> tuple[str, dict[str, Any]]:
    """Unpack the wheel into `folder`; return its METADATA and what it installs."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
        names = [name for name in archive.namelist() if not name.endswith("/")]
    info = next(name for name in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
    info = info.partition("/")[0]
    entry_points = folder / info / "entry_points.txt"
    metadata = _read(folder / info / "METADATA")
    return metadata, {
        "metadata": metadata,
        "wheel": wheel.name,
        "installed": names[:MAX_NAMES],
        "entry_points": _read(entry_points) if entry_points.is_file() else "",
    }


def module_names(names: Sequence[str]) -> Iterator[str]:
    """Yield the public modules of a wheel."""
    for name in names:
        path = PurePosixPath(name)
        if not path.parts[0].endswith((".dist-info", ".data")) and (found := public_module(path)):
            yield found


def failing_imports(folder: Path, modules: Sequence[str]) -> dict[str, str]:
    """Return the modules that cannot be imported here, and the reasons.

    A module that crashes or hangs does not stop the check of the others.
    """
    failing: dict[str, str] = {}
    rest = list(dict.fromkeys(modules))
    while rest:
        tried = _try_imports(folder, rest)
        failing |= {name: why for name, why in tried if why}
        if len(tried) < len(rest):
            failing[rest[len(tried)]] = "it ended the interpreter or did not finish"
        rest = rest[len(tried) + 1 :]
    return failing


def _try_imports(folder: Path, modules: Sequence[str]) -> list[tuple[str, str]]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    results = HOME / "imports"
    results.unlink(missing_ok=True)
    program = [sys.executable, "-c", _IMPORTER, str(results), *modules]
    try:
        subprocess.run(
            program,
            cwd="/",
            env=environment,
            check=False,
            timeout=IMPORT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        sys.stderr.write("the imports took too long\n")
    lines = results.read_text().splitlines() if results.exists() else []
    return [(name, why) for name, why in map(json.loads, lines)]


_IMPORTER = """
import importlib, json, sys
with open(sys.argv[1], "w") as results:
    modules, sys.argv = sys.argv[2:], sys.argv[:1]
    for name in modules:
        why = ""
        try:
            importlib.import_module(name)
        except BaseException as error:
            why = f"{type(error).__name__}: {error}"[:300]
        results.write(json.dumps([name, why]) + "\\n")
        results.flush()
"""


def describe(archive: Path) -> dict[str, Any]:
    """Return the facts about a source; ends the pass early if a requirement is missing."""
    source = source_facts(archive)
    wheel = built_wheel(archive)
    folder = HOME / "unpacked"
    metadata, installed = wheel_facts(wheel, folder)
    said = message_from_string(metadata)
    requirements = Requirements(())
    texts = said.get_all("Requires-Dist", [])
    runtime_requirements(requirements, said["Name"], texts, "the metadata")
    requirements.end_pass_if_missing()
    modules = list(module_names(installed["installed"]))
    return {
        **source,
        **installed,
        "modules": modules,
        "unimportable": failing_imports(folder, modules),
    }


def main(argv: list[str]) -> int:
    answer = HOME / "answer.json"
    try:
        answer.write_text(json.dumps(describe(Path(argv[0]))))
    except EndOfPassError as missing:
        answer.write_text(json.dumps({"needs": missing.dependencies}))
    sys.stdout.flush()
    return 0
