"""The version of the Python that a base layer has."""

import re

from rdo.model.python import Python
from rdo.roots.platform.platforms import BaseLayer
from rdo.solver import SolverRepository, provided


def python_of(base: BaseLayer) -> Python:
    """Return the release's Python as found in the base layer, or else as the definition says."""
    version = base.platform.python
    installed = provided([SolverRepository("base", base.metadata)], arch=base.platform.arch)
    for name in (f"python{version}", "python3"):
        for rpm, evr in installed.get(name, ()):
            found = re.match(r"(?:\d+:)?(\d+\.\d+\.\d+)", evr)
            if rpm == name and found and found[1].startswith(f"{version}."):
                return Python(found[1])
    return Python(version)
