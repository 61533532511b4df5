"""Check that a wheel is the requested one (a program of its own, behind walls).

The answer is what is wrong, or "".
"""

import email.message  # noqa: F401 - the parser of METADATA loads it when it is too late
import os
import stat
import sys
from pathlib import Path

from rdo.archives.wheel_file import check_open_wheel
from rdo.tools.children.shut_in import answer, asked, shut_in


def main() -> int:
    """Answer the question on stdin: whether a wheel is that of a project and version."""
    question, walls = asked()
    path = Path(question["path"])
    wheel = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(wheel).st_mode):
        answer({"fault": "it is not a regular file"})
        return 0
    shut_in(walls, [wheel])
    fault = ""
    try:
        with os.fdopen(wheel, "rb") as file:
            check_open_wheel(file, path.name, question["project"], question["version"])
    except ValueError as error:
        fault = str(error)
    answer({"fault": fault})
    return 0


if __name__ == "__main__":
    sys.exit(main())
