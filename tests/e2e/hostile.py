"""A factory whose upstreams and distgits try to get out of their roots."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import GitRepository
from tests.e2e.command import PLATFORM, Result, rdo

TARGET = "t"
SECRET = "SECRET-OF-THE-HOST\n"
SPEC = """\
{head}Name: {name}
Version: XXX
Release: XXX
Summary: {name}
License: MIT
BuildArch: noarch
Source0: {name}.tar.gz
{tags}%description
{name}
{body}
"""
PYPROJECT = """\
[build-system]
requires = []
build-backend = "evil"
backend-path = ["."]
"""
BACKEND = """\
import io, os, tarfile


def build_sdist(folder, settings=None):
{code}
    name = "{name}-1.0.tar.gz"
    with tarfile.open(os.path.join(folder, name), "w:gz") as tar:
        text = b"Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n"
        info = tarfile.TarInfo("{name}-1.0/PKG-INFO")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    return name
"""


@dataclass(slots=True)
class Hostile:
    """A target whose packages are added one by one; `host` is a folder that they must not reach."""

    folder: Path
    settings: str = ""
    entries: list[str] = field(default_factory=list)

    @property
    def host(self) -> Path:
        return self.folder / "host"

    def prepare(self) -> None:
        self.host.mkdir(parents=True)
        (self.folder / "rdo.toml").write_text(
            f'data = "data"\n[metadata]\nsource = "info"\nfile = "rdo.yml"\n'
            f'[targets.{TARGET}]\nrelease = "master"\nplatform = "{PLATFORM}"\nretries = 0\n'
            f"time-limit-minutes = 3\n{self.settings}"
        )
        (self.folder / "info").mkdir()

    def secret(self, name: str, mode: int = 0o600) -> Path:
        """A file of the host with a secret in it."""
        path = self.host / name
        path.write_text(SECRET)
        path.chmod(mode)
        return path

    def add(
        self,
        name: str,
        body: str,
        *,
        backend: str = "",
        head: str = "",
        tags: str = "",
        more: str = "",
    ) -> GitRepository:
        """A package; `backend` is code of its build backend, `body` what follows %description."""
        files = {"README": name}
        if backend:
            code = "".join(f"    {line}\n" for line in backend.splitlines())
            files |= {
                "pyproject.toml": PYPROJECT,
                "evil.py": BACKEND.format(name=name, code=code.rstrip("\n")),
            }
        upstream = GitRepository(self.folder / "up" / name)
        upstream.commit("one", files)
        distgit = GitRepository(self.folder / "dist" / name, "rpm-master")
        spec = SPEC.format(name=name, head=head, tags=tags, body=body)
        distgit.commit("spec", {f"{name}.spec": spec})
        self.entries.append(
            f"- project: {name}\n  name: {name}\n  upstream: {upstream.url}\n"
            f"  distgit: {distgit.url}\n{more}  tags:\n    master:\n"
        )
        return distgit

    def run(self, *args: str, timeout: float = 900) -> Result:
        """A round over all packages."""
        self.write_metadata()
        return rdo("trunk", "run", *args, cwd=self.folder, timeout=timeout)

    def write_metadata(self) -> None:
        (self.folder / "info/rdo.yml").write_text(
            "releases:\n- name: master\n  status: development\n  branch: rpm-master\n"
            "  repos:\n  - name: deb12\n    distrepos: []\n"
            "package-default:\n  source-branch: master\n  distro-branch: rpm-master\n"
            "  maintainers: [m@example.test]\npackages:\n" + "".join(self.entries)
        )

    def states(self) -> dict[str, Any]:
        """The state of each package in `rdo trunk status`."""
        rows = rdo("trunk", "status", "--json", cwd=self.folder).json
        return {row["package"]: row for one in rows for row in one["packages"]}

    def log(self, package: str) -> str:
        return rdo("trunk", "log", package, cwd=self.folder).stdout

    def rpms(self, package: str) -> list[Path]:
        """The published RPMs of a package, in any folder."""
        return sorted(self.folder.glob(f"data/{TARGET}/repos/pool/*/{package}-*.rpm"))
