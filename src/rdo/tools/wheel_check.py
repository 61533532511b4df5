"""Wheels of strangers, looked at in a child process."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import CancelledError, CommandError
from rdo.run import Runner, run

_CHILD = Path(__file__).with_name("children") / "check_wheel.py"


@dataclass(frozen=True, slots=True)
class WheelCheck:
    """Says whether a file is a whole wheel of a project in a version; see `rdo.archives`."""

    runner: Runner = run

    def fault(self, wheel: Path, project: str, version: str) -> str:
        """Return what is wrong with a wheel, in one sentence; "" if nothing is."""
        asked = {"path": str(wheel), "project": project, "version": version}
        try:
            done = self.runner(
                *(sys.executable, "-I", _CHILD), stdin=json.dumps(asked).encode(), timeout=1800
            )
        except CancelledError:
            raise
        except CommandError:  # it used up its memory or its time
            return "it cannot be read within the bounds for a wheel"
        answer: dict[str, str] = json.loads(done.stdout)
        return answer["fault"]
