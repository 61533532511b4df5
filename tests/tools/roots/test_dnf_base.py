"""What a dnf platform's repositories offer to the solver."""

import platform as machine
import shutil
import subprocess
from pathlib import Path

import pytest

from rdo.model.platform import BaseRepository, Family, Platform
from rdo.roots.platform.dnf_base import BaseRepositories, fetch_metadata
from rdo.solver import Missing, Solution, solve
from tests.rpms import make_rpms

pytestmark = pytest.mark.skipif(not shutil.which("dnf"), reason="dnf is not installed")


@pytest.mark.parametrize(
    ("exclude", "kind"), [((), Solution), (("other*",), Solution), (("python3-sam*",), Missing)]
)
def test_the_solver_does_not_see_what_is_excluded(
    tmp_path: Path, exclude: tuple[str, ...], kind: type
) -> None:
    rpms, folder = tmp_path / "rpms", tmp_path / "base"
    make_rpms(rpms)
    subprocess.run(["createrepo_c", "--quiet", str(rpms)], check=True, capture_output=True)
    row = BaseRepository("own", (rpms.as_uri(),), gpgcheck=False, exclude=exclude)
    arch = machine.machine()
    platform = Platform(
        *("own", Family.DNF, arch, ".own", "1", "", "3.11", "2.36"), (), repositories=(row,)
    )
    folder.mkdir()

    fetch_metadata(platform, folder)

    own = BaseRepositories(platform, folder, tmp_path / "downloads").for_solver
    assert isinstance(solve(["python3-sample"], own, arch=arch), kind)
