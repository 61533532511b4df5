"""Users that a proxy names in a header: rdo believes only a trusted proxy."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rdo.access.roles import Role
from rdo.app import App
from rdo.errors import ConfigError
from tests.publishing import TARGET, Factory
from tests.serving import Served, served

BEHIND = '[serve]\ntrusted-proxies = ["{proxies}"]\nuser-header = "X-Remote-User"\n'
ALICE = ("X-Remote-User", "alice")
HEALTH = f"/{TARGET}/api/health"


@pytest.fixture
def behind(made: Factory, tmp_path: Path) -> Iterator[httpx.Client]:
    """A proxy at 127.0.0.1 that is trusted."""
    with behind_a_proxy(tmp_path, "127.0.0.0/8") as client:
        yield client


def behind_a_proxy(root: Path, proxies: str) -> "httpx.Client":
    return _Client(served(root, more=BEHIND.format(proxies=proxies)))


class _Client(httpx.Client):
    """A client of a server that ends with it."""

    def __init__(self, server: "object") -> None:
        self._server = server
        running: Served = server.__enter__()  # type: ignore[attr-defined]
        running.accounts.add("alice", {TARGET: Role.PROMOTER})
        super().__init__(base_url=running.url, trust_env=False)

    def close(self) -> None:
        super().close()
        self._server.__exit__(None, None, None)  # type: ignore[attr-defined]


def post(client: httpx.Client, *headers: tuple[str, str]) -> int:
    return client.post(HEALTH, headers=list(headers)).status_code


def test_a_trusted_proxy_names_the_user(behind: httpx.Client) -> None:
    assert post(behind, ALICE) == 200
    assert post(behind) == 401
    assert post(behind, ("X-Remote-User", "mallory")) == 403
    recheck = behind.post(f"/{TARGET}/api/recheck_package?package_name=x", headers=[ALICE])
    assert recheck.status_code == 403  # the role is the one that rdo knows, not the proxy's


def test_what_the_client_adds_to_the_header_is_not_believed(behind: httpx.Client) -> None:
    assert post(behind, ALICE, ("X-Remote-User", "mallory")) == 403
    assert post(behind, ("X-Remote-User", "mallory"), ALICE) == 403
    assert post(behind, ("X_Remote_User", "alice")) == 401
    assert post(behind, ("X-Remote-User", "alice, mallory")) == 403
    assert post(behind, ALICE, ("Authorization", "Bearer wrong")) == 401


def test_nobody_else_is_believed(made: Factory, tmp_path: Path) -> None:
    with behind_a_proxy(tmp_path, "192.0.2.7") as client:
        assert post(client, ALICE) == 401
        assert post(client, ALICE, ("X-Forwarded-For", "192.0.2.7")) == 401
        assert post(client, ALICE, ("Forwarded", "for=192.0.2.7")) == 401


def test_the_limit_on_logins_counts_the_address_that_the_proxy_adds(behind: httpx.Client) -> None:
    """However the proxy adds it, to the client's own line or as another one."""
    wrong = ("Authorization", "Bearer wrong")
    for number in range(20):
        spoofed = ("X-Forwarded-For", f"203.0.113.{number}")
        assert post(behind, wrong, spoofed, ("X-Forwarded-For", "198.51.100.1")) == 401

    assert post(behind, wrong, ("X-Forwarded-For", "203.0.113.9, 198.51.100.1")) == 429
    assert post(behind, wrong, ("X-Forwarded-For", "198.51.100.2")) == 401


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('trusted-proxies = ["proxy.example.test"]', "trusted-proxies"),
        ('user-header = "X-Remote-User"', "trusted-proxies"),
        ('trusted-proxies = ["::1"]\nuser-header = "Authorization"', "Authorization"),
    ],
)
def test_a_setting_that_would_trust_nobody_or_everybody_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "rdo.toml").write_text(f'data = "data"\n[serve]\n{text}\n')

    with pytest.raises(ConfigError, match=message):
        App(tmp_path).settings  # noqa: B018 - it is read on use
