"""Users of the host's RabbitMQ."""

import socket
import struct
from pathlib import Path

from rdo.deploy.on_host.acts import Unsure, Wanted, has_program, run

_HEADER = b"AMQP\x00\x00\x09\x01"
_END = b"\xce"
_TUNE = (10, 30)


def look_broker_user(wanted: Wanted) -> "list[str]":
    """Return whether the user cannot log in, without rabbitmqctl, which would take seconds."""
    if not has_program("rabbitmqctl"):
        return [f"{wanted['user']}: new user of the message broker"]
    if _logs_in(wanted["host"], wanted["port"], wanted["user"], wanted["password"]):
        return []
    return [f"{wanted['user']}: user of the message broker, or its password"]


def make_broker_user(wanted: Wanted) -> None:
    """Create the user, or set its password, and give it all rights."""
    user = wanted["user"]
    run("rabbitmqctl", "await_startup", "--timeout", "60")
    is_new = user not in run("rabbitmqctl", "--quiet", "list_users").stdout.split()
    verb = "add_user" if is_new else "change_password"
    run("rabbitmqctl", "--quiet", verb, user, stdin=wanted["password"] + "\n")
    run("rabbitmqctl", "--quiet", "set_permissions", user, ".*", ".*", ".*")


def _logs_in(host: str, port: int, user: str, password: str) -> bool:
    """Whether the broker lets the user in: the start of AMQP 0-9-1, up to the tune frame."""
    try:
        with socket.create_connection((host, port), timeout=10) as broker:
            broker.sendall(_HEADER)
            if _method(broker) is None:
                return False
            broker.sendall(_start_ok(user, password))
            return _method(broker) == _TUNE
    except ConnectionRefusedError:
        raise Unsure("rabbitmq-server runs") from None
    except OSError:
        return False


def _start_ok(user: str, password: str) -> bytes:
    answer = b"\x00" + user.encode() + b"\x00" + password.encode()
    arguments = b"".join(
        (
            struct.pack(">I", 0),
            b"\x05PLAIN",
            struct.pack(">I", len(answer)) + answer,
            b"\x05en_US",
        )
    )
    payload = struct.pack(">HH", 10, 11) + arguments
    return struct.pack(">BHI", 1, 0, len(payload)) + payload + _END


def _method(broker: socket.socket) -> "tuple[int, int] | None":
    """Return class and method of the next frame; None if the broker closes the connection."""
    head = _read(broker, 7)
    if len(head) < 7:
        return None
    size = struct.unpack(">BHI", head)[2]
    payload = _read(broker, min(size, 1 << 20) + 1)
    return struct.unpack(">HH", payload[:4]) if len(payload) > 4 else None


def _read(broker: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = broker.recv(size - len(found))
        if not part:
            break
        found += part
    return found


def cookie_is_there() -> bool:
    """Whether the broker has ever been started."""
    return Path("/var/lib/rabbitmq/.erlang.cookie").exists()
