"""The pages of a target after real rounds: right, valid, written only where something changed."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import html5lib
import pytest

from rdo.model.build import Failed, FailureReason
from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.store import Store
from rdo.trunk.care import steering
from rdo.trunk.views.dashboard.package import live_package
from rdo.trunk.views.dashboard.subjects import Subjects
from rdo.trunk.views.gathered import gather
from rdo.trunk.views.package_page import Needs
from rdo.trunk.views.pages import Pages, write_targets_page
from rdo.trunk.views.shown import Showing
from rdo.trunk.views.state import read_target
from tests.fakes.builder import GoodBuild, Unless
from tests.history import write_history
from tests.rounds.factory import TARGET, Factory

PAGES = (
    "index.html",
    "report.html",
    "status_report.html",
    "queue.html",
    "packages/python-alpha.html",
)


def elements(page: Path) -> list[tuple[str, dict[str, str]]]:
    """The elements of a page with their attributes; raises ParseError if it is not HTML 5."""
    builder = html5lib.getTreeBuilder("etree")
    parser = html5lib.HTMLParser(builder, strict=True, namespaceHTMLElements=False)
    return [(str(found.tag), dict(found.attrib)) for found in parser.parse(page.read_text()).iter()]


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
    with broken_factory(tmp_path_factory.mktemp("pages")) as made:
        yield made


def tree(factory: Factory) -> Path:
    return factory.folder / "data" / TARGET / "repos"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_valid_and_needs_nothing_from_elsewhere(shared: Factory, name: str) -> None:
    page = tree(shared) / name
    text = page.read_text()
    found = elements(page)
    links = [at[key] for _, at in found for key in ("href", "src") if key in at]

    assert text.startswith("<!DOCTYPE html>\n<html lang=")
    assert "script" not in {tag for tag, _ in found}
    local = [link for link in links if "://" not in link]
    assert [one for one in local if not (page.parent / one.partition("#")[0]).exists()] == []
    assert [link for link in links if "://" in link and "fonts" in link] == []
    assert (page.parent / links[0]).name == "styles.css"


def test_the_state_says_what_is_broken_since_when_why_and_by_whom(shared: Factory) -> None:
    text = (tree(shared) / "status_report.html").read_text()

    assert "1 of 3 packages fails to build." in text
    assert "its tests fail: &lt;script&gt;" in text
    assert "Break &lt;b&gt;it&lt;/b&gt; (Test)" in text
    assert (
        '<a href="./packages/python-gamma.html">python-gamma</a></span></td><td data-label="Main'
        in text
    )
    assert "ann@…" in text
    assert "ann@example.org" not in text
    order = [
        "<h1>",
        ">Broken<",
        ">Waiting and running<",
        "holding back",
        ">Names<",
        ">All packages<",
    ]
    assert sorted(order, key=text.index) == order
    assert "fails to build: test" in text
    assert '<td data-label="Name">consistent</td>' in text


def test_the_builds_have_short_hashes_and_the_newest_first(shared: Factory) -> None:
    text = (tree(shared) / "report.html").read_text()
    columns = text.partition("<tr>")[2].partition("</tr>")[0]

    assert '<table class="cards" id="dlrn">' in text
    assert [part.partition("<")[0] for part in columns.split('scope="col">')[1:]] == [
        *("Built", "Package", "Commit", "Committed", "Status"),
        *("Repository", "Log", "Minutes", "Why"),
    ]
    hashes = re.findall(r'<span title="([0-9a-f]{40})">([0-9a-f]+)<', text)
    assert len(hashes) == 4
    assert all(short == whole[:7] for whole, short in hashes)
    assert text.count("<tr") == 5
    assert text.index("FAILED") < text.index("SUCCESS")


def test_the_front_page_says_how_it_is_and_how_to_install(shared: Factory) -> None:
    text = (tree(shared) / "index.html").read_text()

    assert '<strong class="bad">1 of 3 packages fails to build.</strong>' in text
    url = shared.trunk.tree.site.url(PurePosixPath("consistent/delorean.repo"))
    assert f"curl -f -o /etc/yum.repos.d/delorean.repo {url}\n" in text
    assert "dnf install PACKAGE\n" in text


def test_until_consistent_is_there_the_pages_install_from_current(tmp_path: Path) -> None:
    everything = tmp_path / "index.html"
    with Store.temporary() as store:
        factory = Factory(tmp_path, store)
        factory.add("alpha", "beta")
        write_targets_page([factory.trunk], everything)
        assert "Nothing is published yet." in everything.read_text()
        assert "curl" not in everything.read_text()

        factory.builder.will("python-alpha", Failed(FailureReason.COMPILE, "it breaks"))
        factory.round()
        write_targets_page([factory.trunk], everything)
        url = factory.trunk.tree.site.url(PurePosixPath("current/delorean.repo"))
        for page in (everything, tree(factory) / "index.html"):
            assert f"curl -f -o /etc/yum.repos.d/delorean.repo {url}\n" in page.read_text()


def test_the_page_of_a_package_has_its_facts(shared: Factory) -> None:
    text = (tree(shared) / "packages/python-alpha.html").read_text()

    assert '<strong class="bad">FTBFS</strong>' in text
    assert "Break &lt;b&gt;it&lt;/b&gt; (Test)" in text
    assert f"rdo -C {shared.folder} reproduce " in text
    assert "dnf install python3-alpha" in text
    rpms = re.findall(r'href="\.\./([^"]*\.rpm)"', text)
    assert len(rpms) > 1
    assert all((tree(shared) / rpm).is_file() for rpm in rpms)
    assert "ann@…" in text


def test_what_is_retried_or_held_or_damaged_is_not_green(tmp_path: Path) -> None:
    with Store.temporary() as store:
        factory = Factory(tmp_path, store)
        factory.add("alpha", "beta")
        factory.round()
        index = tree(factory) / "index.html"
        assert '<strong class="good">All 2 packages build.</strong>' in index.read_text()

        factory.upstreams["alpha"].commit("Two")
        factory.builder.will("python-alpha", *[Failed(FailureReason.BUILDER, "away")] * 3)
        factory.round()
        status = (tree(factory) / "status_report.html").read_text()
        assert status.count('<td class="long warn" data-label="Status">') == 1
        assert '<strong class="warn">' in index.read_text()

        steering.hold(factory.trunk, "python-beta", None, by="me", why="it <hangs>")
        (tree(factory) / "current").resolve().joinpath("repodata/repomd.xml").unlink()
        Pages(factory.trunk).write([])
        status = (tree(factory) / "status_report.html").read_text()
        assert ">Held, paused and stale<" in status
        assert "it &lt;hangs&gt;" in status
        assert '<strong class="bad">' in status
        assert "current is damaged" in status
        elements(tree(factory) / "status_report.html")


def test_the_page_of_all_targets_has_each_with_its_state(shared: Factory, tmp_path: Path) -> None:
    file = tmp_path / "index.html"

    write_targets_page([shared.trunk], file)

    text = file.read_text()
    elements(file)
    assert f'<a href="./{TARGET}/repos/index.html">{TARGET}</a>' in text
    assert '<strong class="bad">1 of 3 packages fails to build.</strong>' in text
    assert "/etc/yum.repos.d/delorean.repo" in text


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

    assert "One build queued or running." in text
    assert ">waits for python3dist(alpha) &gt;= 9 from python-alpha</td>" in text


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


def test_one_change_beside_a_long_history_writes_the_pages_it_touches(tmp_path: Path) -> None:
    with Store.temporary() as store:
        factory = Factory(tmp_path, store)
        names = [f"python-p{number}" for number in range(20)]
        for name in names:
            url = f"https://opendev.org/openstack/{name}"
            factory.packages.append(Package(name, name, (url,), url, "master", "rpm-master"))
        write_history(store, TARGET, names, rounds=5)
        pages = Pages(factory.trunk)
        pages.write(names)
        moment = datetime(2026, 7, 1, tzinfo=UTC)
        newest = Commit(names[7], "a" * 40, "d" * 40, moment, moment, "master")
        with store.write() as at:
            build = at.builds.plan(TARGET, newest, now=factory.clock())
            at.builds.settle(build.id, Failed(FailureReason.COMPILE, "x"), now=factory.clock())

        written = {path.name for path in pages.write([names[7]])}

        assert written >= {"report.html", "python-p7.html"}
        assert {name for name in written if name.startswith("python-")} == {"python-p7.html"}


def test_a_server_shows_patches_and_the_subjects_of_all_builds(shared: Factory) -> None:
    shared.distgits["beta"].commit(
        "Patch it",
        {
            "0001-fix.patch": "From 1 Mon\nSubject: [PATCH 1/2] Fix <b>it</b>\n well\n\n---\n",
            "0002-odd.patch": "--- a\n+++ b\n",
        },
    )
    shared.upstreams["beta"].commit("Answer <i>always</i>")
    shared.round()
    trunk = shared.trunk
    gathered = gather(trunk, read_target(trunk))
    with trunk.store.read() as at:
        lines = at.reports.newest(TARGET, limit=100)
    subjects = Subjects()

    found = live_package(trunk, gathered, "python-beta", Needs({}, {}))
    shown = subjects.of(Showing(trunk), lines)
    (shared.folder / "data/mirrors").rename(shared.folder / "data/away")
    again = subjects.of(Showing(trunk), lines)
    (shared.folder / "data/away").rename(shared.folder / "data/mirrors")

    assert found
    assert found.patches == (("0001-fix.patch", "Fix <b>it</b> well"), ("0002-odd.patch", ""))
    assert shown[lines[0].id] == "Answer <i>always</i> (Test)"
    assert {line.commit.package for line in lines if shown[line.id]} == {
        *("python-alpha", "python-beta", "python-gamma")
    }
    assert again == shown  # from memory, without git
