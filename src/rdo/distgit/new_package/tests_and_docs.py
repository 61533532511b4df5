"""Guess from a project's source how a build can run its tests and make its documents."""

import ast
import configparser
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rdo.distgit.new_package.facts import SourceFacts
from rdo.model.text.toml_text import read_toml

TEST_EXTRAS = ("test", "tests", "testing", "dev", "develop", "development", "all-test", "ci")
DOC_EXTRAS = ("doc", "docs", "documentation", "sphinx")
PRIVATE_EXTRAS = frozenset(
    {*TEST_EXTRAS, *DOC_EXTRAS, "lint", "linting", "typing", "mypy", "check", "checks", "type",
     "cover", "enabler", "coverage", "release", "build", "benchmark", "pre-commit", "style"}
)  # fmt: skip  # a table: several entries a line
"""Extras meant for developers of the project, not for its users."""

_COPY = "installed"
_TEST_FILE = re.compile(r"(^|/)(test_[^/]*|[^/]*_tests?|tests?)\.py$")
_PYTEST_NEEDS: Mapping[str, str] = {
    "--cov": "pytest-cov", "--no-cov": "pytest-cov", "--timeout": "pytest-timeout",
    "-n": "pytest-xdist", "--numprocesses": "pytest-xdist", "--dist": "pytest-xdist",
    "--asyncio-mode": "pytest-asyncio", "--benchmark": "pytest-benchmark",
    "--randomly": "pytest-randomly", "--reruns": "pytest-rerunfailures",
    "--disable-socket": "pytest-socket", "--mypy": "pytest-mypy", "--flake8": "pytest-flake8",
    "--black": "pytest-black", "--doctestplus": "pytest-doctestplus", "--doctest-plus":
    "pytest-doctestplus", "--subprocess": "pytest-subprocess", "--mpl": "pytest-mpl",
    "--ruff": "pytest-ruff", "--forked": "pytest-forked", "--django": "pytest-django",
}  # fmt: skip  # a table: several entries a line
_UNIMPORTED = frozenset(
    {"pytest-asyncio", "pytest-mock", "pytest-django", "pytest-httpserver", "anyio",
     "pytest-trio", "pytest-aiohttp", "pytest-httpbin", "pytest-localserver", "pytest-freezer",
     "pytest-freezegun", "pytest-lazy-fixtures", "pytest-subtests", "pytest-timeout",
     "pytest-benchmark", "pytest-tornado", "pytest-twisted", "pytest-socket",
     "pytest-subprocess", "pytest-datadir", "pytest-regressions", "pytest-order", "pytest-env",
     "pytest-httpx", "pytest-virtualenv"}
)  # fmt: skip  # a table: several entries a line
"""Plugins of pytest that tests use without importing them."""

_SETTINGS: Mapping[str, str] = {
    "asyncio_mode": "pytest-asyncio", "timeout": "pytest-timeout",
    "DJANGO_SETTINGS_MODULE": "pytest-django", "env": "pytest-env",
}  # fmt: skip  # a table: several entries a line
IMPORT_NAMES: Mapping[str, str] = {
    "attr": "attrs", "bs4": "beautifulsoup4", "Crypto": "pycryptodome", "cv2": "opencv-python",
    "dateutil": "python-dateutil", "dns": "dnspython", "docx": "python-docx",
    "dotenv": "python-dotenv", "fitz": "pymupdf", "git": "gitpython", "gi": "pygobject",
    "google.protobuf": "protobuf", "jose": "python-jose", "jwt": "pyjwt", "ldap": "python-ldap",
    "magic": "python-magic", "markdown_it": "markdown-it-py", "memcache": "python-memcached",
    "multipart": "python-multipart", "MySQLdb": "mysqlclient", "nacl": "pynacl",
    "OpenSSL": "pyopenssl", "PIL": "pillow", "pkg_resources": "setuptools",
    "pylsp": "python-lsp-server", "_pytest": "pytest", "serial": "pyserial",
    "skimage": "scikit-image", "sklearn": "scikit-learn", "slugify": "python-slugify",
    "snappy": "python-snappy", "socks": "pysocks", "usb": "pyusb", "websocket": "websocket-client",
    "xdist": "pytest-xdist", "yaml": "pyyaml", "zmq": "pyzmq", "pytest_mock": "pytest-mock",
    "lxml_html_clean": "lxml-html-clean", "ruamel": "ruamel-yaml", "zope.testing": "zope-testing",
    "zope.testrunner": "zope-testrunner", "mpl_toolkits": "matplotlib", "psycopg2": "psycopg2",
}  # fmt: skip  # a table: several entries a line
"""The project on PyPI of a module, if the names differ by more than spelling."""


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """A plan for running the tests; `needs` are projects on PyPI, `command` is empty without tests.

    `off` is the reason if the build does not run them by default. `unavailable` are projects that
    could not be provided; `declared` are all those that the project names for its tests.
    """

    command: str = ""
    needs: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    deselected: tuple[str, ...] = ()
    off: str = ""
    options: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocPlan:
    """A plan for making Sphinx documents: the folder of their conf.py, and their requirements."""

    folder: str = ""
    needs: tuple[str, ...] = ()
    off: str = ""


