"""DLRN's endpoint remote/import, which takes what another instance has built."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from rdo.access.roles import Role
from tests.importing import configure, done, repos, rpms_of
from tests.publishing import TARGET, Factory, RpmShelf, factory, package
from tests.serving import served
from tests.tools.dlrn.conftest import Instance
from tests.tools.dlrn.plans import hashes


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a tree, and redirects what is below /away."""

    def do_GET(self) -> None:
        if self.path.startswith("/away/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/away"))
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """Serve a folder; yield its address."""
    handler = partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def made(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """A target that has built python-a."""
    packages = (package("python-a"), package("python-b"), package("python-c"))
    with factory(tmp_path, shelf, *packages) as opened:
        yield opened


@contextmanager
def client_of(root: Path, address: str) -> Iterator[httpx.Client]:
    """A user who may do everything, on a server that may import from an address."""
    allowed = f'import-from = ["{address}"]'
    with (
        served(root, target_more=allowed) as server,
        server.client(server.token(Role.ADMIN)) as client,
    ):
        yield client


def imported(client: httpx.Client, url: str) -> tuple[int, Any]:
    answer = client.post("/api/remote/import", json={"repo_url": url}, timeout=120)
    return answer.status_code, answer.json()


def place_of(name: str, number: int) -> str:
    one = hashes(name, number)
    commit = one["commit_hash"]
    return f"{commit[:2]}/{commit[2:4]}/{commit}_{one['distro_hash'][:8]}"


@pytest.mark.slow
def test_commits_of_dlrn_are_imported_and_become_consistent(
    plain: Instance, made: Factory, tmp_path: Path
) -> None:
    with web(plain.tree) as address, client_of(tmp_path, address) as client:
        urls = [f"{address}/{place_of(f'python-{name}', 1)}" for name in "bc"]
        urls.append(f"{address}/{place_of('python-a', 3)}/")
        for url in urls:
            assert imported(client, url) == (201, {"repo_url": url})
        again = imported(client, urls[0])
        failed = imported(client, f"{address}/{place_of('python-b', 3)}")
        status = client.get("/api/repo_status", params=hashes("python-a", 3)).json()

    repos = made.tree.repos
    assert (again[0], failed[0]) == (201, 201)
    assert [one["job_id"] for one in status] == ["consistent"]
    place = repos / place_of("python-a", 3)
    assert (repos / "consistent").resolve() == (repos / "current").resolve() == place
    assert sorted(one.name for one in place.glob("*.rpm")) == [
        "python-a-1.2-1.src.rpm",
        "python3-a-1.2-1.noarch.rpm",
    ]
    assert (place / "rpmbuild.log").read_text() == "built\n"
    assert "python-b" in (place / "versions.csv").read_text()
    with made.store.read() as at:
        assert at.packages.state(TARGET, "python-b").is_ftbfs
        assert len(at.builds.history(TARGET, "python-b")) == 2


def test_nothing_is_read_but_what_is_allowed(
    plain: Instance, made: Factory, tmp_path: Path
) -> None:
    place = place_of("python-c", 1)
    with web(plain.tree) as address, client_of(tmp_path, f"{address}/{place[:2]}") as client:
        port = address.rpartition(":")[2]
        for url in (
            f"{address}/{place_of('python-a', 3)}",
            f"{address}/{place[:2]}x/y",
            f"http://localhost:{port}/{place}",
            f"http://127.0.0.1:{port}@169.254.169.254/{place}",
            "http://169.254.169.254/latest/meta-data",
            f"https://127.0.0.1:{port}/{place}",
        ):
            status, said = imported(client, url)
            assert (status, "nothing is imported from" in said["message"]) == (403, True), url
        for url in (
            f"file://{plain.tree}/{place}",
            f"{address}/{place[:2]}/../{place}",
            f"{address}/{place}?x=1",
            f"{address}/{place}#x",
            f"{address}/{place}/%2e%2e/x",
            "nonsense",
            "http://[::1/x",
        ):
            assert imported(client, url)[0] == 400, url
        assert client.post("/api/remote/import", json={}).json()["message"] == "Missing parameters"

    with made.store.read() as at:
        assert not at.history.has_builds(TARGET)


def test_a_redirect_is_not_followed(plain: Instance, made: Factory, tmp_path: Path) -> None:
    with web(plain.tree) as address, client_of(tmp_path, f"{address}/away") as client:
        status, said = imported(client, f"{address}/away/{place_of('python-c', 1)}")

    assert status == 500
    assert said["message"].startswith("Remote import failed with error: cannot read")
    assert "302" in said["message"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"project_name": "unknown"}, "has no package unknown"),
        ({"commit_hash": "../../../etc"}, "is not a commit hash"),
        ({"artifacts": "repos/../../../etc/passwd"}, "artifacts are not RPMs"),
        ({"artifacts": "repos/x/-rf.rpm"}, "artifacts are not RPMs"),
        ({"artifacts": "repos/x/none.rpm"}, "does not list"),
        ({"status": "RETRY"}, "neither built nor failed for good: its status is RETRY"),
        ({"dt_build": "1e400"}, "'1e400' is not a time"),
        ({"project_name": "python-b"}, "which belongs to"),
    ],
)
def test_what_is_wrong_with_an_import_is_reported_and_leaves_nothing(
    plain: Instance, made: Factory, tmp_path: Path, change: dict[str, str], said: str
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    directory = plain.tree / place_of("python-a", 3)
    for file in directory.glob("python*-a-*.rpm"):
        (source / file.name).symlink_to(file)
    (source / "repodata").symlink_to(directory / "repodata")
    text = yaml.safe_load((directory / "commit.yaml").read_text())
    text["commits"][0] |= change
    (source / "commit.yaml").write_text(yaml.safe_dump(text))
    made.publish("python-a", "aa11")

    with web(source) as address, client_of(tmp_path, address) as client:
        status, answer = imported(client, address)

    assert status == 500
    assert said in answer["message"]
    with made.store.read() as at:
        assert len(at.builds.history(TARGET, "python-a")) == 1
        assert not at.builds.history(TARGET, "python-b")
    assert not list((made.folder / "importing").iterdir())


@pytest.mark.slow
def test_a_whole_repository_of_dlrn_is_imported(plain: Instance, tmp_path: Path) -> None:
    """python-b has an extended hash."""
    with web(plain.tree) as address:
        root = configure(tmp_path / "here", address)
        found = done(root, f"{address}/current")

    assert len(found["commits"]) == 3
    assert all(one["build_id"] for one in found["commits"])
    names = [f"python3-{one}-1.noarch.rpm" for one in ("a-1.2", "b-1.1", "c-1.0")]
    assert rpms_of(repos(root) / "consistent") == names
