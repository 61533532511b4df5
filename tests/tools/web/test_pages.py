"""The dashboard over a real tree: every page is right, whole and safe, and every link leads on."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import html5lib
import httpx
import pytest

from rdo.access.roles import Role
from rdo.model.build import BUILD_LOG, Failed, FailureReason
from rdo.model.vote import JobVerdict
from rdo.store.given.votes import Ballot
from rdo.store.work.builds import Build
from rdo.web.pages import watched
from tests.databases import needs_a_file
from tests.patience import PATIENCE
from tests.publishing import TARGET, Factory, RpmShelf, commit, factory, package
from tests.serving import Served, served

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"
OTHER = "other-deb12"
PROMOTIONS = f"""\
[targets.{TARGET}.promotions.verified]
candidate = "current"
jobs = ["tempest"]
minimum-age-hours = 1
checks = []
"""
METADATA = """\
releases:
- name: master
  status: development
  branch: rpm-master
  repos:
  - name: deb12
    distrepos: []
packages:
- project: a
  name: python-a
  upstream: https://git.example.test/python-a
  distgit: https://git.example.test/python-a-distgit
  maintainers:
  - ann@example.test
  tags:
    master:
- project: b
  name: python-b
  upstream: https://git.example.test/python-b
  distgit: https://git.example.test/python-b-distgit
  maintainers:
  - ben@example.test
  tags:
    master:
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the factory that all tests here look at."""
    return tmp_path_factory.mktemp("factory")


@pytest.fixture(scope="module")
def world(root: Path, shelf: RpmShelf) -> Iterator[Factory]:
    """Two packages are built, then python-b fails with hostile words, and a build waits."""
    with factory(root, shelf, package("python-a"), package("python-b")) as made:
        made.publish("python-a", "aa11")
        made.publish("python-b", "bb11", requires=("python-a",))
        made.tree.promote("tested", made.tree.leads("current"), by=EVIL, why=EVIL)
        fail(made, "python-b", "bb22")
        with made.store.write() as at:
            at.builds.plan(TARGET, commit("python-a", "aa22"), now=made.now())
            for url in ("https://ci.example.test/1", "javascript:alert(1)"):
                at.votes.add(
                    TARGET,
                    Ballot(build_id=1),
                    f"tempest {EVIL}",
                    JobVerdict.FAILURE,
                    timestamp=made.now(),
                    now=made.now(),
                    url=url,
                    notes=EVIL,
                    user=EVIL,
                )
        yield made


def fail(made: Factory, name: str, upstream: str) -> Build:
    """Let a build fail with hostile words in its detail and its log."""
    with made.store.write() as at:
        build = at.builds.plan(TARGET, commit(name, upstream), now=made.now())
        at.builds.start(build.id, now=made.now())
        failure = Failed(FailureReason.COMPILE, f"a.c:1: error: {EVIL}")
        build = at.builds.settle(build.id, failure, now=made.now())
    made.folder_of(build).mkdir(parents=True)
    log = f"+ make\na.c:1:2: error: {EVIL}\nmake: *** [a] Error 1\n"
    (made.folder_of(build) / BUILD_LOG).write_text(log)
    return build


@pytest.fixture(scope="module")
def site(world: Factory, root: Path) -> Iterator[Served]:
    with served(root, info=METADATA, more=PROMOTIONS) as running:
        yield running


@pytest.fixture
def browser(site: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.url, trust_env=False, timeout=PATIENCE) as client:
        yield client


def elements(text: str) -> list[tuple[str, dict[str, str]]]:
    """The elements of a page with their attributes; what is not HTML 5 is a ParseError."""
    builder = html5lib.getTreeBuilder("etree")
    parser = html5lib.HTMLParser(builder, strict=True, namespaceHTMLElements=False)
    found = parser.parse(text).iter()
    return [(str(one.tag).rpartition("}")[2], dict(one.attrib)) for one in found]


def hostile(text: str) -> list[tuple[str, dict[str, str]]]:
    """What a page has that somebody else may have put there."""
    return [
        (tag, at)
        for tag, at in elements(text)
        if tag in {"img", "iframe", "object", "style"}
        or (tag == "script" and "htmx.min.js?" not in at.get("src", ""))
        or any(str(name).startswith(("on", "style", "hx-on")) for name in at)
        or str(at.get("href", "")).lower().startswith(("javascript:", "data:"))
    ]


def test_every_page_is_valid_and_safe_and_every_link_leads_on(browser: httpx.Client) -> None:
    todo, seen = ["/"], set()
    titles: dict[str, str] = {}
    while todo:
        path = todo.pop()
        answer = browser.get(path, follow_redirects=True)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        kind = answer.headers["Content-Type"]
        if not kind.startswith("text/html"):
            continue
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        if path.partition("?")[0].endswith("/log"):
            continue
        assert hostile(answer.text) == [], path
        titles[path] = answer.text.partition("<title>")[2].partition("<")[0]
        for _, at in elements(answer.text):
            for key in ("href", "src", "hx-get"):
                if key not in at:
                    continue
                link = urlsplit(urljoin(str(answer.url), at[key]))
                where = f"{link.path}?{link.query}" if link.query else link.path
                if f"{link.scheme}://{link.netloc}" == str(browser.base_url).rstrip("/"):
                    if where not in seen:
                        seen.add(where)
                        todo.append(where)
                else:
                    assert link.netloc in {
                        "ci.example.test",
                        "git.example.test",
                        "trunk.example.test",
                    }

    kinds = {re.sub(r"[0-9]+\.html", "N.html", path.partition("?")[0]) for path in titles}
    assert {
        "/",
        "/maintainer",
        *(f"/{TARGET}/{name}.html" for name in ("index", "report", "queue", "names", "charts")),
        f"/{TARGET}/packages/python-b.html",
        f"/{TARGET}/builds/N.html",
        f"/{TARGET}/repositories/N.html",
    } <= kinds


def test_the_overview_says_what_is_broken_waits_and_was_moved(browser: httpx.Client) -> None:
    text = browser.get(f"/{TARGET}/index.html").text

    assert "1 of 2 packages fails to build" in text
    assert "%build fails: a.c:1: error: &lt;script&gt;" in text
    assert "no round is running" in text.lower()
    assert 'href="./packages/python-a.html"' in text
    assert "tested" in text
    assert 'hx-trigger="every 20s"' in text


def test_a_target_of_which_nothing_is_built_is_not_called_well(browser: httpx.Client) -> None:
    text = browser.get("/").text

    assert '<strong class="">No package is built yet.</strong>' in text
    assert "packages build." not in text


def test_the_pages_of_a_tree_answer_at_the_same_places(browser: httpx.Client) -> None:
    csv = browser.get(f"/{TARGET}/status_report.csv")

    assert csv.headers["Content-Type"].startswith("text/csv")
    assert csv.text.startswith("Project,Source Sha,")
    assert "python-a,aa11" in csv.text
    status = browser.get(f"/{TARGET}/status_report.html").text
    assert '<table class="cards" id="dlrn">' in status


@pytest.mark.parametrize(
    "path",
    [
        "/search?q={}",
        "/maintainer?maintainer={}",
        f"/{TARGET}/names.html?name={{}}",
        f"/{TARGET}/packages/{{}}.html",
        f"/{TARGET}/repositories/1.html?against={{}}",
        f"/{TARGET}/charts.html?days={{}}",
    ],
)
def test_what_a_request_says_is_shown_as_text(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path.format(quote(EVIL.replace("/", ""))))

    assert answer.status_code in {200, 404}
    assert hostile(answer.text) == []


@pytest.mark.parametrize(
    "path",
    [
        "builds/9999.html",
        "builds/99999999999999999999999.html",
        "builds/-1.html",
        "builds/1%00.html",
        "builds/..%2f..%2f..%2fetc%2fpasswd.html",
        "builds/..%2f1/log.txt",
        "builds/9999/log",
        "builds/9999/log.txt",
        "packages/..%2f..%2frdo.toml.html",
        "packages/nothing.html",
        "repositories/999.html",
        "repositories/of-999.html",
        "names.html?name=nothing",
    ],
)
def test_what_is_not_there_is_a_404_and_no_file_of_the_machine(
    browser: httpx.Client, path: str
) -> None:
    answer = browser.get(f"/{TARGET}/{path}")

    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_an_error_is_a_page_that_leads_back(browser: httpx.Client) -> None:
    answer = browser.get(f"/{TARGET}/builds/9999.html")

    assert f"{TARGET} has no build 9999" in answer.text
    assert hostile(answer.text) == []
    style = next(at["href"] for tag, at in elements(answer.text) if tag == "link")
    assert browser.get(urljoin(str(answer.url), style)).status_code == 200


@pytest.mark.parametrize("path", ["/nothing", f"/{TARGET}/nothing/at/all", f"/{EVIL}/{EVIL}.html"])
def test_an_unknown_address_is_a_page_for_a_browser_and_json_for_a_program(
    browser: httpx.Client, path: str
) -> None:
    page = browser.get(quote(path), headers={"Accept": "text/html,application/xml;q=0.9,*/*;q=0.8"})
    program = browser.get(quote(path), headers={"Accept": "application/json, text/html;q=0"})
    curl = browser.get(quote(path), headers={"Accept": "*/*"})

    assert (page.status_code, program.status_code, curl.status_code) == (404, 404, 404)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "there is no page" in page.text
    assert hostile(page.text) == []
    links = [at["href"] for tag, at in elements(page.text) if tag in {"a", "link"}]
    found = {urljoin(str(page.url), link) for link in links if not link.startswith("#")}
    assert [browser.get(one).status_code for one in found] == [200] * len(found)
    assert [answer.json() for answer in (program, curl)] == [{"message": "Not Found"}] * 2


@pytest.mark.parametrize("path", ["/api/v1/nothing", f"/{TARGET}/api/nothing", "/api/nothing"])
def test_an_unknown_endpoint_is_json_for_everybody(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path, headers={"Accept": "text/html"})

    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_a_build_of_another_target_is_not_shown(browser: httpx.Client) -> None:
    assert browser.get(f"/{OTHER}/builds/1.html").status_code == 404
    assert browser.get(f"/{OTHER}/repositories/1.html").status_code == 404
    assert browser.get(f"/{OTHER}/builds/1/log.txt").status_code == 404


def test_a_log_that_is_a_link_is_not_followed(
    world: Factory, browser: httpx.Client, tmp_path: Path
) -> None:
    build = fail(world, "python-b", "bb33")
    log = world.folder_of(build) / BUILD_LOG
    log.unlink()
    (tmp_path / "secret").write_text("a secret\n")
    log.symlink_to(tmp_path / "secret")

    page = browser.get(f"/{TARGET}/builds/{build.id}.html")
    plain = browser.get(f"/{TARGET}/builds/{build.id}/log.txt")

    assert (page.status_code, plain.status_code) == (200, 404)
    assert "a secret" not in page.text + plain.text


def test_the_lines_that_show_the_cause_are_marked(
    world: Factory, browser: httpx.Client, root: Path
) -> None:
    build = fail(world, "python-b", "bb44")

    text = browser.get(f"/{TARGET}/builds/{build.id}.html").text
    plain = browser.get(f"/{TARGET}/builds/{build.id}/log.txt")

    assert "<mark>a.c:1:2: error: &lt;script&gt;" in text
    assert f"rdo -C {root} reproduce {build.id}" in text
    assert EVIL in plain.text
    assert plain.headers["Content-Type"].startswith("text/plain")
    assert "sandbox" in plain.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("python-a", "/packages/python-a.html"),
        ("a", "/packages/python-a.html"),
        ("2", "/builds/2.html"),
        ("bb22", "/builds/3.html"),
        ("python-b-doc", "Nothing matches"),
        ("python-b-1.0", "/builds/"),
        ("aa/11/", "/repositories/1.html"),
    ],
)
def test_anything_is_found_by_a_few_letters(browser: httpx.Client, text: str, found: str) -> None:
    answer = browser.get("/search", params={"q": text})

    location = answer.headers.get("Location", "")
    assert found in (location or answer.text)


def test_my_packages_are_found_by_the_name_or_the_address(browser: httpx.Client) -> None:
    for name in ("ann", "ANN@example.test"):
        text = browser.get("/maintainer", params={"maintainer": name}).text
        assert "packages/python-a.html" in text
        assert "python-b" not in text
    assert "No package has" in browser.get("/maintainer?maintainer=example.test").text


def test_a_repository_shows_its_contents_and_what_differs(browser: httpx.Client) -> None:
    first = browser.get(f"/{TARGET}/repositories/1.html?against=current").text

    assert "Contents: 1 package<" in first
    assert "python-a-1.0" in first
    assert "removed" in first  # current has python-b too
    assert 'href="https://ci.example.test/1">tempest' in first
    assert browser.get(f"/{TARGET}/repositories/of-1.html").headers["Location"] == "1.html"


def test_a_repository_that_is_not_promoted_says_what_it_waits_for(browser: httpx.Client) -> None:
    for page in ("repositories/2.html", "names.html"):
        text = browser.get(f"/{TARGET}/{page}").text
        assert ">verified<" in text
        assert "tempest: " in text
        assert "age: a candidate since 2026-08-01" in text


def test_a_database_that_is_lost_is_reported_and_nothing_old_is_shown(
    made: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_a_file()
    monkeypatch.setattr(watched, "_STATE_SECONDS", 0.0)
    with served(tmp_path) as running, httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        before = client.get(f"{running.url}/{TARGET}/index.html")
        (tmp_path / "rdo.sqlite").unlink()
        answers = [client.get(f"{running.url}{path}") for path in ("/", f"/{TARGET}/index.html")]

    assert before.status_code == 200
    assert [answer.status_code for answer in answers] == [503, 503]
    assert all("was removed" in answer.text for answer in answers)
    assert [hostile(answer.text) for answer in answers] == [[], []]


def test_who_may_not_read_sees_nothing_and_a_reader_only_the_own_target(
    world: Factory, root: Path
) -> None:
    with served(root, info=METADATA, more="[serve]\nprotect-read = true\n") as running:
        paths = ("/", "/search?q=a", f"/{TARGET}/index.html", f"/{TARGET}/builds/1/log.txt")
        refused = [
            httpx.get(running.url + path, trust_env=False, timeout=PATIENCE) for path in paths
        ]
        token = running.token(Role.READER, TARGET)
        headers = {"Authorization": f"Bearer {token}"}
        own = httpx.get(f"{running.url}/", headers=headers, trust_env=False, timeout=PATIENCE)
        other = httpx.get(
            f"{running.url}/{OTHER}/index.html", headers=headers, trust_env=False, timeout=PATIENCE
        )

    assert [answer.status_code for answer in refused] == [401] * 4
    assert all("Basic" in answer.headers["WWW-Authenticate"] for answer in refused)
    assert TARGET in own.text
    assert OTHER not in own.text
    assert other.status_code == 403
