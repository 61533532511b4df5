"""Compare a wheel with what was asked for (a program of its own, within memory and time).

The question arrives as JSON on stdin, the answer leaves as JSON on stdout: what is wrong, or "".
"""

import json
import resource
import sys
from pathlib import Path

from rdo.archives.wheel_file import check_wheel

_MEMORY_BYTES = 1 << 30
_SECONDS = 900


def main() -> int:
    asked = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    fault = ""
    try:
        check_wheel(Path(asked["path"]), asked["project"], asked["version"])
    except ValueError as error:
        fault = str(error)
    json.dump({"fault": fault}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
