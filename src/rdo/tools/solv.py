"""libsolv, called in a child process."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.run import Runner, run

_CHILD = Path(__file__).with_name("children") / "solve.py"


@dataclass(frozen=True, slots=True)
class Solv:
    """Puts one question to a fresh libsolv; `rdo.solver` defines the JSON of both sides."""

    runner: Runner = run

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return libsolv's answer to a question."""
        done = self.runner(
            *(sys.executable, "-I", _CHILD),
            stdin=json.dumps(question).encode(),
            timeout=600,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
