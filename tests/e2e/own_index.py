"""Factories that have their own package index and share a folder of platforms."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import PLATFORM, Result, base_layer, platforms, rdo
from tests.fakes.folder_index import FolderIndex

TARGET = "t"


class Factory:
    """A factory with its own package index; all factories share one folder of platforms."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = FolderIndex(folder / "simple")
        self.index.folder.mkdir(parents=True)
        (folder / "info").mkdir()
        (folder / "rdo.toml").write_text(
            f'data = "data"\n[metadata]\nsource = "info"\nfile = "rdo.yml"\n'
            f'[targets.{TARGET}]\nrelease = "master"\nplatform = "{PLATFORM}"\n'
        )
        (folder / "info/rdo.yml").write_text(
            "releases:\n- name: master\n  status: development\n  branch: rpm-master\n"
            "  repos:\n  - name: deb12\n    distrepos: []\npackages: []\n"
        )

    def add(self, *projects: str) -> Result:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PIP_EXTRA_INDEX_URL", self.index.url)
            needs = (f"python3dist({name})" for name in projects)
            return rdo("platform", "deps", "add", *needs, cwd=self.folder)

    def content(self, project: str) -> bytes:
        """The files of a bridged project's RPM."""
        current = self.folder / f"data/{TARGET}/repos/deps/current"
        [rpm] = current.glob(f"python3-{project}-[0-9]*.rpm")
        return subprocess.run(["rpm2cpio", rpm], capture_output=True, check=True).stdout

    def reasons(self, project: str) -> list[str]:
        """Why a project is bridged."""
        rows = rdo("platform", "deps", "why", project, "--json", cwd=self.folder).json
        return [row["because_of"] for row in rows]

    @property
    def snapshot(self) -> Path:
        """The current snapshot of the bridge."""
        return (self.folder / f"data/{TARGET}/repos/deps/current").resolve()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of platforms with the real base layer, and no kept wheels yet."""
    place = tmp_path_factory.mktemp("platforms")
    base_layer()
    real = Path(platforms())
    (real / "content").mkdir(exist_ok=True)  # a fresh clone has none until something is built
    (place / "content").symlink_to(real / "content")
    (place / PLATFORM).mkdir()
    for one in (real / PLATFORM).iterdir():
        if one.name not in {"wheels", "built-wheels"}:
            (place / PLATFORM / one.name).symlink_to(one)
    return place


@pytest.fixture
def factory(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Factory]:
    monkeypatch.setenv("RDO_PLATFORMS", str(shared))
    return lambda name: Factory(tmp_path / name)
