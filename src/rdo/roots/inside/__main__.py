"""The programs that the macros call inside a root: `python3 /usr/lib/rpm/rdo NAME ARGUMENT...`.

The folder holds this file, the modules beside it and `rdo.python_names` (see `layer.py`); it is
taken off the module path again, so that a source's build code meets only what is installed.
"""

import importlib
import sys

if __name__ == "__main__":
    program = importlib.import_module(f"rdo.roots.inside.{sys.argv[1]}")
    sys.path.pop(0)
    sys.exit(program.main(sys.argv[2:]))
