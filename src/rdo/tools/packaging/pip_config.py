"""The package index that pip uses, so that our own downloads come from the same place."""

import ast
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from rdo.errors import ConfigError
from rdo.run import Runner, run


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """The user's indexes and how to reach them; proxies in the environment apply too."""

    urls: tuple[str, ...]
    certificates: str | None = None
    proxy: str | None = None
    timeout_seconds: float = 60.0


def index_settings(runner: Runner = run) -> IndexSettings:
    """Return what `pip download` would use: pip's environment, its files, and its own default."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    values = parse_listing(runner(*pip, "config", "list", timeout=60).stdout)
    if "index-url" not in values:
        values["index-url"] = default_index(runner(*pip, "download", "--help", timeout=60).stdout)
    return settings(values)


def parse_listing(listing: str) -> dict[str, str]:
    """Return the options in the output of `pip config list` that apply to `pip download`.

    >>> parse_listing("global.index-url='a'\\ninstall.index-url='b'\\n:env:.index-url='c'")
    {'index-url': 'c'}
    """
    values: dict[str, str] = {}
    rows = [line.partition("=") for line in listing.splitlines()]
    for scope in ("global", "download", ":env:"):  # the last one wins, as in pip
        for key, _, value in rows:
            section, _, option = key.rpartition(".")
            if section == scope:
                values[option] = str(ast.literal_eval(value))
    return values


def default_index(help_text: str) -> str:
    """Return the default for --index-url in pip's help; raises ConfigError if there is none."""
    plain = " ".join(help_text.split())
    if match := re.search(r"--index-url <url> [^()<]*\(default (\S+?)\)", plain):
        return match[1]
    raise ConfigError("cannot find pip's default index; set index-url in pip's configuration")


def settings(values: Mapping[str, str]) -> IndexSettings:
    """Return the index settings that pip's options mean."""
    urls = [values["index-url"], *values.get("extra-index-url", "").split()]
    if values.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        urls = []
    return IndexSettings(
        urls=tuple(url.rstrip("/") for url in urls),
        certificates=values.get("cert"),
        proxy=values.get("proxy"),
        timeout_seconds=float(values.get("timeout", values.get("default-timeout", 60))),
    )
