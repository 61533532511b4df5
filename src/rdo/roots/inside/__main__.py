"""The programs that the macros call inside a root: `python3 /usr/lib/rpm/rdo NAME ARGUMENT...`.

The folder holds this file, the modules beside it and `rdo.python_names` (see `macro_layer.py`).
It is taken off the module path again, so that the build code of a source imports only what is
installed.
"""

import importlib
import sys

if __name__ == "__main__":
    program = importlib.import_module(f"rdo.roots.inside.{sys.argv[1]}")
    sys.path.pop(0)
    sys.exit(program.main(sys.argv[2:]))
