"""`rdo repo push` killed anywhere, to each kind of place: a reader of the mirror misses nothing."""

import contextlib
import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from rdo.cli.main import run
from rdo.publish.pushing.push import Outside
from tests.importing import configure
from tests.killing import survives
from tests.outside import faults, rsync_daemon, s3_server, ssh_server
from tests.patience import PATIENCE
from tests.publishing import TARGET, RpmShelf, factory, package

PACKAGES = tuple(package(f"python-{one}") for one in "abc")
STRIDE = 3


@dataclass(frozen=True)
class Mirror:
    """A place outside as rdo.toml names it, and what a reader finds there."""

    settings: str
    url: str
    folder: Path | None = None
    outside: Outside | None = None

    def faults(self, scratch: Path) -> list[str]:
        """What a reader misses: of a folder, or of all that is in a bucket."""
        if self.folder:
            return faults(self.folder)
        assert self.outside
        for path in self.outside.listing().files:
            file = scratch / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(
                httpx.get(f"{self.url}/{path}", timeout=PATIENCE).raise_for_status().content
            )
        found = faults(scratch, names=())
        for name in ("current", "consistent"):
            text = (scratch / name / "delorean.repo").read_text()
            for place in re.findall(rf"baseurl={re.escape(self.url)}/(\S+)", text):
                if not (scratch / place / "repodata/repomd.xml").is_file():
                    found.append(f"{name} leads to {place}, where nothing is")
        shutil.rmtree(scratch)
        return found


@pytest.fixture(params=["folder", "rsync", "ssh", "s3"])
def mirror(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mirror]:
    folder, url = tmp_path / "mirror", "http://mirror.example.test"
    with contextlib.ExitStack() as stack:
        if request.param == "s3":
            bucket, url = stack.enter_context(s3_server(monkeypatch))
            text = f'to = "s3://mirror/deep/master"\nendpoint = "{bucket.endpoint}"'
            yield Mirror(text, url, outside=bucket)
        elif request.param == "rsync":
            daemon = stack.enter_context(rsync_daemon(folder))
            yield Mirror(f'to = "{daemon.url}"', url, folder / "deep/master")
        elif request.param == "ssh":
            folder.mkdir()
            server, keys = stack.enter_context(ssh_server(folder)), tmp_path / "ssh"
            files = f'identity = "{keys}/user"\nknown-hosts = "{keys}/known"'
            yield Mirror(f'to = "{server.url}"\n{files}', url, folder)
        else:
            yield Mirror(f'to = "{folder}"', url, folder)


def push(root: Path) -> list[dict[str, int]]:
    """Push by the command, and return what it says."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run(["-C", str(root), "repo", "push", "--target", TARGET, "--json"])
    assert code == 0, out.getvalue()
    rows: list[dict[str, int]] = json.loads(out.getvalue())
    return rows


@pytest.mark.slow
def test_no_name_ever_leads_to_what_is_absent(
    mirror: Mirror, tmp_path: Path, shelf: RpmShelf
) -> None:
    """Each push brings a new repository, and removes the one of before at once."""
    root = configure(tmp_path / "here", "http://127.0.0.1")
    with (root / "rdo.toml").open("a") as file:
        more = f'url = "{mirror.url}"\nkeep-days = 0\n'
        file.write(f"\n[targets.{TARGET}.push.m]\n{mirror.settings}\n{more}")
    with factory(root, shelf, *PACKAGES) as made:
        for one in "abc":
            made.publish(f"python-{one}", f"{one}1")
    assert push(root)[0]["files"] > 10
    ended, step, killed = False, 1, 0
    while not ended:
        with factory(root, shelf, *PACKAGES) as made:
            made.publish("python-a", f"a{step + 1}", f"1.{step}")
            new = made.leads("current")

        ended = survives(partial(push, root), step)

        assert mirror.faults(tmp_path / "read") == [], step
        push(root)
        [again] = push(root)
        assert again["files"] == again["links"] == again["removed"] == 0, step
        assert mirror.faults(tmp_path / "read") == [], step
        csv = (root / f"data/{TARGET}/repos" / new / "versions.csv").read_text()
        if mirror.folder:
            assert (mirror.folder / "current/versions.csv").read_text() == csv, step
        else:
            assert httpx.get(f"{mirror.url}/current/versions.csv", timeout=PATIENCE).text == csv, (
                step
            )
        step += STRIDE
        killed += not ended
    assert killed > 4
