"""A package index in a folder, in the form that pip reads from `file:` URLs."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.fakes.index import sdist
from tests.wheels import wheel

PYPROJECT = """\
[build-system]
requires = [{requires}]
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """\
import base64, hashlib, os, zipfile


def write(folder, name, version, files):
    stem = f"{{name.replace('-', '_')}}-{{version}}"
    info = f"{{stem}}.dist-info"
    files = {{
        f"{{info}}/METADATA": f"Metadata-Version: 2.1\\nName: {{name}}\\nVersion: {{version}}\\n",
        f"{{info}}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        **files,
    }}
    rows = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        rows += f"{{path}},sha256={{digest.rstrip('=')}},{{len(text.encode())}}\\n"
    file = f"{{stem}}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, file), "w") as made:
        for path, text in (files | {{f"{{info}}/RECORD": rows + f"{{info}}/RECORD,,\\n"}}).items():
            made.writestr(zipfile.ZipInfo(path), text)
    return file


def build_wheel(folder, settings=None, metadata=None):
{code}
"""


@dataclass(frozen=True, slots=True)
class FolderIndex:
    """An index below `folder`; its `url` is one for pip."""

    folder: Path

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def add_wheel(
        self,
        name: str,
        version: str = "1.0",
        files: dict[str, str] | None = None,
        *requires: str,
    ) -> None:
        """Offer a wheel as `tests.wheels.wheel` makes it."""
        stem = name.replace("-", "_")
        whole = {f"{stem}.py": "", **(files or {})}
        content = wheel(name, version, whole, *requires)
        self._offer(name, f"{stem}-{version}-py3-none-any.whl", content)

    def add_sdist(
        self, name: str, version: str = "1.0", *, code: str, requires: tuple[str, ...] = ()
    ) -> None:
        """Offer an sdist; `code` is the body of its backend's `build_wheel`.

        It may call `write(folder, name, version, files)`, which returns the name of a wheel.
        """
        stem = f"{name.replace('-', '_')}-{version}"
        body = "".join(f"    {line}\n" for line in code.splitlines())
        files = {
            "pyproject.toml": PYPROJECT.format(requires=", ".join(map(repr, requires))),
            "backend.py": BACKEND.format(code=body),
            "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        }
        self._offer(name, f"{stem}.tar.gz", sdist(stem, files))

    def _offer(self, name: str, file: str, content: bytes) -> None:
        place = self.folder / canonicalize_name(name)
        place.mkdir(parents=True, exist_ok=True)
        (place / file).write_bytes(content)
        offered = [one for one in sorted(place.iterdir()) if one.suffix != ".html"]
        rows = ((one.name, hashlib.sha256(one.read_bytes()).hexdigest()) for one in offered)
        links = (f'<a href="{name}#sha256={digest}">{name}</a><br/>\n' for name, digest in rows)
        (place / "index.html").write_text("".join(links))
