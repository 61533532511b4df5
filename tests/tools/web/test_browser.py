"""The dashboard in a real browser: Debian's Chromium, with axe-core to judge what is shown."""

import re
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from rdo.access.roles import Role
from rdo.lock import hold
from rdo.model.build import BUILD_LOG, Built
from rdo.model.review import (
    BuildRole,
    Change,
    ChangeId,
    ReviewBuild,
    ReviewState,
    ReviewVerdict,
    ReviewVote,
)
from tests.publishing import TARGET, Factory, commit
from tests.serving import Served
from tests.tools.web.test_pages import root, site, world

__all__ = ["root", "site", "world"]  # fixtures

CHROMIUM = shutil.which("chromium")
AXE = (resources.files(axe_playwright_python) / "axe.min.js").read_text()
COMPLAINT = re.compile(r"Refused to|Content Security Policy|Uncaught|Failed to load")
PAGES = (
    *("/", "/search?q=python", "/maintainer?maintainer=ann", "/nothing"),
    *(f"/{TARGET}/{name}.html" for name in ("index", "status_report", "report", "queue")),
    *(f"/{TARGET}/{name}.html" for name in ("names", "charts", "packages/python-b")),
    *(f"/{TARGET}/{name}.html" for name in ("builds/3", "repositories/2")),
    *(f"/{TARGET}/{name}.html" for name in ("reviews", "reviews/1")),
)
LOOKS = {"light": (1280, 900), "dark": (360, 740)}
"""The width and height that each theme is looked at with."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--no-proxy-server"]
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


class Watched:
    """A page of a browser that keeps what it asks for and complains of."""

    def __init__(self, browser: Browser, site: Served, **look: Any) -> None:
        self.context = browser.new_context(base_url=site.url, bypass_csp=False, **look)
        self.page: Page = self.context.new_page()
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self.page.on("request", self._asked)
        self.page.on("console", lambda said: self._said(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _asked(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).netloc)

    def _said(self, text: str) -> None:
        if COMPLAINT.search(text) and "404 (Not Found)" not in text:  # one page is to be missing
            self.complaints.append(text)

    def serious(self) -> list[str]:
        """The serious faults of accessibility of what is shown, by axe-core."""
        # as a debugger does, because the policy of our pages allows no other script
        session = self.context.new_cdp_session(self.page)
        session.send("Runtime.evaluate", {"expression": AXE})
        found = session.send(
            "Runtime.evaluate",
            {
                "expression": "axe.run({resultTypes: ['violations']})"
                ".then(found => found.violations)",
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        session.detach()
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in found["result"]["value"]
            if one["impact"] in {"serious", "critical"}
        ]


@pytest.fixture
def acked(world: Factory, site: Served) -> None:
    """Somebody is on the package that fails, which shows one more form."""
    with world.store.write() as at:
        link = "https://review.example.test/42"
        at.acks.add(TARGET, "python-b", now=world.now(), by="ann", why="a fix waits", link=link)


@pytest.fixture
def reviewed(world: Factory, site: Served) -> None:
    """A change was built with a dependent that fails, and a job has voted on it."""
    change = Change(
        ChangeId("forge", "openstack/python-a-with-a-very-long-name-of-a-project", 4242),
        "a" * 40,
        "refs/changes/42/4242/1",
        "master",
        "Remove what nobody is known to use any more from the module that everybody imports",
        "",
        "ann",
        "https://review.example.test/4242",
        is_open=True,
    )
    now = world.now()
    with world.store.write() as at:
        if at.reviews.get(1):
            return
        number = at.reviews.add(TARGET, change.id, "patch set 1", "ann", now=now).id
        at.reviews.begin(number, now=now)
        at.reviews.describe(number, change)
        at.reviews.built(number, ReviewBuild("python-a", BuildRole.CHANGE, "built", "", "", 61))
        why = "%check: ImportError: no 'gone' in 'a' (/builddir/BUILD/a-1.0/a/__init__.py)"
        failed = ReviewBuild("python-b", BuildRole.DEPENDENT, "failed", "test", why, 7)
        at.reviews.built(number, failed)
        vote = ReviewVote("tempest", "failure", "https://logs.example.test/1", "no", "ci", now)
        at.reviews.vote(number, vote)
        at.reviews.settle(number, ReviewState.DONE, ReviewVerdict.FAILURE, why, now=now)


@pytest.mark.parametrize("theme", LOOKS)
def test_each_page_is_good_to_read_and_asks_nobody_else(
    browser: Browser, site: Served, acked: None, reviewed: None, theme: str
) -> None:
    width, height = LOOKS[theme]
    look = Watched(browser, site, color_scheme=theme, viewport={"width": width, "height": height})
    wide, faults = {}, {}
    for path in PAGES:
        look.page.goto(path)
        for summary in look.page.query_selector_all("summary"):
            summary.click()
        if found := look.serious():
            faults[path] = found
        shown = look.page.evaluate("document.scrollingElement.scrollWidth")
        if shown > width:
            wide[path] = shown
    look.context.close()

    assert faults == {}
    assert wide == {}
    assert look.hosts == {urlsplit(site.url).netloc}
    assert look.complaints == []


FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const seen = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0;
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  return [at.outerHTML.slice(0, 120), seen && ring];
}"""


