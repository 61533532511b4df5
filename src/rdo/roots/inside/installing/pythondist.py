"""rpm's dependency generator for Python distributions: Provides and Requires of .dist-info.

rpm passes the files on stdin, and for the metadata package of an extra (`python3-x+extra`) the
package's name. Runs inside the root.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PathDistribution
from pathlib import Path

from packaging.requirements import Requirement

from rdo.python_names import provides, requires


def distribution_provides(distribution: PathDistribution, extra: str, python: str) -> Iterator[str]:
    yield from provides(distribution.metadata["Name"], distribution.version, extra, python)


def distribution_requires(distribution: PathDistribution, extra: str, python: str) -> Iterator[str]:
    """Yield the requirements that apply to this interpreter.

    For an extra, only those that it adds.
    """
    for text in distribution.requires or []:
        requirement = Requirement(text)
        plain = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        with_extra = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
        if (with_extra and not plain) if extra else plain:
            yield from requires(requirement, python)


def main(argv: list[str]) -> int:
    """Print the provides or requires of the distributions named on stdin, as rpm asks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("provides", "requires"))
    parser.add_argument("--package", default="")
    args = parser.parse_args(argv)
    extra = args.package.rpartition("+")[2] if "+" in args.package else ""
    generate = distribution_provides if args.what == "provides" else distribution_requires
    for line in sys.stdin:
        path = Path(line.strip())
        python = re.search(r"/python(3\.\d+)/", str(path))
        distribution = PathDistribution(path)
        if python and distribution.metadata["Name"]:
            for dependency in generate(distribution, extra, python[1]):
                sys.stdout.write(f"{dependency}\n")
    return 0
