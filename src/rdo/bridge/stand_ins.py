"""Stand-ins for wheels that are not built yet, so that pip can resolve as if they were.

pip must not run the code of an sdist. If a project deep in the dependencies has no wheel, pip tries
older versions of everything else for minutes before it reports this. With a stand-in it ends at
once, and its answer names what has to be built. A stand-in requires nothing and is never part of a
final answer.
"""

import base64
import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from rdo.checksum import sha256_of

_WHEEL = "Wheel-Version: 1.0\nGenerator: rdo\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


def pinned(bounds: Mapping[str, SpecifierSet]) -> list[Requirement]:
    """Return the constraints that allow only one version.

    >>> [str(one) for one in pinned({"a": SpecifierSet("===1.0"), "b": SpecifierSet(">=2")})]
    ['a===1.0']
    """
    return [Requirement(f"{name}{bound}") for name, bound in bounds.items() if _version(bound)]


def put_stand_ins(missing: Iterable[Requirement], folder: Path) -> dict[str, Path]:
    """Write a stand-in for each pinned requirement into a folder that pip searches.

    Return them by their hashes. A project that has a wheel in `folder` gets no stand-in.
    """
    known = {parse_wheel_filename(path.name)[0] for path in folder.glob("*.whl")}
    new = [one for one in missing if canonicalize_name(one.name) not in known]
    made = [_write(one, folder) for one in new]
    return {sha256_of(path): path for path in made}


def _write(one: Requirement, folder: Path) -> Path:
    name, version = canonicalize_name(one.name).replace("-", "_"), _version(one.specifier)
    info = f"{name}-{version}.dist-info"
    texts = {
        f"{info}/METADATA": _METADATA.format(name=one.name, version=version),
        f"{info}/WHEEL": _WHEEL,
    }
    rows = [f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in texts.items()]
    place = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(place, "w") as wheel:
        for path, text in {**texts, f"{info}/RECORD": f"{''.join(rows)}{info}/RECORD,,\n"}.items():
            wheel.writestr(zipfile.ZipInfo(path), text)
    return place


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def _version(bound: SpecifierSet) -> Version | None:
    """Return the version that a constraint pins, if it pins one."""
    exact = [one for one in bound if one.operator in {"==", "==="} and "*" not in one.version]
    try:
        return Version(exact[0].version) if len(exact) == 1 == len(bound) else None
    except InvalidVersion:
        return None
