"""Translate Python requirements to RPM dependencies, and back.

The forms are those of rpm's own Python dependency generator: `python3dist(name)` and
`python3.11dist(name)`, with names normalized by PEP 503 and versions as in `rpm_version`. This
module is also copied into roots, where the dependency generators run, so it requires only the
standard library and `packaging`.
"""

import re
from collections.abc import Iterable, Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_CAPABILITY = re.compile(
    r"^python(?P<python>3(?:\.\d+)?)dist\((?P<name>[^)\[]+)(?:\[(?P<extra>[^\]]+)\])?\)$"
)
_PROGRAM = re.compile(r"^/usr/bin/(?P<name>[\w.-]+)-3(\.\d+)?$")
"""Programs with a suffix because of Python 2's; most programs are named like their project."""

_RELATION = re.compile(
    r"(?P<capability>[^\s()]+(?:\([^\s()]*\))?)(?:\s*(?P<op>[<>=]+)\s*(?P<version>[^\s()]+))?"
)
_EITHER = re.compile(r"^\((?P<first>\S.*?) or (?P<second>\S.*)\)$")
_NOT_EQUAL = re.compile(r"\(\s*(\S{1,200}) < (\S{1,200}) or \1 > \2\s*\)")


RPM_NAMES = {
    "dateutil": "python-dateutil",
    "dns": "dnspython",
    "jwt": "PyJWT",
    "kerberos": "pykerberos",
    "ldap": "python-ldap",
    "libvirt": "libvirt-python",
    "magic": "python-magic",
    "memcached": "python-memcached",
    "migrate": "sqlalchemy-migrate",
    "mysql": "mysqlclient",
    "openvswitch": "ovs",
    "qpid-proton": "python-qpid-proton",
    "saml2": "pysaml2",
    "sphinxcontrib-rsvgconverter": "sphinxcontrib-svg2pdfconverter",
    "subunit": "python-subunit",
    "systemd": "systemd-python",
    "tempestconf": "python-tempestconf",
    "tz": "pytz",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
} | {
    f"{service}client": f"python-{service}client"
    for service in (
        *("barbican", "blazar", "cinder", "cloudkitty", "congress", "cyborg", "designate"),
        *("glance", "heat", "ironic", "ironic-inspector-", "keystone", "magnum", "manila"),
        *("masakari", "mistral", "monasca", "murano", "neutron", "nova", "octavia", "openstack"),
        *("sahara", "senlin", "solum", "swift", "tacker", "tripleo", "trove", "vitrage"),
        *("watcher", "zaqar", "zun"),
    )
}
"""The part after `python3-` in an RPM's name, if the project has another name on PyPI."""

_APPLICATIONS = frozenset(
    {
        *("ansible", "ansible-core", "ansible-runner", "dib-utils", "diskimage-builder"),
        *("os-apply-config", "os-collect-config", "os-net-config", "os-refresh-config"),
        "pykickstart",
    }
)
"""RPMs that have the same name as on PyPI."""

_TEMPEST = "-tempest-plugin", "-tests-tempest"
"""The endings of the names of the same plugins on PyPI and in RDO."""


def rpm_names(name: str) -> set[str]:
    """Return the `python3-…` names by which other packages require a project's package.

    >>> sorted(rpm_names("PyYAML"))
    ['python3-PyYAML', 'python3-pyyaml', 'python3-yaml']
    """
    return {f"python3-{name}", f"python3-{canonicalize_name(name)}"} | other_rpm_names(name)


def other_rpm_names(name: str) -> set[str]:
    """Return the names of a project's RPM that are not `python3-` with its name on PyPI.

    >>> other_rpm_names("python-novaclient"), other_rpm_names("heat-tempest-plugin")
    ({'python3-novaclient'}, {'python3-heat-tests-tempest'})
    >>> other_rpm_names("ansible-core")
    {'ansible-core'}
    """
    known = canonicalize_name(name)
    others = {
        f"python3-{rpm}" for rpm, pypi in RPM_NAMES.items() if canonicalize_name(pypi) == known
    }
    plugin, rdo = _TEMPEST
    if known.endswith(plugin):
        others.add(f"python3-{known.removesuffix(plugin)}{rdo}")
    return others | (_APPLICATIONS & {known})


