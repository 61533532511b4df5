"""A file that is open is closed after its answer, whatever the client does."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Scope

from rdo.web.sending import OpenFileResponse

Send = Callable[[Message], Awaitable[None]]


@pytest.fixture
def file(tmp_path: Path) -> IO[bytes]:
    written = tmp_path / "file"
    written.write_bytes(b"a line\n")
    return written.open("rb")


def answer(file: IO[bytes], version: str, send: Send) -> None:
    """Answer a client that goes away at once."""

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope: Scope = {"type": "http", "asgi": {"spec_version": version}, "method": "HEAD"}
    asyncio.run(OpenFileResponse(file, "text/plain")(scope, receive, send))


def test_the_whole_file_is_sent(file: IO[bytes]) -> None:
    sent = []

    async def send(message: Message) -> None:
        sent.append(message)

    file.read()
    answer(file, "2.4", send)

    assert b"".join(one.get("body", b"") for one in sent) == b"a line\n"
    assert file.closed


def test_a_client_that_takes_nothing_and_leaves(file: IO[bytes]) -> None:
    async def send(message: Message) -> None:
        await asyncio.Event().wait()

    answer(file, "2.3", send)

    assert file.closed


def test_a_client_whose_connection_is_gone(file: IO[bytes]) -> None:
    async def send(message: Message) -> None:
        raise OSError

    with pytest.raises(ClientDisconnect):
        answer(file, "2.4", send)

    assert file.closed
