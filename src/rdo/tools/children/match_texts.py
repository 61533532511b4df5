"""Search for a regular expression in texts (a program of its own).

A stranger may have written both, so it may take forever. Question and answer are JSON.
"""

import json
import re
import sys


def main() -> int:
    asked = json.load(sys.stdin)
    try:
        pattern = re.compile(asked["pattern"])
    except (re.error, RecursionError, OverflowError) as error:
        json.dump({"fault": str(error)}, sys.stdout)
        return 0
    json.dump({"found": [pattern.search(text) is not None for text in asked["texts"]]}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
