"""Wheels as build backends write them, and wheels that nobody should write."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping

TAGS = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def metadata(name: str, version: str, *requires: str) -> str:
    """The text of METADATA."""
    lines = (f"Requires-Dist: {one}\n" for one in requires)
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(lines)


def record(files: Mapping[str, bytes], own: str) -> str:
    """The text of RECORD for these files, and for itself."""
    rows = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f'"{name}",sha256={digest},{len(content)}\n')
    return "".join([*rows, f"{own},,\n"])


def wheel(
    name: str,
    version: str = "1.0",
    files: Mapping[str, str] | None = None,
    *requires: str,
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A wheel; `files` replace the default files of the same names."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    usual = {f"{info}/METADATA": metadata(name, version, *requires), f"{info}/WHEEL": TAGS}
    whole = {path: text.encode() for path, text in (usual | dict(files or {})).items()}
    whole.setdefault(f"{info}/RECORD", record(whole, f"{info}/RECORD").encode())
    return archive(whole, compression=compression)


def archive(files: Mapping[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive with these files, all with the same time."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as made:
        for path, text in files.items():
            made.writestr(zipfile.ZipInfo(path), text, compression)
    return content.getvalue()
