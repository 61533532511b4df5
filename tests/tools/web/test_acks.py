"""Acks by the button of a package's page and by the API: rights, limits and escaping."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from rdo.access.roles import Role
from tests.patience import PATIENCE
from tests.publishing import TARGET, Factory
from tests.serving import Served
from tests.tools.web.test_pages import EVIL, hostile

PAGE = f"/{TARGET}/packages/python-b.html"
BUTTON = f"/{TARGET}/packages/python-b/ack"
API = f"/api/v1/targets/{TARGET}/packages/python-b/ack"
LINK = "https://review.example.test/42"


@pytest.fixture
def browser(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as client:
        yield client


def as_user(server: Served, role: Role = Role.CI, target: str = TARGET) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token(role, target, f'{role}-{target}')}"}


def test_the_button_of_a_page_says_who_is_on_it_and_takes_it_back(
    made: Factory, server: Served, browser: httpx.Client
) -> None:
    login = as_user(server)
    assert "python-b/ack" in browser.get(PAGE).text  # also for who has not logged in yet

    asked = browser.post(BUTTON, data={"because": f"a fix {EVIL}", "link": LINK})
    done = browser.post(BUTTON, data={"because": f"a fix {EVIL}", "link": LINK}, headers=login)

    assert (asked.status_code, asked.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    assert (done.status_code, done.headers["Location"]) == (303, "../python-b.html")
    for page in (PAGE, "/", f"/{TARGET}/index.html", f"/{TARGET}/status_report.html"):
        text = browser.get(page).text
        assert f"ci-{TARGET}" in text, page
        assert hostile(text) == [], page
    shown = browser.get(PAGE).text
    assert "a fix &lt;script&gt;" in shown
    assert f'<a href="{LINK}">' in shown
    with made.store.read() as at:
        [entry, *_] = at.users.audit(limit=1)
    assert (entry.act, entry.target, entry.detail[:8]) == ("ack", TARGET, "python-b")

    back = browser.post(f"/{TARGET}/packages/python-b/unack", headers=login)

    assert back.status_code == 303
    assert f"ci-{TARGET}" not in browser.get(PAGE).text
    again = browser.post(f"/{TARGET}/packages/python-b/unack", headers=login)
    assert (again.status_code, "nobody is working on python-b" in again.text) == (404, True)


def test_only_users_with_the_role_on_the_target_may_say_so(
    server: Served, browser: httpx.Client
) -> None:
    readers = as_user(server, Role.READER)
    others = as_user(server, Role.ADMIN, "other-deb12")
    for headers, status in (({}, 401), (readers, 403), (others, 403)):
        form = browser.post(BUTTON, data={"because": "x"}, headers=headers)
        put = browser.put(API, json={"because": "x"}, headers=headers)
        gone = browser.delete(API, headers=headers)
        assert [form.status_code, put.status_code, gone.status_code] == [status] * 3
    assert browser.get(API).json() is None


def test_a_page_of_another_site_cannot_press_the_button(
    server: Served, browser: httpx.Client
) -> None:
    login = as_user(server)
    for more in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example.test"}):
        headers = {**login, **more}
        form = browser.post(BUTTON, data={"because": "x"}, headers=headers)
        put = browser.put(API, json={"because": "x"}, headers=headers)
        assert [form.status_code, put.status_code] == [403, 403]
    assert browser.get(API).json() is None


def test_programs_say_and_read_who_is_on_a_package(server: Served, browser: httpx.Client) -> None:
    login = as_user(server)

    done = browser.put(API, json={"because": "a fix waits", "link": LINK}, headers=login)

    assert done.status_code == 200
    ack = done.json()
    assert (ack["by"], ack["why"], ack["link"]) == (f"ci-{TARGET}", "a fix waits", LINK)
    assert browser.get(API).json() == ack
    rows = browser.get(f"/api/v1/targets/{TARGET}/packages").json()
    assert {one["name"]: one["ack"] for one in rows} == {"python-a": None, "python-b": ack}
    assert browser.delete(API, headers=login).json()["by"] == f"ci-{TARGET}"
    assert browser.get(API).json() is None
    assert browser.delete(API, headers=login).status_code == 404


REFUSED: tuple[tuple[str, object, int], ...] = (
    ("python-b", {}, 422),
    ("python-b", {"because": " "}, 400),
    ("python-b", {"because": "x" * 501}, 400),
    ("python-b", {"because": "x", "link": "javascript:alert(1)"}, 400),
    ("python-b", {"because": "x", "more": 1}, 422),
    ("python-b", [], 422),
    ("python-a", {"because": "x"}, 403),
    ("python-nothing", {"because": "x"}, 404),
    ("../../etc", {"because": "x"}, 404),
)


def test_an_invalid_ack_is_refused(server: Served, browser: httpx.Client) -> None:
    login = {**as_user(server), "Accept": "text/html,*/*;q=0.8"}
    for package, body, status in REFUSED:
        place = quote(package, safe="")

        answer = browser.put(API.replace("python-b", place), json=body, headers=login)

        assert (answer.status_code, list(answer.json())) == (status, ["message"]), answer.text
        if isinstance(body, dict) and status != 422:
            form = browser.post(BUTTON.replace("python-b", place), data=body, headers=login)
            assert form.status_code == status, (package, form.text)
            assert form.headers["Content-Type"].startswith("text/html")
    assert browser.get(API).json() is None
