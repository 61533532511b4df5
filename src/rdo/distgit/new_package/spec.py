"""Write the spec of a new package, in the style of RDO's own specs."""

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from packaging.utils import canonicalize_name

from rdo.distgit.new_package.facts import SourceFacts
from rdo.distgit.new_package.rust import ADD_CONFIG
from rdo.distgit.new_package.tests_and_docs import PRIVATE_EXTRAS, CheckPlan, DocPlan
from rdo.model.text.spec_text import in_description, in_spec
from rdo.upstream_versions import is_pep440, spec_numbers

_ARCHIVES = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")
_MAX_EXCLUDED = 25
UNKNOWN_LICENCE = "LicenseRef-Unknown"
"""A placeholder in the spec until a person has read the project's licence."""


@dataclass(frozen=True, slots=True)
class SpecPlan:
    """The content of a spec: the facts about the source, and the decisions made from them.

    `name` is the package's, `source` is the archive's file name, and `needs` are BuildRequires that
    the source itself does not declare. `changelog` is the first line of its entry. A source with
    `is_of_index` can be downloaded again from PyPI. If it `has_rust`, cargo compiles a part of it.
    Its second source is then the archive `crates`, or "" if it needs no crates.
    """

    name: str
    source: str
    facts: SourceFacts
    tests: CheckPlan
    docs: DocPlan
    needs: tuple[str, ...] = ()
    changelog: str = ""
    debug: bool = True
    is_of_index: bool = True
    has_rust: bool = False
    crates: str = ""

    @property
    def python_name(self) -> str:
        """The name of the package with the modules, such as `python3-oslo-config`."""
        bare = self.name.removeprefix("python3-").removeprefix("python-")
        return f"python3-{bare.removeprefix('openstack-')}"

    @property
    def doc_name(self) -> str:
        return f"{self.name}-doc"


def plain(text: str) -> str:
    """Make a stranger's text safe for a spec, with single blanks.

    >>> plain("a %{b}\\n c")
    'a %%{b} c'
    """
    return " ".join(in_spec(text).split())


def render(plan: SpecPlan) -> str:
    """Return the whole spec."""
    parts = (_head, _preamble, _packages, _prep, _build, _install, _check, _files)
    sections = ["\n".join(part(plan)) for part in parts]
    changelog = ["%changelog", plan.changelog, "- Initial package"]
    return "\n\n".join([*sections, "\n".join(changelog)]) + "\n"


def _head(plan: SpecPlan) -> Iterator[str]:
    yield f"%global pypi_name {plan.facts.name}"
    for name, what, decided in (
        ("tests", plan.tests.command, plan.tests.off),
        ("doc", plan.docs.folder, plan.docs.off),
    ):
        if not what:
            continue
        yield from (f"# {line}" for line in textwrap.wrap(plain(decided), 96))
        value = "0" if decided else "%[!0%{?repo_bootstrap}]"
        yield f"%bcond {name} {value}"
    yield "%{!?upstream_version: %global upstream_version %{version}%{?milestone}}"
    if not plan.debug:
        yield "# the compiled files have no debug information"
        yield "%global debug_package %{nil}"


def _preamble(plan: SpecPlan) -> Iterator[str]:
    facts = plan.facts
    yield f"Name:           {plan.name}"
    if is_pep440(facts.version) and (epoch := spec_numbers(facts.version).epoch):
        yield f"Epoch:          {epoch}"
    yield f"Version:        {rpm_version_of(facts.version)}"
    yield "Release:        1%{?dist}"
    yield f"Summary:        {plain(facts.summary())}"
    yield ""
    if plan.crates:
        yield "# the licences of the crates in Source1 belong here, too"
    yield f"License:        {facts.licence.expression or UNKNOWN_LICENCE}"
    if facts.home_page:
        yield f"URL:            {plain(facts.home_page)}"
    yield f"Source0:        {_source(plan)}"
    if plan.crates:
        yield f"Source1:        {_with_version(plan, plan.crates)}"
    if facts.is_pure:
        yield ""
        yield "BuildArch:      noarch"


def rpm_version_of(version: str) -> str:
    """Return the version for `Version:`, as upstream writes it if rpm orders that correctly.

    >>> rpm_version_of("1.10.0"), rpm_version_of("2.0rc1")
    ('1.10.0', '2.0~rc1')
    """
    return spec_numbers(version).one_version if is_pep440(version) else version


