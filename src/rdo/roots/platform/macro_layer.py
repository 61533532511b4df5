"""The layer with our RPM macros and the programs they call, made from the package's own files."""

import hashlib
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from rdo import lock
from rdo.model.platform import Family, Platform
from rdo.roots.programs import PROGRAM_FOLDER, PROGRAM_PACKAGES
from rdo.tools.walls.removal import remove_tree

PROVIDES = (
    *("pyproject-rpm-macros", "python-rpm-macros", "python3-rpm-macros", "python-srpm-macros"),
    *("python3-rpm-generators", "redhat-rpm-config", "openstack-macros", "systemd-rpm-macros"),
    *("epel-rpm-macros", "rpmdevtools"),
)
"""The packages of RPM distributions that this layer replaces."""

_RPM = "usr/lib/rpm"
_PROGRAMS = PROGRAM_FOLDER.lstrip("/")
_MACROS = "etc/rpm"
"""rpm reads this after its own platform files, which set `__os_install_post` again."""


def macro_layer(platform: Platform, folder: Path) -> Path:
    """Return the macros layer for `platform`, named after a hash of its content.

    Make it in `folder` if needed.
    """
    files = _files(platform)
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
    layer = folder / f"macros-{digest[:16]}"
    if not layer.exists():
        with lock.hold(folder / "macros.lock", purpose="writing macros", wait=True):
            if not layer.exists():
                _write(files, layer)
    return layer


def _write(files: Mapping[str, bytes], layer: Path) -> None:
    new = layer.with_name(f".{layer.name}.new")
    remove_tree(new)
    for name, content in files.items():
        path = new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    new.rename(layer)


def _files(platform: Platform) -> dict[str, bytes]:
    """Return the layer's content: path in the layer -> bytes."""
    roots = resources.files("rdo.roots")
    files = {f"{_MACROS}/macros.rdo-platform": _platform_macros(platform).encode()}
    own = "macros" if platform.family is Family.DEBIAN else "dnf_macros"
    for file in _sorted(roots / own):
        files[_place(file.name)] = file.read_bytes()
    for folder in ("inside", *PROGRAM_PACKAGES):
        for file in _sorted(roots / folder):
            files[f"{_PROGRAMS}/rdo/roots/{folder}/{file.name}"] = file.read_bytes()
    files[f"{_PROGRAMS}/__main__.py"] = files.pop(f"{_PROGRAMS}/rdo/roots/inside/__main__.py")
    for package in ("rdo", "rdo/model", "rdo/roots"):
        files[f"{_PROGRAMS}/{package}/__init__.py"] = b""
    for name in ("python_names.py", "upstream_versions.py", "model/text/spec_text.py"):
        files[f"{_PROGRAMS}/rdo/{name}"] = (resources.files("rdo") / name).read_bytes()
    files |= _setuptools_commands(roots / "inside/building", platform)
    return files


def _setuptools_commands(building: Traversable, platform: Platform) -> dict[str, bytes]:
    """Return the commands of `setup.py` that EL's own tools have and newer tools lack."""
    if platform.family is not Family.DEBIAN:
        return {}
    modules = f"usr/lib/python{platform.python}/site-packages"
    info = f"{modules}/rdo_build_sphinx-1.dist-info"
    command = "[distutils.commands]\nbuild_sphinx = rdo_build_sphinx:BuildSphinx\n"
    return {
        f"{modules}/rdo_build_sphinx.py": (building / "build_sphinx.py").read_bytes(),
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: rdo-build-sphinx\nVersion: 1\n",
        f"{info}/entry_points.txt": command.encode(),
    }


def _of_interpreter(platform: Platform) -> dict[str, str]:
    """Return the macros that name a Python beside the base's; EL's own macros use these."""
    program = f"/usr/bin/{platform.python_program}"
    if platform.family is Family.DEBIAN:
        return {"_rdo_python3": program}
    return {
        "__python3": program,
        "python3_pkgversion": platform.python,
        "__default_python3_version": platform.python,  # whose modules provide python3dist(…)
        "__default_python3_pkgversion": platform.python,
    }


def _place(name: str) -> str:
    """Return the path at which rpm finds a file in the folder `macros`."""
    if name.endswith(".macros"):
        return f"{_MACROS}/macros.rdo-{name.removesuffix('.macros')}"
    if name.endswith(".attr"):
        return f"{_RPM}/fileattrs/{name}"
    return f"etc/{name}"


def _sorted(folder: Traversable) -> list[Traversable]:
    return sorted((one for one in folder.iterdir() if one.is_file()), key=lambda one: one.name)


def _platform_macros(platform: Platform) -> str:
    macros = {"dist": platform.dist, "python3_version": platform.python}
    if platform.interpreter:
        macros |= _of_interpreter(platform)
    macros |= platform.macros
    return "".join(f"%{name} {value}\n" for name, value in macros.items())
