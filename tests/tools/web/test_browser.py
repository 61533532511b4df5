"""The dashboard in a real browser: Debian's Chromium, under the policy that the pages have."""

import logging
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rdo.lock import hold
from rdo.model.build import BUILD_LOG
from tests.publishing import TARGET, RpmShelf, commit, factory, package
from tests.serving import served

CHROMIUM = shutil.which("chromium")
COMPLAINT = re.compile(r"Refused to|Content Security Policy|Uncaught|404")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def browse(url: str, profile: Path) -> tuple[str, list[str]]:
    """Look at a page for ten seconds; return what it has become, and what the console says."""
    assert CHROMIUM
    command = [
        *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server"),
        *(f"--user-data-dir={profile}", "--enable-logging=stderr"),
        *("--virtual-time-budget=10000", "--dump-dom", url),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, console


class Growing(logging.Handler):
    """Lets a log grow after a page of its build was sent, and again after its first addition."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self.log = log
        self.left = ["/log", ".html"]

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if self.left and f"{self.left[-1]}' 200" in said:
            after = self.left.pop()
            with self.log.open("a") as file:
                file.write(f"written after {after}\n")


def test_the_log_of_a_running_build_grows_on_its_page(tmp_path: Path, shelf: RpmShelf) -> None:
    requests = logging.getLogger("rdo.web.requests")
    with factory(tmp_path, shelf, package("python-a")) as made:
        with made.store.write() as at:
            build = at.builds.plan(TARGET, commit("python-a", "aa11"), now=made.now())
            at.builds.start(build.id, now=made.now())
        log = made.folder_of(build) / BUILD_LOG
        log.parent.mkdir(parents=True)
        log.write_text("the first line\n")
        growing = Growing(log)
        level = requests.level
        requests.addHandler(growing)
        requests.setLevel(logging.INFO)
        try:
            with (
                hold(made.folder / "round.lock", purpose="a round"),
                served(tmp_path) as running,
            ):
                page = f"{running.url}/{TARGET}/builds/{build.id}.html"
                text, console = browse(page, tmp_path / "profile")
        finally:
            requests.removeHandler(growing)
            requests.setLevel(level)

    shown = text.partition('<pre class="log"')[2].partition("</pre>")[0]
    lines = re.findall(r"(?:the first line|written after \S+)", shown)
    assert lines == ["the first line", "written after .html", "written after /log"]
    assert [line for line in console if COMPLAINT.search(line)] == []
