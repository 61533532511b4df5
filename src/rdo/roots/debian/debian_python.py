"""Names of Python modules in Debian packages, beside those that the bridge takes from PyPI.

Both may contain the same project, and only one of them can be installed. So a Debian package gets
the RPM name that PyPI's package would have, and a requirement on such a Debian package may be met
by either. If the release has a Python of its own, none of this applies: Debian's modules are for
the base's tools only, and both can be installed.
"""

import re
from collections.abc import Iterable

from packaging.utils import canonicalize_name

from rdo.python_names import capability, python_requirement

_METADATA = re.compile(r"/site-packages/([^/-]+)-[^/]*\.(?:dist|egg)-info(?:/|$)")
_MODULE = re.compile(r"deb\((?P<name>python3-[^()]+)\)")


def rpm_name(package: str, files: Iterable[str], *, of_release: bool = True) -> str:
    """Return the RPM name for a Debian package.

    `of_release` is whether the release uses the base's own Python.

    >>> rpm_name("python3-yaml", ["/usr/lib/python3.11/site-packages/PyYAML-6.0.egg-info/PKG-INFO"])
    'python3-pyyaml'
    >>> rpm_name("python3-guestfs", ["/usr/lib/python3.11/site-packages/guestfs.py"])
    'python3-guestfs'
    >>> rpm_name("python3-yaml", [], of_release=False)
    'debian-python3-yaml'
    """
    if package.startswith("python3-") and not of_release:
        return f"debian-{package}"
    if package.startswith("python3-"):
        projects = {match[1] for file in files if (match := _METADATA.search(file))}
        if len(projects) == 1:
            return f"python3-{canonicalize_name(projects.pop())}"
    return package


def or_from_pypi(dependency: str) -> str:
    """Return a Debian dependency, extended so that PyPI's package of the same module meets it too.

    >>> or_from_pypi("deb(python3-yaml) >= 6")
    '(deb(python3-yaml) >= 6 or python3dist(pyyaml))'
    >>> or_from_pypi("deb(python3-tz)")
    '(deb(python3-tz) or python3dist(pytz))'
    >>> or_from_pypi("deb(libc6) >= 2")
    'deb(libc6) >= 2'
    """
    match = _MODULE.match(dependency)
    requirement = python_requirement(match["name"]) if match else None
    return f"({dependency} or {capability(requirement.name)})" if requirement else dependency
