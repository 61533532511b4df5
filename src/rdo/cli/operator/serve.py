"""`rdo serve`: the factory by HTTP."""

import logging

import click

from rdo.app import App
from rdo.cli import complete

log = logging.getLogger(__name__)


@click.command()
@click.option("--host", metavar="HOST", help="Address to listen on. Default: serve.host.")
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0: any that is free. Default: serve.port.",
)
@click.option(
    "--target",
    "targets",
    metavar="T",
    multiple=True,
    shell_complete=complete.targets,
    help="Target to serve (repeatable). Default: all.",
)
@click.pass_obj
def serve(app: App, host: str | None, port: int | None, targets: tuple[str, ...]) -> None:
    """Serve DLRN's API, ours and metrics by HTTP, until SIGTERM or Ctrl-C.

    DLRN's API of a target is at http://HOST:PORT/TARGET/api/; a server of one target also has it
    at http://HOST:PORT/api/. Put a proxy with TLS in front of it. `rdo user` says who may write.

    \b
    rdo serve
    dlrnapi --url http://127.0.0.1:8080/master-el9 promotion-get --promote-name tested
    """
    from rdo.web.application import application
    from rdo.web.service import WebServer
    from rdo.web.serving import listen
    from rdo.web.serving import serve as serve_application

    settings = app.settings
    chosen = list(dict.fromkeys(targets)) or settings.chosen_targets(None)
    for name in chosen:
        settings.target(name)
    service = WebServer(app, chosen)
    service.store  # noqa: B018 - a database that is gone is told now, not to the first client
    number = settings.serve.port if port is None else port
    with listen(host or settings.serve.host, number) as listener:
        address, number = listener.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        log.info("serving %s at http://%s:%d/", ", ".join(chosen), shown, number)
        serve_application(application(service), listener)
    log.info("the server has ended")
