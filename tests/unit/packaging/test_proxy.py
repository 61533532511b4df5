"""The examples of proxies never pass on a user whom a client has named."""

import re
from pathlib import Path

import pytest

from rdo.config.settings import ServeSection

PROXIES = sorted((Path(__file__).parents[3] / "packaging/proxy").iterdir())
CLEARED = {
    "nginx.conf": r'^\s*proxy_set_header X-Remote-User "";$',
    "httpd.conf": r"^\s*RequestHeader unset X-Remote-User early$",
}


@pytest.mark.parametrize("file", PROXIES, ids=lambda file: file.name)
def test_the_header_of_the_user_is_cleared_and_is_that_of_the_settings(file: Path) -> None:
    text = file.read_text()

    assert re.search(CLEARED[file.name], text, re.MULTILINE)
    assert '#   user-header = "X-Remote-User"' in text
    assert '#   trusted-proxies = ["127.0.0.1"]' in text
    assert f"127.0.0.1:{ServeSection().port}" in text
    assert "X-Request-ID" in text
