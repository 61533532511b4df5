"""The pages of a target after real rounds: right, valid, written only where something changed."""

import csv
import io
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rdo.model.build import Failed, FailureReason
from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.store import Store
from rdo.trunk.pages import Pages
from tests.e2e.factory import TARGET, Factory
from tests.fakes.builder import GoodBuild, Unless

PAGES = ("report.html", "status_report.html", "queue.html", "packages/python-alpha.html")
VOID = {"br", "meta", "link", "hr", "img"}


class Strict(HTMLParser):
    """Notes every element that is not closed where it was opened, and every attribute twice."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.links: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")


def parse(text: str) -> Strict:
    parser = Strict()
    parser.feed(text)
    parser.close()
    parser.faults += [f"<{tag}> is not closed" for tag in parser.open]
    return parser


@contextmanager
def broken_factory(folder: Path) -> Iterator[Factory]:
    """Alpha is broken, beta is built, gamma waits for alpha."""
    with Store.temporary() as store:
        made = Factory(folder, store)
        made.add("alpha", "beta", "gamma")
        made.change("alpha", maintainers=("ann@example.org",))
        made.round()
        made.upstreams["alpha"].commit("Break <b>it</b>")
        failure = Failed(FailureReason.TEST, "%check: <script>alert(1)</script>")
        made.builder.will("python-alpha", failure)
        made.builder.will("python-gamma", Unless(("python-no",), ("python3dist(alpha) >= 9",)))
        made.upstreams["gamma"].commit("Want more")
        made.round()
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    """One for all tests that only read pages."""
    with pytest.MonkeyPatch.context() as patch:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.test")
        patch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        with broken_factory(tmp_path_factory.mktemp("pages")) as made:
            yield made


def tree(factory: Factory) -> Path:
    return factory.folder / "data" / TARGET / "repos"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_valid_and_needs_nothing_from_elsewhere(shared: Factory, name: str) -> None:
    page = tree(shared) / name
    text = page.read_text()
    found = parse(text)

    assert text.startswith("<!DOCTYPE html>\n<html lang=")
    assert found.faults == []
    assert "script" not in found.seen
    local = [link for link in found.links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []
    assert [link for link in found.links if "://" in link and "fonts" in link] == []
    assert (page.parent / found.links[0]).name == "styles.css"


def test_the_state_says_what_is_broken_since_when_why_and_by_whom(shared: Factory) -> None:
    text = (tree(shared) / "status_report.html").read_text()

    assert "1 of 3 packages does not build." in text
    assert "its tests fail: %check: &lt;script&gt;" in text
    assert "Break &lt;b&gt;it&lt;/b&gt; (Test)" in text
    assert ">python-gamma</td>" in text
    assert "ann@example.org" in text
    assert "fails to build: test" in text
    assert '<td data-label="Name">consistent</td>' in text


def test_the_builds_have_the_columns_of_dlrn_newest_first(shared: Factory) -> None:
    text = (tree(shared) / "report.html").read_text()
    columns = text.partition("<tr>")[2].partition("</tr>")[0]

    assert '<table class="cards" id="dlrn">' in text
    assert [part.partition("<")[0] for part in columns.split('scope="col">')[1:9]] == [
        "Build Date Time",
        "Commit Date Time",
        "Project Name",
        "Commit Hash",
        "Component",
        "Status",
        "Repository",
        "Build Log",
    ]
    assert text.count("<tr") == 5
    assert text.index("FAILED") < text.index("SUCCESS")


def test_the_csv_is_dlrns(shared: Factory) -> None:
    text = (tree(shared) / "status_report.csv").read_text()
    rows = list(csv.reader(io.StringIO(text)))

    assert text.startswith(
        "Project,Source Sha,Dist Sha,Extended Sha,Component,Status,Timestamp,Packages\n"
    )
    assert [(row[0], row[5]) for row in rows[1:]] == [
        ("python-alpha", "FAILED"),
        ("python-beta", "SUCCESS"),
        ("python-gamma", "SUCCESS"),
    ]
    assert rows[1][3:5] == ["None", "None"]
    assert rows[1][7] == "None"
    first, *_ = rows[2][7].split("|")
    assert (tree(shared).parent / first).is_file()
    assert first.endswith(".src.rpm")


def test_the_queue_says_who_waits_for_whom(shared: Factory) -> None:
    text = (tree(shared) / "queue.html").read_text()

    assert "One build waits" in text
    assert '<td class="long" data-label="Waits For">python-alpha</td>' in text


def test_a_round_without_news_writes_nothing_and_one_change_only_its_pages(
    tmp_path: Path,
) -> None:
    with broken_factory(tmp_path) as factory:
        check_what_is_written(factory)


def check_what_is_written(factory: Factory) -> None:
    factory.builder.will("python-gamma", GoodBuild())
    factory.round()
    factory.round()
    before = stamps(factory)
    factory.round()
    same = stamps(factory)
    factory.upstreams["beta"].commit("More")
    factory.round()
    after = stamps(factory)

    assert same == before
    changed = {name for name in after if after[name] != before.get(name)}
    assert "packages/python-beta.html" in changed
    assert not changed & {"packages/python-alpha.html", "styles.css", "queue.html"}


def stamps(factory: Factory) -> dict[str, int]:
    top = tree(factory)
    files = (*top.glob("*.*"), *top.glob("packages/*.html"))
    return {str(file.relative_to(top)): file.stat().st_mtime_ns for file in files if file.is_file()}


def test_five_thousand_builds_and_one_change_are_written_at_once(tmp_path: Path) -> None:
    with Store.temporary() as store:
        factory = Factory(tmp_path, store)
        names = [f"python-p{number:03}" for number in range(250)]
        for name in names:
            url = f"https://opendev.org/openstack/{name}"
            factory.packages.append(Package(name, name, (url,), url, "master", "rpm-master"))
        add_builds(store, names, each=20)
        pages = Pages(factory.means)
        pages.write(names)
        with store.write() as at:
            build = at.builds.plan(TARGET, commit(names[7], 99), now=factory.clock())
            at.builds.settle(build.id, Failed(FailureReason.COMPILE, "x"), now=factory.clock())

        seconds = []
        for _ in range(3):
            for page in ("report.html", "packages/python-p007.html"):
                (tree(factory) / page).write_text("")
            started = time.process_time()  # others keep this machine busy
            written = pages.write([names[7]])
            seconds.append(time.process_time() - started)

        assert min(seconds) < 0.1
        assert {path.name for path in written} >= {"report.html", "python-p007.html"}
        assert "python-p008.html" not in {path.name for path in written}


def commit(package: str, number: int) -> Commit:
    moment = datetime(2026, 7, 1, tzinfo=UTC) + timedelta(hours=number)
    hashes = f"{abs(hash((package, number))):040x}"[-40:], "d" * 40
    return Commit(package, *hashes, moment, moment, "master")


COMMIT = (
    "(id, target, package, position, upstream_hash, distgit_hash, extended_hash, upstream_time,"
    " distgit_time, upstream_branch) VALUES (?,?,?,?,?,?,'',?,?,'master')"
)
BUILD = (
    "(id, target, package, commit_id, release_date, created, started, finished, published,"
    " attempt, bootstrap, inputs, state, outcome, detail, needs, rpms, ticket, superseded)"
    " VALUES (?,?,?,?,?,?,?,?,?,1,0,'','done','built','','[]','[]','',0)"
)
PACKAGE = "(target, package, newest_id, good_id) VALUES (?,?,?,?)"


def add_builds(store: Store, names: list[str], *, each: int) -> None:
    """As rounds would leave them, but in one act."""
    database = store._engine.url.database
    assert database
    now = 1_780_000_000
    with sqlite3.connect(database) as connection:
        for number in range(each * len(names)):
            name, row = names[number % len(names)], number + 1
            hashes = (f"{number:040x}", "d" * 40)
            stamps = (now + row,) * 4
            commit_row = (row, TARGET, name, row, *hashes, now + row, now)
            connection.execute(f"INSERT INTO commits {COMMIT}", commit_row)
            connection.execute(
                f"INSERT INTO builds {BUILD}", (row, TARGET, name, row, *stamps, row)
            )
            connection.execute(
                f"INSERT OR REPLACE INTO packages {PACKAGE}", (TARGET, name, row, row)
            )
    connection.close()


@pytest.mark.skipif(not shutil.which("xmllint"), reason="xmllint is not installed")
@pytest.mark.parametrize("name", PAGES)
def test_another_parser_finds_nothing_wrong(shared: Factory, name: str) -> None:
    command = ["xmllint", "--html", "--noout", str(tree(shared) / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # libxml2 knows HTML 4: it does not know <nav>
    said = [line for line in done.stderr.splitlines() if "error" in line and "Tag nav" not in line]

    assert said == []