def own_projects(names: Iterable[str]) -> frozenset[str]:
    """Return the canonical names of the PyPI projects that a package with these names may contain.

    >>> sorted(own_projects(["python-yaml", "yaml"]))
    ['python-yaml', 'pyyaml', 'yaml']
    >>> sorted(own_projects(["python-novaclient", "heat-tests-tempest"]))
    ['heat-tempest-plugin', 'heat-tests-tempest', 'python-novaclient']
    """
    plugin, rdo = _TEMPEST
    found = set()
    for name in names:
        short = re.sub(r"^python3?-", "", name.lower())
        found |= {name, RPM_NAMES.get(short, name)}
        if short.endswith(rdo):
            found.add(f"{short.removesuffix(rdo)}{plugin}")
    return frozenset(map(canonicalize_name, found))


def rpm_version(version: str) -> str:
    """Convert a PEP 440 version so that rpm orders it: `~` before pre-releases, no trailing zeros.

    >>> [rpm_version(text) for text in ("1.2.0", "2.0rc1", "3.0.dev4", "1.0.post2", "1!2.0")]
    ['1.2', '2~rc1', '3~~dev4', '1^post2', '1!2']
    """
    parsed = Version(version)
    numbers = list(parsed.release)
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    text = (f"{parsed.epoch}!" if parsed.epoch else "") + ".".join(map(str, numbers))
    if parsed.pre:
        return f"{text}~{parsed.pre[0]}{parsed.pre[1]}"
    if parsed.dev is not None:
        return f"{text}~~dev{parsed.dev}"
    return f"{text}^post{parsed.post}" if parsed.post is not None else text


def pep440_version(version: str) -> str:
    """Reverse `rpm_version`, except for trailing zeros.

    >>> [pep440_version(text) for text in ("1.2", "2~rc1", "3~~dev4", "1^post2", "4~~")]
    ['1.2', '2rc1', '3.dev4', '1.post2', '4']
    """
    return re.sub(r"~~$", "", version).replace("~~", ".").replace("~", "").replace("^", ".")


def capability(name: str, extra: str = "", python: str = "3") -> str:
    """Return the RPM name of a Python distribution, `python3dist(oslo-config)`."""
    inside = (
        f"{canonicalize_name(name)}[{canonicalize_name(extra)}]"
        if extra
        else canonicalize_name(name)
    )
    return f"python{python}dist({inside})"


def legacy_capability(name: str, python: str = "3") -> str:
    """Return the older form with dots, which many specs still require."""
    return f"python{python}dist({re.sub(r'[-_]+', '-', name).lower()})"


def provides(name: str, version: str, extra: str = "", python: str = "3.11") -> Iterator[str]:
    """Yield the capabilities of a package with a Python distribution."""
    for tag in (python, "3"):
        names = {capability(name, extra, tag)}
        if not extra:
            names.add(legacy_capability(name, tag))
        yield from (f"{one} = {rpm_version(version)}" for one in sorted(names))


def requires(requirement: Requirement, python: str = "3") -> Iterator[str]:
    """Yield the RPM dependencies that a Python requirement means, whatever its marker.

    >>> list(requires(Requirement("pbr!=2.1.0,>=2.0")))
    ['(python3dist(pbr) >= 2 with (python3dist(pbr) < 2.1 or python3dist(pbr) > 2.1))']
    >>> list(requires(Requirement("requests[socks]")))
    ['python3dist(requests)', 'python3dist(requests[socks])']
    """
    for extra in ("", *sorted(requirement.extras)):
        name = capability(requirement.name, extra, python)
        relations = list(_relations(name, requirement.specifier))
        if len(relations) > 1:
            yield f"({' with '.join(relations)})"
        else:
            yield from relations or [name]


def _relations(name: str, specifiers: SpecifierSet) -> Iterator[str]:
    order = {">=": 0, ">": 0, "~=": 1, "==": 1, "===": 1, "<": 2, "<=": 2, "!=": 3}
    for specifier in sorted(specifiers, key=lambda one: (order[one.operator], one.version)):
        yield _relation(name, specifier.operator, specifier.version)


