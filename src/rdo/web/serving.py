"""Listen, serve until a signal, and shut down in order."""

import asyncio
import errno
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from rdo.errors import ConfigError, RefusedError
from rdo.web.connections import BoundedProtocol

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 500
GRACE_SECONDS = 20
_HEAD_BYTES = 32 * 1024


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address.

    Raises RefusedError if the port is taken or not allowed, ConfigError for an unknown host.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}: {error.strerror}") from error
    # asyncio sends an answer at once (TCP_NODELAY) only if the protocol is named; otherwise the end
    # of an answer waits 40 ms for the client's acknowledgement of its beginning
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise _explained(error, host, port) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL of a server that listens.

    >>> with socket.create_server(("127.0.0.1", 0)) as listener:
    ...     url_of(listener).startswith("http://127.0.0.1:")
    True
    """
    address, port = listener.getsockname()[:2]
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}/"


def _explained(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return RefusedError(f"port {port} of {host} is taken", hint="choose another with --port")
    if error.errno == errno.EACCES:
        return RefusedError(
            f"you may not listen on port {port}", hint="use one above 1023, behind a proxy"
        )
    return ConfigError(f"cannot listen on {host}: {error.strerror}")


def configuration(application: ASGIApp) -> uvicorn.Config:
    """Return uvicorn's configuration, with limits for everything that a client could exhaust."""
    return uvicorn.Config(
        application,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=_HEAD_BYTES,
    )


def serve(
    application: ASGIApp, listener: socket.socket, at_end: Callable[[], None] | None = None
) -> None:
    """Serve until SIGTERM or Ctrl-C; running requests are finished, within 20 s at most.

    `at_end` is called as soon as the shutdown begins, so that other things can end meanwhile.
    """
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    server = _Server(configuration(application))
    server.at_end = at_end
    # existing objects stay; each search for garbage among them would delay requests by 0.1 s
    gc.collect()
    gc.freeze()
    asyncio.run(server.serve(sockets=[listener]))


class _Server(uvicorn.Server):
    """A server that ends normally on a signal; uvicorn would raise it once more."""

    at_end: Callable[[], None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _end(self) -> None:
        if self.should_exit:
            self.force_exit = True
        else:
            log.info("ending: no new requests; those that have begun are finished")
            if self.at_end:
                self.at_end()
        self.should_exit = True
