"""The programs that the macros call inside a root: `python3 /usr/lib/rpm/rdo NAME ARGUMENT...`.

The folder contains this file, the packages beside it and `rdo.python_names` (see `macro_layer.py`).
It is removed from the module path again, so that the build code of a source imports only what is
installed.
"""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    inside = Path(__file__).parent / "rdo/roots/inside"
    [room] = [file.parent.name for file in inside.glob(f"*/{sys.argv[1]}.py")]
    program = importlib.import_module(f"rdo.roots.inside.{room}.{sys.argv[1]}")
    sys.path.pop(0)
    sys.exit(program.main(sys.argv[2:]))
