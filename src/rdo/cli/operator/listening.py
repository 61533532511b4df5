"""Options of servers that take uploads: where they listen, and which proxies they trust."""

from collections.abc import Callable
from typing import Any

import click

from rdo.errors import ConfigError

Command = Callable[..., Any]


def listening_options(port: int) -> Callable[[Command], Command]:
    """Return a decorator that adds --host, --port with a default, --user-header and --proxy."""
    options = (
        click.option(
            "--host", default="127.0.0.1", show_default=True, help="Address to listen on."
        ),
        click.option(
            "--port",
            metavar="N",
            type=click.IntRange(0, 65535),
            default=port,
            show_default=True,
            help="Port for HTTP; 0 chooses a free port.",
        ),
        click.option(
            "--user-header",
            metavar="NAME",
            default="",
            help="Header in which a proxy (Kerberos, OIDC) names the person; needs --proxy.",
        ),
        click.option(
            "--proxy",
            "proxies",
            metavar="ADDRESS",
            multiple=True,
            help="Address of a proxy to trust.",
        ),
    )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def check_proxies(user_header: str, proxies: tuple[str, ...]) -> None:
    """Raise ConfigError for --user-header without --proxy: anybody could send that header."""
    if user_header and not proxies:
        raise ConfigError("--user-header needs --proxy", hint="name the address of your proxy")