def _source(plan: SpecPlan) -> str:
    """Return the archive for Source0, with `%{upstream_version}` in its name if possible."""
    name, ending = plan.source, ""
    for ending in _ARCHIVES:
        if name.endswith(ending):
            break
    stem = name.removesuffix(ending)
    version = plan.facts.version
    if stem.endswith(f"-{version}"):
        stem = stem.removesuffix(f"-{version}")
        version = "%{upstream_version}" if rpm_version_of(version) == version else version
        suffix = "" if ending == ".tar.gz" else f" {ending.lstrip('.')}"
        if not plan.is_of_index:
            return f"{stem}-{version}{ending}"
        return f"%{{pypi_source {stem} {version}{suffix}}}"
    return name


def _with_version(plan: SpecPlan, name: str) -> str:
    """Return a file name with `%{upstream_version}` in place of its version if possible."""
    version = plan.facts.version
    if rpm_version_of(version) != version:
        return name
    return name.replace(f"-{version}-", "-%{upstream_version}-")


def _packages(plan: SpecPlan) -> Iterator[str]:
    summary = plain(plan.facts.summary())
    about = [*in_description(f"{plan.facts.summary()}."), ""]
    yield from ("%description", *about)
    yield f"%package -n {plan.python_name}"
    yield f"Summary:        {summary}"
    yield ""
    yield "BuildRequires:  python3-devel"
    yield "BuildRequires:  pyproject-rpm-macros"
    for need in _basic_needs(plan):
        yield f"BuildRequires:  {need}"
    if plan.tests.command:
        yield "%if %{with tests}"
        yield from (f"BuildRequires:  python3dist({one})" for one in plan.tests.needs)
        yield "%endif"
    if plan.docs.folder:
        yield "%if %{with doc}"
        yield from (f"BuildRequires:  python3dist({one})" for one in plan.docs.needs)
        yield "%endif"
    yield ""
    yield from (f"%description -n {plan.python_name}", *about)
    if plan.docs.folder:
        yield "%if %{with doc}"
        yield f"%package -n {plan.doc_name}"
        yield f"Summary:        Documentation of {plan.facts.name}"
        if not plan.facts.is_pure:
            yield "BuildArch:      noarch"
        yield ""
        yield f"%description -n {plan.doc_name}"
        yield f"Documentation of {plan.facts.name}."
        yield "%endif"
        yield ""
    if extras := _public_extras(plan.facts):
        yield f"%pyproject_extras_subpkg -n {plan.python_name} {' '.join(extras)}"


def _public_extras(facts: SourceFacts) -> list[str]:
    """Return the extras meant for users that have requirements here."""
    return [
        extra
        for extra in dict.fromkeys(facts.extras)
        if canonicalize_name(extra) not in PRIVATE_EXTRAS and facts.requirements(extra)
    ]


def _basic_needs(plan: SpecPlan) -> list[str]:
    compilers = () if plan.facts.is_pure else ("gcc", "gcc-c++")
    return [*compilers, *plan.needs]


def _prep(plan: SpecPlan) -> Iterator[str]:
    top, version = plan.facts.top, plan.facts.version
    if top.endswith(f"-{version}") and rpm_version_of(version) == version:
        top = f"{top.removesuffix(version)}%{{upstream_version}}"
    yield "%prep"
    if plan.crates:
        yield f"%autosetup -n {top} -a 1 -p1"
        yield "# cargo takes the crates of Source1, and nothing from the network"
        yield ADD_CONFIG
    else:
        yield f"%autosetup -n {top} -p1"
    if places := _places_of_shebangs(plan.facts):
        yield "# modules are not programs"
        found = f"find {' '.join(places)} -name '*.py' ! -executable"
        yield f"{found} -exec sed -i '1{{/^#!/d}}' {{}} +"
    yield ""
    yield "%generate_buildrequires"
    yield "%pyproject_buildrequires"


def _places_of_shebangs(facts: SourceFacts) -> list[str]:
    """Return the packages and modules of the source that contain files with a shebang."""
    has = set(facts.own_files)
    found: dict[str, None] = {}
    for name in facts.shebangs:
        within = re.sub(r"^(?:src|lib)/", "", name)
        if within in has and re.fullmatch(r"[\w./-]+", name) and not name.startswith("-"):
            place = name.removesuffix(within) + within.partition("/")[0]
            found[place] = None
    return list(found)


def _build(plan: SpecPlan) -> Iterator[str]:
    yield "%build"
    if plan.has_rust:
        yield "export CARGO_NET_OFFLINE=true"
    yield "%pyproject_wheel"


