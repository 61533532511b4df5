"""`rdo repo release-rpm`: a fresh root with the package it makes installs from the target."""

import contextlib
import functools
import hashlib
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.as_root import AS_ROOT
from tests.e2e.command import PLATFORM, Result, needs_roots, rdo
from tests.e2e.distribution import TARGET, Distribution

pytestmark = needs_roots


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL at which a folder is served on loopback."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def dnf(root: Path, *args: str) -> str:
    command = (*AS_ROOT, "dnf", f"--installroot={root}", "-qy", *args)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fresh_root(folder: Path) -> Path:
    made = rdo("platform", "create", PLATFORM, "--root", folder, cwd=folder.parent)
    assert made.code == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    made = Distribution(tmp_path_factory.mktemp("released"))
    made.add("alpha", "iniconfig")
    code, report = made.run()
    assert code == 0, report
    return made


def release_rpm(distribution: Distribution, *args: object) -> Result:
    return distribution.rdo("repo", "release-rpm", "--json", *args)


@pytest.mark.slow
def test_a_root_follows_the_target_from_round_to_round(
    distribution: Distribution, tmp_path: Path
) -> None:
    with served(distribution.folder / "data") as address:
        tree = f"{address}/{TARGET}/repos"
        made = release_rpm(distribution, "--url", tree, "--publish")
        pinned = release_rpm(distribution, "--url", tree, "--pin", "-o", "pinned")
        assert (made.code, pinned.code) == (0, 0), made.stderr + pinned.stderr
        rpm = distribution.folder / made.json["rpm"]
        first = fresh_root(tmp_path / "first")
        dnf(first, "install", str(rpm))
        dnf(first, "install", "python3-alpha")
        ids = [line.split()[0] for line in dnf(first, "repolist").splitlines()[1:]]
        deps_before = distribution.name("deps/current")

        distribution.release("alpha", "2.0", "iniconfig", "six")
        code, report = distribution.run()

        assert code == 0, report
        assert distribution.name("deps/current") != deps_before
        second = fresh_root(tmp_path / "second")
        assert made.json["url"] == f"{tree}/rdo-release.rpm"
        dnf(second, "install", made.json["url"])
        dnf(second, "install", "python3-alpha")
        dnf(first, "--refresh", "upgrade")
        third = fresh_root(tmp_path / "third")
        dnf(third, "install", str(distribution.folder / pinned.json["rpm"]))
        dnf(third, "install", "python3-alpha")

    module = "usr/lib/python3.11/site-packages/alpha/__init__.py"
    assert ids == ["openstack-master", "openstack-master-deps"]
    assert "2.0" in (second / module).read_text()
    assert "2.0" in (first / module).read_text()
    assert "1.0" in (third / module).read_text()
    assert distribution.rdo("trunk", "verify").code == 0


def test_the_same_name_gives_the_same_bytes(distribution: Distribution) -> None:
    made = [release_rpm(distribution, "-o", folder) for folder in ("one", "two")]

    assert [one.code for one in made] == [0, 0], made
    rpms = [distribution.folder / one.json["rpm"] for one in made]
    hashes = {hashlib.sha256(rpm.read_bytes()).hexdigest() for rpm in rpms}
    assert len(hashes) == 1
    assert rpms[0].name == "rdo-release-master-1.deb12.noarch.rpm"
