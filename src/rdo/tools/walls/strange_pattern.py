"""Search for a stranger's regular expression in texts, within limits."""

import json
import sys
from collections.abc import Sequence

from rdo.errors import CommandError, RefusedError
from rdo.run import Runner, run
from rdo.tools.children import match_texts
from rdo.tools.walls.limits import within

_SECONDS = 2  # of processor time


def found_in(pattern: str, texts: Sequence[str], runner: Runner = run) -> list[bool]:
    """Return for each text whether the pattern is found in it.

    Raises RefusedError for a pattern that is not a regular expression or takes too long.
    """
    bounds = within(memory_bytes=10**9, seconds=_SECONDS, file_bytes=0)
    command = (*bounds, sys.executable, "-I", "-S", match_texts.__file__)
    asked = json.dumps({"pattern": pattern, "texts": list(texts)}).encode()
    try:
        done = runner(*command, stdin=asked, timeout=60)
    except CommandError as error:
        raise RefusedError(f"{pattern} takes too long as a regular expression") from error
    answer = json.loads(done.stdout)
    if "fault" in answer:
        raise RefusedError(f"{pattern} is not a regular expression: {answer['fault']}")
    return [bool(one) for one in answer["found"]]
