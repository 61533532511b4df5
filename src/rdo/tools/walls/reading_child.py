"""Programs of ours that read content from strangers, each in a process that can only answer.

Such a program (one of `children/`) is asked in JSON and answers in JSON. It opens the files that it
is asked about, and shuts itself in before it reads them (`children/shut_in.py`). This is cheaper
than a program in a root, because nothing has to be made visible to it.
"""

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.errors import CommandError
from rdo.run import Runner, run
from rdo.tools.children.shut_in import NO_WALLS
from rdo.tools.walls.id_range import one_id
from rdo.tools.walls.seccomp import filter_program

_KEPT = ("LD_LIBRARY_PATH", "TZ")
"""Variables that a program may need to start; it gets no others."""


class NoWallsError(CommandError):
    """This machine does not allow shutting a program in, so it has read nothing."""


@dataclass(frozen=True, slots=True)
class ReadingChild:
    """One of these programs, with the limits that the kernel enforces.

    `file_bytes` is the maximum size of a file that it may make in memory.
    """

    program: Path
    memory_bytes: int = 1 << 30
    file_bytes: int = 0
    seconds: int = 60
    runner: Runner = run

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a question; check it, because strangers may have influenced it.

        Raises NoWallsError if the program cannot be shut in, CommandError if it ends without an
        answer.
        """
        ids = one_id()
        walls = {
            "root": ids.root if ids.is_root else None,
            "filter": filter_program(platform.machine(), only_reads=True).hex(),
            "memory_bytes": self.memory_bytes,
            "file_bytes": self.file_bytes,
            "seconds": self.seconds,
        }
        done = self.runner(
            *(sys.executable, "-I", self.program),
            stdin=json.dumps({"walls": walls, "question": question}).encode(),
            env={name: None for name in os.environ if name not in _KEPT},
            timeout=2.0 * self.seconds + 30,
            ok=range(-64, 256),
        )
        name = self.program.stem
        if done.returncode == NO_WALLS:
            raise NoWallsError(
                f"this machine cannot confine {name}: {done.stderr.strip()[-300:]}",
                hint="rdo doctor shows what is missing; a container needs rights for namespaces",
            )
        if done.returncode:
            said = done.stderr.strip()[-500:]
            raise CommandError(f"{name} ended with status {done.returncode}: {said}")
        try:
            answer = json.loads(done.stdout)
        except (ValueError, RecursionError) as error:
            raise CommandError(f"{name} gave an answer that cannot be read") from error
        if not isinstance(answer, dict):
            raise CommandError(f"{name} gave an answer that cannot be read")
        return answer