def plan_tests(facts: SourceFacts) -> CheckPlan:
    """Plan to run the sdist's tests with pytest, which runs unittest's too."""
    places = places_of_tests(facts.files)
    if not places:
        return CheckPlan()
    declared = {canonicalize_name(one.name) for one in declared_requirements(facts, TEST_EXTRAS)}
    wanted = {"pytest", *_plugins(facts), *_needed(facts, declared)}
    return CheckPlan(
        _command(facts, places), tuple(sorted(wanted)), declared=tuple(sorted(declared))
    )


def _command(facts: SourceFacts, places: Iterable[str]) -> str:
    """Return the command that runs the tests in these places.

    Tests inside a compiled package would import it from the source, which lacks the compiled
    modules. If the tests are installed too, a copy of the installed files is tested instead.
    """
    inside = {one: _installed_place(facts, one) if facts.has_binaries else "" for one in places}
    copy = f"cp -r %{{buildroot}}%{{python3_sitearch}} {_COPY}\n" if any(inside.values()) else ""
    where = [f"{_COPY}/{inside[one]}" if inside[one] else one for one in places]
    return f"{copy}%pytest {' '.join(where)}"


def _installed_place(facts: SourceFacts, place: str) -> str:
    """Return where the wheel has the tests of a source folder, or "" unless it has them all."""
    there = re.sub(r"^(?:src|lib)/", "", place)
    files = [name for name in facts.files if name.startswith(f"{place}/") and name.endswith(".py")]
    has = set(facts.own_files)
    is_there = all(f"{there}{name.removeprefix(place)}" in has for name in files)
    return there if files and is_there and there.partition("/")[0] in facts.top_modules else ""


def places_of_tests(files: Iterable[str]) -> list[str]:
    """Return the folders, and the files in the top folder, that contain tests.

    >>> places_of_tests(["a/tests/test_x.py", "a/tests/sub/test_y.py", "test_z.py", "docs/test.py"])
    ['a/tests', 'test_z.py']
    """
    found: dict[str, None] = {}
    for name in files:
        path = PurePosixPath(name)
        if not _TEST_FILE.search(name) or path.parts[0] in {"docs", "doc", "examples", "build"}:
            continue
        if not re.fullmatch(r"[\w./-]+", name) or name.startswith("-"):
            continue
        parts = path.parts[:-1]
        marked = [n for n, part in enumerate(parts, 1) if part in {"test", "tests", "testing"}]
        if marked:
            found["/".join(parts[: marked[0]])] = None
        elif path.name.startswith("test_") or not parts:
            found[str(path.parent) if parts else name] = None
    places = list(found)
    return [one for one in places if not any(one.startswith(f"{x}/") for x in places)]


