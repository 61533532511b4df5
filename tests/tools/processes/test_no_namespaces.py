"""Where the machine allows no namespaces, rdo says only that, and fetches and makes nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import GitRepository

_FORBID = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
SAYS = "rdo: error: this machine does not allow build roots ("


def without_namespaces(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run `rdo` as root of a namespace that may have none of its own, as in a plain container.

    There is no network there, so that whatever is asked of one would be said.
    """
    inside = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", _FORBID, "sh"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not allow user namespaces")
    command = [*inside, sys.executable, "-m", "rdo", "-C", str(folder), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A factory of two packages; its platform has not been made."""
    monkeypatch.setenv("RDO_PLATFORMS", str(tmp_path / "platforms"))
    folder = tmp_path / "factory"
    (folder / "info").mkdir(parents=True)
    packages = ""
    for name in ("python-a", "python-b"):
        upstream = GitRepository(tmp_path / name)
        upstream.commit("one", {"setup.py": ""})
        distgit = GitRepository(tmp_path / f"{name}-distgit")
        distgit.commit("spec", {f"{name}.spec": f"Name: {name}\n"})
        packages += f"- {{project: {name}, name: {name}, upstream: '{upstream.url}',"
        packages += f" distgit: '{distgit.url}', maintainers: [a@example.test],"
        packages += " tags: {master: null}}\n"
    (folder / "info/rdo.yml").write_text(
        "info-version: '0.1'\nreleases:\n- name: master\n  status: development\n"
        f"  branch: master\n  upstream_branch: master\n  repos: []\npackages:\n{packages}"
    )
    (folder / "rdo.toml").write_text(
        '[metadata]\nsource = "info"\n[targets.master-deb12]\nrelease = "master"\n'
        'platform = "deb12-x86_64"\n'
    )
    return folder


def test_each_command_that_needs_roots_says_so_first(factory: Path, tmp_path: Path) -> None:
    spec = tmp_path / "x.spec"
    spec.write_text("Name: x\n")
    for args in (
        ("build", str(spec)),
        ("platform", "create", "deb12-x86_64"),
        ("pkg", "create", "no-such-project", "--no-info"),
        ("pkg", "create", "no-such-project", "--no-info", "--no-build"),
        ("trunk", "run"),
    ):
        done = without_namespaces(factory, *args)

        assert done.returncode == 3, (args, done.stderr)
        assert done.stderr.startswith(SAYS), (args, done.stderr)
        assert "--privileged" in done.stderr
        assert len(done.stderr.splitlines()) == 2
    left = [path for path in (tmp_path / "platforms").iterdir() if path.name != "content"]
    assert left == []


def test_a_round_tries_no_package(factory: Path) -> None:
    without_namespaces(factory, "trunk", "run")

    queue = subprocess.run(
        [sys.executable, "-m", "rdo", "-C", str(factory), "trunk", "queue", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert queue.stdout.strip() == "[]"


def test_a_dry_run_needs_no_roots(factory: Path) -> None:
    done = without_namespaces(factory, "trunk", "run", "--dry-run")

    assert done.returncode == 0, done.stderr
    assert "would build python-a" in done.stdout


def test_arguments_are_checked_before_roots_and_network(factory: Path, tmp_path: Path) -> None:
    (tmp_path / "full/x").mkdir(parents=True)
    for args, code, said in (
        (("build", "nothing.spec"), 4, "there is no file nothing.spec"),
        (("build", str(tmp_path)), 5, "is a folder"),
        (("platform", "create", "deb12-x86_64", "--target", "nope"), 4, "nope"),
        (("platform", "create", "deb12-x86_64", "--root", f"{tmp_path}/full"), 5, "not an empty"),
        (("platform", "create", "nope"), 4, "nope"),
        (("trunk", "run", "--package", "nope"), 4, "nope"),
        (("trunk", "run", "--target", "nope"), 4, "nope"),
    ):
        done = without_namespaces(factory, *args)

        assert said in done.stderr, (args, done.stderr)
        assert SAYS not in done.stderr, args
        assert done.returncode == code, (args, done.stderr)