@pytest.mark.parametrize(
    "path", ["/", f"/{TARGET}/packages/python-b.html", f"/{TARGET}/names.html"]
)
def test_a_keyboard_alone_reaches_everything_and_sees_where_it_is(
    browser: Browser, site: Served, acked: None, path: str
) -> None:
    look = Watched(browser, site, viewport={"width": 1280, "height": 900})
    look.page.goto(path)
    wanted = look.page.locator("a[href], button, input, select, summary, pre, [tabindex='0']")
    count = wanted.count()

    look.page.keyboard.press("Tab")
    first, is_seen = look.page.evaluate(FOCUS)
    look.page.keyboard.press("Enter")
    look.page.keyboard.press("Tab")
    inside = look.page.evaluate("document.activeElement.closest('main') !== null")
    look.page.goto(path)
    unseen, steps = [], 0
    while steps < 2 * count + 10:
        look.page.keyboard.press("Tab")
        found = look.page.evaluate(FOCUS)
        if found is None:
            break
        steps += 1
        if not found[1]:
            unseen.append(found[0])
    look.context.close()

    assert ('class="skip"' in first, is_seen, inside) == (True, True, True)
    assert unseen == []
    assert 5 < steps < 2 * count + 10, "the keyboard is caught"


def test_the_button_is_pressed_with_a_login_and_shows_who_is_on_it(
    browser: Browser, world: Factory, site: Served
) -> None:
    token = site.token(Role.CI, TARGET, "carol")
    login = {"username": "carol", "password": token}
    look = Watched(browser, site, http_credentials=login)
    look.page.goto(f"/{TARGET}/packages/python-b.html")
    look.page.locator("details.ack summary").click()
    look.page.get_by_label("What you do about it").fill("<b>looking</b>")
    look.page.get_by_label("Bug or review").fill("https://bugs.example.test/7")
    look.page.get_by_role("button", name="I am on it").click()
    look.page.wait_for_url("**/python-b.html")
    shown = look.page.locator("dl").inner_text()
    address = look.page.get_by_role("link", name="follow it").get_attribute("href")
    look.page.locator("details.ack summary").click()
    look.page.get_by_role("button", name="Nobody is on it any more").click()
    look.page.wait_for_url("**/python-b.html")
    after = look.page.locator("dl").inner_text()
    look.context.close()

    assert "carol since" in shown
    assert "<b>looking</b>" in shown
    assert address == "https://bugs.example.test/7"
    assert "nobody" in after
    assert look.complaints == []


def test_the_log_of_a_running_build_grows_and_the_page_shows_how_it_ended(
    browser: Browser, world: Factory, site: Served
) -> None:
    with hold(world.folder / "round.lock", purpose="a round"):
        with world.store.write() as at:
            build = at.builds.plan(TARGET, commit("python-a", "aa77"), now=world.now())
            at.builds.start(build.id, now=world.now())
        log: Path = world.folder_of(build) / BUILD_LOG
        log.parent.mkdir(parents=True)
        log.write_text("the first line\n")
        look = Watched(browser, site)
        look.page.goto(f"/{TARGET}/builds/{build.id}.html")
        shown = look.page.locator("pre.log")
        with log.open("a") as file:
            file.write("a.c:1:2: error: <i>no</i>\nmore\n")
        shown.filter(has_text="more").wait_for()
        text, marked = shown.inner_text(), look.page.locator("pre.log mark").all_inner_texts()
        with world.store.write() as at:
            at.builds.settle(build.id, Built(()), now=world.now())
        look.page.wait_for_selector("pre.log:not([data-events])")
    look.context.close()

    assert text.split("\n")[:3] == ["the first line", "a.c:1:2: error: <i>no</i>", "more"]
    assert marked == ["a.c:1:2: error: <i>no</i>"]
    assert look.complaints == []


def test_a_log_is_read_without_javascript(browser: Browser, site: Served) -> None:
    look = Watched(browser, site, java_script_enabled=False)
    look.page.goto(f"/{TARGET}/builds/3.html")
    marked = look.page.locator("pre.log mark").count()
    look.page.get_by_role("link", name="As plain text").click()
    text = look.page.content()
    look.context.close()

    assert marked == 1
    assert "make: ***" in text