def _install(plan: SpecPlan) -> Iterator[str]:
    facts = plan.facts
    yield "%install"
    yield "%pyproject_install"
    for name in facts.stray_modules:
        place = "%{python3_sitelib}" if facts.is_pure else "%{python3_sitearch}"
        yield f"# {name} does not belong in site-packages"
        yield f"rm -rf %{{buildroot}}{place}/{name} %{{buildroot}}{place}/{name}.py"
    modules = [one for one in facts.top_modules if one not in facts.stray_modules]
    named = "-l" if facts.names_licence_files else "-L"
    rest = " +auto" if _is_unusual(facts) else ""
    yield f"%pyproject_save_files {named} {' '.join(modules) or '-M'}{rest}"
    if plan.docs.folder:
        yield ""
        yield "%if %{with doc}"
        yield f"%{{py3_test_envvars}} sphinx-build -b html {plan.docs.folder} html"
        yield "rm -rf html/.{doctrees,buildinfo}"
        yield "%endif"


def _is_unusual(facts: SourceFacts) -> bool:
    """Whether there are files that belong to neither modules nor programs."""
    return bool(facts.loose_files or facts.data_files)


def _check(plan: SpecPlan) -> Iterator[str]:
    yield "%check"
    yield from _import_check(plan.facts)
    if plan.tests.command:
        yield "%if %{with tests}"
        if shadowing := _shadowing(plan):
            yield "# so that the tests import the compiled modules"
            yield f"rm -rf {' '.join(shadowing)}"
        options = [*plan.tests.options]
        options += [f"--ignore={quoted(path)}" for path in plan.tests.ignored]
        options += [f"--deselect={quoted(test)}" for test in plan.tests.deselected]
        yield " \\\n    ".join([plan.tests.command, *options])
        yield "%endif"


def _shadowing(plan: SpecPlan) -> list[str]:
    """Return folders of the source that pytest would import instead of the compiled modules."""
    facts = plan.facts
    if facts.is_pure:
        return []
    places = plan.tests.command.split()[1:]
    return [
        name
        for name in facts.top_modules
        if f"{name}/__init__.py" in facts.files
        and not any(place == name or place.startswith(f"{name}/") for place in places)
    ]


def quoted(text: str) -> str:
    """Quote a word for a shell inside a spec."""
    word = in_spec(text)
    if re.fullmatch(r"[\w./:%+@,=-]+", word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def _import_check(facts: SourceFacts) -> Iterator[str]:
    """Check the imports that work here; other imports need what only some users have."""
    stray = set(facts.stray_modules)
    modules = [one for one in facts.modules if one.partition(".")[0] not in stray]
    failing = [one for one in modules if one in facts.unimportable]
    tops = [one for one in modules if "." not in one]
    bad_tops = [one for one in failing if "." not in one]
    if not modules or (tops and set(tops) == set(bad_tops)):
        yield "# no module can be imported outside the program that it extends"
    elif len(_covering(failing)) > _MAX_EXCLUDED:
        excluded = "".join(f" -e {one}" for one in bad_tops)
        yield f"%pyproject_check_import -t{excluded}"
    else:
        excluded = "".join(f" -e '{one}'" for one in _covering(failing))
        yield f"%pyproject_check_import{excluded}"


def _covering(names: Iterable[str]) -> list[str]:
    """Shorten a list of names: one glob for everything in a package, and for all its tests."""
    found: list[str] = []
    for name in sorted({re.sub(r"(?<=\.)(tests?|testing)\..*$", r"\1.*", one) for one in names}):
        if found and name.startswith(f"{found[-1].removesuffix('*')}."):
            found[-1] = f"{found[-1].removesuffix('*')}*"
        else:
            found.append(name)
    return found


def _files(plan: SpecPlan) -> Iterator[str]:
    facts = plan.facts
    yield f"%files -n {plan.python_name} -f %{{pyproject_files}}"
    licences = [one for one in facts.licences if "/" not in one and one in facts.files]
    if not facts.names_licence_files and licences:
        yield f"%license {' '.join(map(_listed, licences))}"
    if documents := facts.documents():
        yield f"%doc {' '.join(map(_listed, documents))}"
    if not _is_unusual(facts):
        yield from (f"%{{_bindir}}/{_listed(one)}" for one in facts.programs)
    if plan.docs.folder:
        yield ""
        yield "%if %{with doc}"
        yield f"%files -n {plan.doc_name}"
        yield "%doc html"
        if licences:
            yield f"%license {' '.join(map(_listed, licences))}"
        yield "%endif"


def _listed(name: str) -> str:
    return re.sub(r"[\s\"\[\]*?{}\\%]", "?", str(PurePosixPath(name)))
