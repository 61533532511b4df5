import pytest

from rdo.errors import OutsideError
from rdo.model.text.url import without_secret


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://bot:TOKEN@h/x", "https://h/x"),
        ("https://TOKEN@h/x", "https://h/x"),
        ("https://bot:p@ss@h:1/x", "https://h:1/x"),
        ("https://bot:@h/x", "https://h/x"),
        ("git+https://bot:TOKEN@h/x", "git+https://h/x"),
        ("two https://a:b@h/x https://c@i/y", "two https://h/x https://i/y"),
        ("ssh://git:TOKEN@h/x", "ssh://git@h/x"),
        ("ssh://git@h/x", "ssh://git@h/x"),
        ("https://h/x@y", "https://h/x@y"),
        ("https://h?x=a@b", "https://h?x=a@b"),
        ("git@h:x", "git@h:x"),
        ("file:///a@b", "file:///a@b"),
        ("https://h, me@example.org", "https://h, me@example.org"),
    ],
)
def test_urls_lose_their_secrets(text: str, shown: str) -> None:
    assert without_secret(text) == shown


def test_no_error_tells_a_secret() -> None:
    error = OutsideError("https://a:b@h/x is away", hint="ask https://c@h")

    assert str(error) == "https://h/x is away"
    assert error.hint == "ask https://h"