def _relation(name: str, operator: str, version: str) -> str:
    prefix = version.removesuffix(".*")
    value = rpm_version(prefix)
    match operator:
        case "==" if prefix != version:
            return f"({name} >= {value} with {name} < {_next(prefix)}~~)"
        case "!=" if prefix != version:
            return f"({name} < {value} or {name} >= {_next(prefix)})"
        case "~=":
            upper = _next(version.rpartition(".")[0])
            return f"({name} >= {value} with {name} < {upper}~~)"
        case "==" | "===":
            return f"{name} = {value}"
        case "!=":
            return f"({name} < {value} or {name} > {value})"
        case "<" if not re.search(r"[~^]", value):
            return f"{name} < {value}~~"  # excludes its own pre-releases
        case ">" if not re.search(r"[~^]", value):
            return f"{name} > {value}"
        case _:
            return f"{name} {operator} {value}"


def _next(prefix: str) -> str:
    """Return the first version after all that begin with `prefix`: `1.4` -> `1.5`."""
    numbers = list(Version(prefix).release)
    numbers[-1] += 1
    return ".".join(map(str, numbers))


def python_requirement(dependency: str) -> Requirement | None:
    """Return the requirement for PyPI that meets an RPM dependency; None if PyPI cannot meet it.

    >>> str(python_requirement("(python3dist(pbr) >= 2 with python3dist(pbr) < 3~~)"))
    'pbr<3,>=2'
    >>> str(python_requirement("python3.11dist(requests[socks])"))
    'requests[socks]'
    >>> str(python_requirement("python3-PyMySQL >= 1.0"))
    'PyMySQL>=1.0'
    >>> others = ("python3-tooz+redis", "python3-osc-lib-tests", "/usr/bin/stestr-3")
    >>> [str(python_requirement(one)) for one in others]
    ['tooz[redis]', 'osc-lib', 'stestr']
    >>> openstack = ("python3-novaclient >= 9.1", "python3-heat-tests-tempest", "pykickstart")
    >>> [str(python_requirement(one)) for one in openstack]
    ['python-novaclient>=9.1', 'heat-tempest-plugin', 'pykickstart']
    >>> str(python_requirement("(python3dist(ansible) >= 2.9 or ansible-core)"))
    'ansible>=2.9'
    >>> python_requirement("libffi-devel")
    """
    found = _one_requirement(dependency)
    if found is None and (either := _EITHER.match(dependency)):
        found = _one_requirement(either["first"]) or _one_requirement(either["second"])
    return found


def _one_requirement(dependency: str) -> Requirement | None:
    text, excluded = dependency, set()
    for _, version in _NOT_EQUAL.findall(text):
        excluded.add(f"!={pep440_version(version)}")
    text = _NOT_EQUAL.sub("", text)
    names: set[tuple[str, str]] = set()
    specifiers = set(excluded)
    for match in _RELATION.finditer(text):
        if match["capability"] in {"with", "or", "and", "if"}:
            continue
        name = _python_name(match["capability"])
        if name is None:
            return None
        names.add(name)
        if match["op"]:
            operator = match["op"].replace("=", "==") if match["op"] == "=" else match["op"]
            specifiers.add(f"{operator}{pep440_version(match['version'])}")
    return _requirement(names, specifiers)


def _python_name(text: str) -> tuple[str, str] | None:
    if match := _CAPABILITY.match(text):
        return match["name"], match["extra"] or ""
    if text in _APPLICATIONS:
        return text, ""
    if match := _PROGRAM.match(text):
        return match["name"], ""
    if text.startswith("python3-") and not text.endswith(("-devel", "-libs", "-debug")):
        name, _, extra = text.removeprefix("python3-").removesuffix("-tests").partition("+")
        plugin, rdo = _TEMPEST
        if name.endswith(rdo):
            return f"{name.removesuffix(rdo)}{plugin}", extra
        return RPM_NAMES.get(name.lower(), name), extra
    return None


def _requirement(names: set[tuple[str, str]], specifiers: Iterable[str]) -> Requirement | None:
    if len({canonicalize_name(name) for name, _ in names}) != 1:
        return None
    (name, *_), extras = sorted({name for name, _ in names}), {extra for _, extra in names} - {""}
    wanted = f"[{','.join(sorted(extras))}]" if extras else ""
    try:
        return Requirement(f"{name}{wanted}{','.join(sorted(specifiers))}")
    except (InvalidRequirement, InvalidVersion):
        return None
