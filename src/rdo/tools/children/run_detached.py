"""Run one program to its end, even if the process that started it ends (a program of its own).

`rdo.tools.detached` starts it with one argument, the JSON of the plan. It leaves its caller's
process group and session, and takes the claim of the plan's folder, so that only one of them, this
process or a later caller, decides whether the program runs. Then it runs the program within its
limits and writes the result to `status.json`. SIGTERM ends the program.

Exit status of the first process: 0 if the program runs; 1 if somebody else has the claim.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from rdo import atomic
from rdo.disk_usage import is_full
from rdo.errors import UserError
from rdo.model.program import Bounds
from rdo.run import run_logged
from rdo.tools.detached import STATUS, claim, identity

CLAIMED = b"claimed"


def main() -> int:
    """Start the command of the plan in argv[1] detached; return 0 once it is claimed."""
    plan: dict[str, Any] = json.loads(sys.argv[1])
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            return 0 if pipe.read() == CLAIMED else 1
    os.close(reader)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    place = Path(plan["place"])
    if not claim(place, identity(os.getpid())):
        return 1
    asked_to_end: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: asked_to_end.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.write(writer, CLAIMED)
    os.close(writer)
    status = run(plan, asked_to_end)
    atomic.write_file(place / STATUS, json.dumps(status))
    return 0


def run(plan: dict[str, Any], asked_to_end: list[int]) -> dict[str, Any]:
    """Run the program of the plan and return the content of `status.json`."""
    results = Path(plan["results"])
    bounds = Bounds(
        plan["seconds"],
        plan["log_bytes"],
        lambda: bool(asked_to_end),
        folder=results,
        disk_bytes=plan["disk_bytes"],
    )
    log_file, folder = Path(plan["log_file"]), Path(plan["cwd"])
    try:
        done = run_logged(*plan["argv"], log_file=log_file, bounds=bounds, cwd=folder)
    except (UserError, OSError) as error:
        return {"error": str(error), "was_full": is_full(folder)}
    return {
        "returncode": done.returncode,
        "seconds": done.seconds,
        "limit": done.limit,
        "was_full": is_full(folder),
    }


if __name__ == "__main__":
    sys.exit(main())
