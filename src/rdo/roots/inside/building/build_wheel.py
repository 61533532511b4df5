"""Build a wheel from an sdist, with its own build backend. Runs inside the root as the build user.

Writes /builddir/answer.json: `{"wheel": path}`, or `{"needs": [RPM dependencies]}` when the
backend is not installed yet.
"""

import json
import os
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

from rdo.roots.inside.building.buildrequires import (
    EndOfPassError,
    Requirements,
    backend_requirements,
    load_backend,
)

HOME = Path("/builddir")


def unpack(archive: Path) -> Path:
    """Unpack the sdist, once, and return its top folder."""
    tree = HOME / "sdist"
    if not tree.exists():
        tree.mkdir()
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as file:
                file.extractall(tree)
        else:
            with tarfile.open(archive) as file:
                file.extractall(tree)  # the root itself limits it; Debian's 3.11.2 has no filter
    (top,) = tree.iterdir()
    return top


def build(archive: Path) -> str:
    """Build the wheel and return its path; raise EndOfPassError if the backend is not installed."""
    os.chdir(unpack(archive))
    file = Path("pyproject.toml")
    project = tomllib.loads(file.read_text()) if file.exists() else {}
    requirements = Requirements(())
    backend = load_backend(requirements, project.get("build-system", {}))
    backend_requirements(requirements, backend)
    output = HOME / "wheel"
    output.mkdir(exist_ok=True)
    return str(output / backend.build_wheel(str(output)))


def main(argv: list[str]) -> int:
    answer = HOME / "answer.json"
    try:
        answer.write_text(json.dumps({"wheel": build(Path(argv[0]))}))
    except EndOfPassError as missing:
        answer.write_text(json.dumps({"needs": missing.dependencies}))
    sys.stdout.flush()
    return 0
