"""zypper, without installing it: Debian's package excludes dnf-plugins-core, which tests need."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.as_root import AS_ROOT
from tests.unpacked import libraries, unpacked


class Zypper:
    """zypper that installs into a root of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.program = _program()
        (root / "etc/zypp/repos.d").mkdir(parents=True)

    def follow(self, repo_file: str) -> None:
        """Give the root this .repo file and no other."""
        (self.root / "etc/zypp/repos.d/rdo.repo").write_text(repo_file)

    def __call__(self, *args: str) -> str:
        """Do something in the root; raise an AssertionError with all it says if it fails."""
        done = self.attempt(*args)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Do something in the root, which may fail."""
        paths = libraries(self.program.parents[2])
        path = f"{self.program.parent}:{os.environ['PATH']}"  # libzypp calls rpmdb2solv by name
        command = [
            *(*AS_ROOT, "env", f"LD_LIBRARY_PATH={paths}", f"PATH={path}", "LC_ALL=C.UTF-8"),
            *(str(self.program), "--root", str(self.root), "--non-interactive", *args),
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def _program() -> Path:
    """Return the machine's zypper, or unpack one into the cache."""
    if found := shutil.which("zypper"):
        return Path(found)
    programs = unpacked("zypper") / "usr/bin"
    with contextlib.suppress(FileExistsError):
        # libzypp calls it so, unless /usr/bin has the newer name
        (programs / "repo2solv.sh").symlink_to("repo2solv")
    return programs / "zypper"
