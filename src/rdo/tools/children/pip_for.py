"""Run pip for another interpreter than the one that runs it (a program of its own).

pip's options for another Python choose the wheels, but not the markers of their requirements. The
first argument has the values of markers, as JSON; the others are pip's.
"""

import importlib
import json
import runpy
import sys


def main() -> None:
    """Run pip with these values of markers."""
    values = json.loads(sys.argv.pop(1))
    markers = importlib.import_module("pip._vendor.packaging.markers")
    if not callable(getattr(markers, "default_environment", None)):
        sys.exit("ERROR: this pip does not tell what markers are evaluated for")
    vars(markers)["default_environment"] = lambda: dict(values)
    runpy.run_module("pip", run_name="__main__")


if __name__ == "__main__":
    main()
