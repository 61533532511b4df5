"""packaging/rdo.spec: what its packages require, beside what the code imports."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[3]
SPEC = (REPOSITORY / "packaging/rdo.spec").read_text()
PACKSTACK = ("rdo.cli.packstack", "rdo.cli.deploy", "rdo.tools.children.hosts.install_hosts")
"""The command, the commands `rdo deploy`, and the program that both start."""

BROUGHT = {"gevent"}
"""What pyinfra requires, and stands on so firmly that its version is its own affair."""


def test_packstack_requires_what_it_imports_and_nothing_else_in_versions_that_are_tested() -> None:
    pyproject = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    asked = map(Requirement, pyproject["project"]["dependencies"])
    floors = {one.name: str(one.specifier) for one in asked}

    required = dict(
        re.findall(r"^Requires: +python3dist\(([\w.-]+)\) ([>=]+ \S+)$", SPEC, re.MULTILINE)
    )

    assert required == {name: floors[name].replace(">=", ">= ") for name in _imported()}


def _imported() -> set[str]:
    """Return the projects of PyPI that packstack imports, now or when it gets there."""
    graph = grimp.build_graph(
        "rdo",
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )
    reached = set(PACKSTACK).union(*map(graph.find_upstream_modules, PACKSTACK))
    outside = {one.partition(".")[0] for one in reached} - {"rdo"} - sys.stdlib_module_names
    projects = packages_distributions()
    return {projects[one][0] for one in outside} - BROUGHT
