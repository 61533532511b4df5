"""The process that examines and changes hosts: its requests, and its events.

The work is done by `children/hosts/install_hosts.py` with pyinfra, which is loaded nowhere else.
"""

import base64
import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.errors import CommandError
from rdo.run import Conversation, converse
from rdo.tools.hosts.access import Host

_CHILD = Path(__file__).parents[1] / "children" / "hosts" / "install_hosts.py"


# This runs on a host first: it makes modules of the texts, each after those that it imports.
_BEGIN = """
import types
for name, text in r["modules"]:
    module = types.ModuleType(name)
    module.__path__ = []
    sys.modules[name] = module
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, module)
    exec(compile(text, name, "exec"), module.__dict__)
sys.modules[r["main"]].main(r["request"])
"""


@dataclass(frozen=True, slots=True)
class Program:
    """The program that runs on hosts: its modules by name, in the order of their imports."""

    modules: Sequence[tuple[str, str]]
    main: str

    def parts(self) -> dict[str, Any]:
        """Return everything that a host needs to run it."""
        return {"begin": _BEGIN, "modules": self.modules, "main": self.main}

    def text(self, request: Mapping[str, Any]) -> str:
        """Return it as one text, which answers one request."""
        packed = base64.b64encode(json.dumps({**self.parts(), "request": request}).encode())
        return (
            "import base64, json, sys\nsys.dont_write_bytecode = True\n"
            f"r = json.loads(base64.b64decode({packed!r}))\nexec(r['begin'])\n"
        )


@dataclass(frozen=True, slots=True)
class Installer:
    """A running installer; it reports events as mappings with an `event`."""

    _conversation: Conversation
    log_file: Path

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield its events, until it ends. Raises CommandError for output that is not JSON."""
        for line in self._conversation.lines():
            try:
                told = json.loads(line)
            except ValueError as error:
                raise CommandError(f"the installer prints {line[:200]!r}") from error
            yield told

    def carry_out(self, chosen: Sequence[Sequence[str]]) -> None:
        """Choose, for each step, the hosts on which it is carried out."""
        self._conversation.send(json.dumps(chosen))


@contextlib.contextmanager
def installer(
    hosts: Sequence[Host],
    steps: Sequence[Mapping[str, Any]],
    program: Program,
    log_file: Path,
) -> Iterator[Installer]:
    """Start an installer for these hosts and steps; it ends with the block.

    Secrets are passed only on its standard input. Raises CommandError if it cannot be started.
    """
    asked = {
        "hosts": [{"address": host.address, "ssh": _access(host)} for host in hosts],
        "steps": steps,
        **program.parts(),
    }
    command = (sys.executable, "-I", _CHILD)
    with converse(*command, log_file=log_file) as conversation:
        conversation.send(json.dumps(asked))
        yield Installer(conversation, log_file)


def _access(host: Host) -> dict[str, Any] | None:
    if host.access is None:
        return None
    return {
        "user": host.access.user,
        "identity": str(host.access.identity) if host.access.identity else None,
        "known_hosts": str(host.access.known_hosts) if host.access.known_hosts else None,
        "accepts_new": host.access.accepts_new,
    }
