"""Which URLs of submodules may be used, in a source from strangers."""

from pathlib import Path

import pytest

from rdo.builders.sources.submodules import allowed_url
from rdo.errors import RefusedError

HTTPS = "https://example.test/a/b.git"
SSH = "ssh://git@example.test/a/b.git"


@pytest.mark.parametrize(
    ("written", "base", "url"),
    [
        ("https://other.test/x.git", HTTPS, "https://other.test/x.git"),
        ("../../c/x", HTTPS, "https://example.test/c/x"),
        ("./x", HTTPS + "/", "https://example.test/a/b.git/x"),
        ("http://other.test/x", "http://example.test/b", "http://other.test/x"),
        ("https://u:p@other.test/x", HTTPS, "https://other.test/x"),
        ("ssh://git@example.test/x", SSH, "ssh://git@example.test/x"),
        ("../x.git", "git@example.test:a/b.git", "git@example.test:a/x.git"),
        ("../../x.git", "git@example.test:a/b.git", "git@example.test:x.git"),
        ("https://other.test/x.git", "", "https://other.test/x.git"),
    ],
)
def test_what_a_source_may_use(written: str, base: str, url: str) -> None:
    assert allowed_url(written, base, "lib") == url


@pytest.mark.parametrize(
    ("written", "base"),
    [
        ("ext::sh -c touch% /tmp/x", HTTPS),
        ("-oProxyCommand=x", HTTPS),
        ("file:///etc/secret.git", HTTPS),
        ("/srv/private.git", HTTPS),
        ("../../../inside.test/x", HTTPS),
        ("../../../x", "git@example.test:a/b.git"),
        ("./x", ""),
        ("/srv/private.git", ""),
        ("http://inside.test/x", HTTPS),
        ("git://inside.test/x", HTTPS),
        ("ssh://git@other.test/x", HTTPS),
        ("git@example.test:x.git", HTTPS),
        ("ssh://git@other.test/x", SSH),
        ("file:///srv/x.git", SSH),
        ("", HTTPS),
        ("https://x.test/\n[core]", HTTPS),
    ],
)
def test_what_a_source_may_not_use(written: str, base: str) -> None:
    with pytest.raises(RefusedError, match="submodule lib: "):
        allowed_url(written, base, "lib")


def test_a_folder_of_this_machine_may_use_its_neighbours(tmp_path: Path) -> None:
    base = (tmp_path / "git" / "app").as_uri()
    (tmp_path / "git").mkdir()
    (tmp_path / "git" / "out").symlink_to(tmp_path / "private")

    assert allowed_url("../lib", base, "lib") == (tmp_path / "git" / "lib").as_uri()
    for written in ("../../private", str(tmp_path / "private"), "../out", "..", "../../../etc"):
        with pytest.raises(RefusedError, match="may not be used"):
            allowed_url(written, base, "lib")
