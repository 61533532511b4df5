"""`rdo serve`: serve the factory over HTTP."""

import contextlib
import logging
import sys
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import complete

if TYPE_CHECKING:
    from rdo.tools.supervised import Supervised

log = logging.getLogger(__name__)


@click.command()
@click.option("--host", metavar="HOST", help="Address to listen on. Default: serve.host.")
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 chooses a free port. Default: serve.port.",
)
@click.option(
    "--target",
    "targets",
    metavar="T",
    multiple=True,
    shell_complete=complete.targets,
    help="Target to serve (repeatable). Default: all.",
)
@click.option(
    "--with-trunk",
    is_flag=True,
    help="Also run rounds of all targets, in a process of their own that ends with the server.",
)
@click.option(
    "--every",
    metavar="SECONDS",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    help="With --with-trunk: start a round every SECONDS.",
)
@click.pass_obj
def serve(
    app: App,
    host: str | None,
    port: int | None,
    targets: tuple[str, ...],
    with_trunk: bool,
    every: int,
) -> None:
    """Serve DLRN's API, rdo's own and metrics by HTTP, until SIGTERM or Ctrl-C.

    DLRN's API of a target is at http://HOST:PORT/TARGET/api/; a server of one target also has it
    at http://HOST:PORT/api/. Put a proxy with TLS in front of it. `rdo user` sets who may write.

    --with-trunk also runs `rdo trunk run --loop` in a child process; if that dies, the server
    continues and starts it again.

    \b
    rdo serve
    rdo serve --with-trunk --every 300
    dlrnapi --url http://127.0.0.1:8080/master-el9 promotion-get --promote-name tested
    """
    from rdo.web.application import application
    from rdo.web.service import WebServer
    from rdo.web.serving import listen, url_of
    from rdo.web.serving import serve as serve_application

    settings = app.settings
    chosen = list(dict.fromkeys(targets)) or settings.chosen_targets(None)
    for name in chosen:
        settings.target(name)
    rounds = _rounds(every) if with_trunk else None
    service = WebServer(app, chosen, rounds=rounds)
    service.store  # noqa: B018 - a database that is gone is told now, not to the first client
    number = settings.serve.port if port is None else port
    with listen(host or settings.serve.host, number) as listener:
        log.info("serving %s at %s", ", ".join(chosen), url_of(listener))
        with rounds or contextlib.nullcontext():
            serve_application(application(service), listener, service.end)
    log.info("the server has ended")


def _rounds(every: int) -> "Supervised":
    """Return the process that runs rounds, with the options of this command line."""
    from rdo.tools.supervised import Supervised

    context = click.get_current_context().find_root()
    options = ["-C", str(context.params["folder"])] if context.params["folder"] else []
    options += [f"--set={key}={value}" for key, value in context.params["options"].items()]
    options += [f"--{name}" for name in ("quiet", "verbose", "debug") if context.params[name]]
    command = (sys.executable, "-m", "rdo", *options, "trunk", "run", "--loop", str(every))
    return Supervised("rounds", *command)