def declared_requirements(facts: SourceFacts, extras: Iterable[str]) -> list[Requirement]:
    """Return everything that the project declares for its tests or documents, in any file."""
    wanted = set(extras)
    known = {canonicalize_name(one) for one in facts.extras}
    found = [one for extra in wanted & known for one in facts.requirements(extra)]
    project = _toml(facts.texts.get("pyproject.toml", ""))
    groups = project.get("dependency-groups", {})
    tools = project.get("tool", {})
    rows = [groups.get(name, []) for name in groups if canonicalize_name(name) in wanted]
    rows += [_poetry(tools, name) for name in wanted]
    rows += [_listed(tools, "pdm", "dev-dependencies", name) for name in wanted]
    rows += [_listed(tools, "hatch", "envs", name, "dependencies") for name in wanted]
    rows.append(_listed(tools, "hatch", "envs", "hatch-test", "extra-dependencies"))
    marks = tuple(wanted)
    for name, text in facts.texts.items():
        if name.endswith(".txt") and any(mark in name.lower() for mark in marks):
            rows.append(text.splitlines())
    rows.append(_tox_deps(facts.texts.get("tox.ini", "")))
    for row in rows:
        found += _parsed(row)
    return found


def _toml(text: str) -> dict[str, Any]:
    try:
        return read_toml(text)
    except tomllib.TOMLDecodeError:
        return {}


def _listed(table: Any, *keys: str) -> list[str]:
    for key in keys:
        table = table.get(key, {}) if isinstance(table, dict) else {}
    return [row for row in table if isinstance(row, str)] if isinstance(table, list) else []


def _poetry(tools: dict[str, Any], group: str) -> list[str]:
    poetry = tools.get("poetry", {})
    groups = poetry.get("group", {}) if isinstance(poetry, dict) else {}
    named = groups.get(group, {}).get("dependencies", {}) if isinstance(groups, dict) else {}
    old = poetry.get("dev-dependencies", {}) if group == "dev" else {}
    return [name for table in (named, old) for name in table]


def _tox_deps(text: str) -> list[str]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    deps = parser.get("testenv", "deps", fallback="")
    return [re.sub(r"^[\w,{}!-]+:\s+", "", line.strip()) for line in deps.splitlines()]


def _parsed(rows: Iterable[Any]) -> Iterator[Requirement]:
    for row in rows:
        text = re.split(r"(?:^|\s)#", row, maxsplit=1)[0].strip() if isinstance(row, str) else ""
        if not text or text.startswith(("-", "{", ".")):
            continue
        try:
            one = Requirement(text)
        except InvalidRequirement:
            continue
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            yield one


def _needed(facts: SourceFacts, declared: Iterable[str]) -> Iterator[str]:
    """Yield the declared projects, including those of extras, that the tests import."""
    named = set(declared)
    named |= {
        canonicalize_name(one.name) for extra in facts.extras for one in facts.requirements(extra)
    }
    for name in facts.test_imports:
        project = project_of(name, facts, named)
        if project and project in named:
            yield project
    yield from _UNIMPORTED & named


def project_of(module: str, facts: SourceFacts, declared: Iterable[str] = ()) -> str:
    """Return the project on PyPI that a module comes from, or "" for Python's and own modules.

    If none of the `declared` has the module's name, use the only one whose name contains it.
    """
    top = module.partition(".")[0]
    own, local = facts.own_names, facts.local_names
    if top in sys.stdlib_module_names or not top.isidentifier():
        return ""
    two = ".".join(module.split(".")[:2])
    if (two in IMPORT_NAMES or top in IMPORT_NAMES) and top not in own:
        return IMPORT_NAMES.get(two) or IMPORT_NAMES[top]
    known = sorted(declared)
    if top in own or (top in local and canonicalize_name(top) not in known):
        return ""
    name = str(canonicalize_name(top))
    if (dotted := str(canonicalize_name(two))) in known:  # a package inside a namespace
        return dotted
    bare = name.replace("-", "")
    like = [one for one in known if bare in one.replace("-", "")] if len(bare) > 3 else []
    return like[0] if name not in known and len(like) == 1 else name


def _plugins(facts: SourceFacts) -> Iterator[str]:
    """Yield the plugins that pytest's configuration needs."""
    options, settings = _pytest_configuration(facts.texts)
    yield from filter(None, map(option_plugin, options.split()))
    for setting, plugin in _SETTINGS.items():
        if setting in settings:
            yield plugin


def option_plugin(word: str) -> str:
    """Return the pytest plugin that an option belongs to, or "" for pytest's own options.

    >>> option_plugin("--cov=tabulate"), option_plugin("-v")
    ('pytest-cov', '')
    """
    for option, plugin in _PYTEST_NEEDS.items():
        if word == option or (option.startswith("--") and word.startswith(option)):
            return plugin
    return ""


