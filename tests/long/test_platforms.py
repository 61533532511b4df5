"""Platforms beside the default one: a release in one section, built and installed on each."""

import subprocess
from pathlib import Path

from tests.as_root import AS_ROOT
from tests.e2e.command import PLATFORM, needs_roots, rdo
from tests.e2e.distribution import Distribution

pytestmark = needs_roots

PLATFORMS = {PLATFORM: "3.11", "deb13-x86_64": "3.13"}
SETTINGS = f"""\
[metadata]
source = "info"
[targets.master]
release = "master"
platforms = {list(PLATFORMS)}
"""


def test_a_release_is_built_on_each_platform_and_what_fails_on_one_stops_no_other(
    tmp_path: Path,
) -> None:
    place = Distribution(tmp_path)
    place.add("greeting")
    place.add("older", "greeting")
    place.release("older", "1.1", "greeting", code="import cgi")  # Python 3.13 has it no more
    (tmp_path / "rdo.toml").write_text(SETTINGS)
    for platform in PLATFORMS:
        assert rdo("platform", "create", platform, cwd=tmp_path).code == 0

    done = place.rdo("trunk", "run", "--json")

    failed = {row["target"]: [one["package"] for one in row["failed"]] for row in done.json}
    assert failed == {"master-deb12": [], "master-deb13": ["python-older"]}
    for platform, python in PLATFORMS.items():
        target = f"master-{platform.partition('-')[0]}"
        assert installed_and_run(tmp_path, platform, target) == python


def installed_and_run(folder: Path, platform: str, target: str) -> str:
    """Install a package into a fresh root, import it, and return the version of its Python."""
    root = folder / f"root-{target}"
    where = ("--root", root, "--target", target, "--name", "current")
    made = rdo("platform", "create", platform, *where, cwd=folder)
    assert made.code == 0, made.stderr
    dnf = (*AS_ROOT, "dnf", f"--installroot={root}", "--quiet", "--assumeyes")
    subprocess.run([*dnf, "install", "python3-greeting"], check=True, timeout=600)
    look = "import greeting, sys; print('%d.%d' % sys.version_info[:2])"
    inside = (*AS_ROOT, "chroot", root, "python3", "-c", look)
    done = subprocess.run(inside, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.strip()
