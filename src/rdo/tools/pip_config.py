"""Which package index pip asks, so that what we fetch ourselves comes from the same place."""

import ast
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from rdo.errors import ConfigError
from rdo.run import Runner, run


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """The user's indexes and how to reach them; proxies of the environment count besides."""

    urls: tuple[str, ...]
    certificates: str | None = None
    proxy: str | None = None
    timeout_seconds: float = 60.0


def index_settings(runner: Runner = run) -> IndexSettings:
    """What `pip download` would use: pip's environment and files, and its own default."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    values = parse_listing(runner(*pip, "config", "list", timeout=60).stdout)
    if "index-url" not in values:
        values["index-url"] = default_index(runner(*pip, "download", "--help", timeout=60).stdout)
    return settings(values)


def parse_listing(listing: str) -> dict[str, str]:
    """The options in the answer of `pip config list` that count for `pip download`.

    >>> parse_listing("global.index-url='a'\\ninstall.index-url='b'\\n:env:.index-url='c'")
    {'index-url': 'c'}
    """
    values: dict[str, str] = {}
    rows = [line.partition("=") for line in listing.splitlines()]
    for scope in ("global", "download", ":env:"):  # the later one wins, as in pip
        for key, _, value in rows:
            section, _, option = key.rpartition(".")
            if section == scope:
                values[option] = str(ast.literal_eval(value))
    return values


def default_index(help_text: str) -> str:
    """The index that pip's help names as its default for --index-url."""
    plain = " ".join(help_text.split())
    if match := re.search(r"--index-url <url> [^()]*\(default (\S+?)\)", plain):
        return match[1]
    raise ConfigError("pip does not name its default index; set index-url in pip's configuration")


def settings(values: Mapping[str, str]) -> IndexSettings:
    """The settings that pip's options stand for."""
    urls = [values["index-url"], *values.get("extra-index-url", "").split()]
    if values.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        urls = []
    return IndexSettings(
        urls=tuple(url.rstrip("/") for url in urls),
        certificates=values.get("cert"),
        proxy=values.get("proxy"),
        timeout_seconds=float(values.get("timeout", values.get("default-timeout", 60))),
    )