def _pytest_configuration(texts: Mapping[str, str]) -> tuple[str, set[str]]:
    """Return `addopts` and the names of all settings from the first file that pytest reads."""
    tool = _toml(texts.get("pyproject.toml", "")).get("tool", {})
    pytest = tool.get("pytest", {}) if isinstance(tool, dict) else {}
    table = pytest.get("ini_options", {}) if isinstance(pytest, dict) else {}
    if table and "pytest.ini" not in texts:
        options = table.get("addopts", "")
        return (options if isinstance(options, str) else " ".join(map(str, options))), set(table)
    for name, section in (
        ("pytest.ini", "pytest"),
        ("tox.ini", "pytest"),
        ("setup.cfg", "tool:pytest"),
    ):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(texts.get(name, ""))
        except configparser.Error:
            continue
        if parser.has_section(section):
            rows = dict(parser.items(section))
            return rows.get("addopts", ""), set(rows)
    return "", set()


def plan_docs(facts: SourceFacts) -> DocPlan:
    """Plan to make Sphinx documents, if the sdist has them."""
    confs = [name for name in facts.texts if PurePosixPath(name).name == "conf.py"]
    if not confs:
        return DocPlan()
    folder = str(PurePosixPath(confs[0]).parent)
    if not re.fullmatch(r"[\w./-]+", folder):
        return DocPlan()
    declared = {canonicalize_name(one.name) for one in declared_requirements(facts, DOC_EXTRAS)}
    needs = {"sphinx", *_extensions(facts.texts[confs[0]], declared)}
    return DocPlan(folder, tuple(sorted(needs)))


_THEMES: Mapping[str, str] = {
    "sphinx_rtd_theme": "sphinx-rtd-theme", "furo": "furo", "pallets_sphinx_themes":
    "pallets-sphinx-themes", "sphinx_copybutton": "sphinx-copybutton", "myst_parser": "myst-parser",
    "sphinx_design": "sphinx-design", "notfound": "sphinx-notfound-page", "rst": "rst-linker",
    "jaraco.packaging.sphinx": "jaraco-packaging", "sphinx_autodoc_typehints":
    "sphinx-autodoc-typehints", "autoapi": "sphinx-autoapi", "repoze.sphinx.autointerface":
    "repoze-sphinx-autointerface", "sphinx_inline_tabs": "sphinx-inline-tabs", "m2r": "m2r",
    "alabaster": "alabaster", "pydata_sphinx_theme": "pydata-sphinx-theme", "numpydoc": "numpydoc",
    "recommonmark": "recommonmark", "sphinx_issues": "sphinx-issues", "sphinx_tabs.tabs":
    "sphinx-tabs", "sphinxext.opengraph": "sphinxext-opengraph", "changelog": "changelog",
    "openstackdocstheme": "openstackdocstheme", "reno.sphinxext": "reno", "linuxdoc": "linuxdoc",
}  # fmt: skip  # a table: several entries a line


def _extensions(conf: str, declared: set[Any]) -> Iterator[str]:
    """Yield the projects of the extensions and the theme that a conf.py names."""
    try:
        tree = ast.parse(conf)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
        elif isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    for name in names:
        if known := extension_project(name):
            yield known
        elif re.fullmatch(r"[\w.]+", name):
            top = canonicalize_name(name.partition(".")[0])
            for one in (canonicalize_name(name.replace(".", "-")), top):
                if one in declared and one != "sphinx":
                    yield str(one)


def extension_project(name: str) -> str:
    """Return the project of a known extension or theme of Sphinx, or "" for other modules.

    >>> extension_project("notfound.extension"), extension_project("sphinxcontrib.apidoc")
    ('sphinx-notfound-page', 'sphinxcontrib-apidoc')
    """
    if re.fullmatch(r"sphinxcontrib\.\w+", name):
        return str(canonicalize_name(name.replace(".", "-")))
    if not re.fullmatch(r"[\w.]+", name):
        return ""
    return _THEMES.get(name) or _THEMES.get(name.partition(".")[0], "")
