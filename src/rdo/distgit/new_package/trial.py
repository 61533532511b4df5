"""Learn from the first builds of a new package which tests work, and what they need.

Tests may need a network, or projects that upstream does not declare.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rdo.distgit.new_package.source import missing_package
from rdo.distgit.new_package.spec import SpecPlan
from rdo.distgit.new_package.tests_and_docs import extension_project, option_plugin, project_of
from rdo.model.build import Built, Failed, FailureReason, Outcome

MAX_TRIES = 8
MAX_LEFT_OUT = 15
"""How many failing tests may be left out; if there are more, all tests are disabled."""

_QUIET = "-W ignore"
"""An option for tests that treat warnings of newer dependencies as errors."""

_FIXTURES = {
    "mocker": "pytest-mock", "benchmark": "pytest-benchmark", "httpserver": "pytest-httpserver",
    "httpbin": "pytest-httpbin", "freezer": "pytest-freezer", "subtests": "pytest-subtests",
    "testdir": "", "requests_mock": "requests-mock", "aiohttp_client": "pytest-aiohttp",
    "fs": "pyfakefs", "datadir": "pytest-datadir", "shared_datadir": "pytest-datadir",
    "data_regression": "pytest-regressions", "snapshot": "syrupy", "faker": "faker",
    "event_loop": "pytest-asyncio", "socket_disabled": "pytest-socket", "tmp_venv": "",
    "httpx_mock": "pytest-httpx", "monkeysession": "", "virtualenv": "pytest-virtualenv",
    "script_runner": "pytest-console-scripts", "xprocess": "pytest-xprocess",
}  # fmt: skip  # a table: several entries a line

_MODULE = re.compile(r"(?:ModuleNotFoundError: )?No module named '?([\w.]+)'?")
_OPTION = re.compile(r"error: unrecognized arguments: (.*)$", re.MULTILINE)
_FIXTURE = re.compile(r"fixture '(\w+)' not found")
_PLUGIN = re.compile(r"(?:Missing required plugins|missing plugins?): ([\w, .-]+)", re.IGNORECASE)
_NO_PLUGIN = re.compile(r'Error importing plugin "(\w+)"')
_ERROR_LINE = re.compile(
    r"^(?:E {3,}|INTERNALERROR> )([\w.]*(?:Error|Exception|Warning)\b.*)$", re.MULTILINE
)
_WARNING = re.compile(r"^(?:E {3,}|INTERNALERROR> )[\w.]*Warning\b", re.MULTILINE)
_ASYNC = re.compile(r"async def functions are not natively supported")
_FAILED = re.compile(r"^FAILED (\S.*?)(?: - .*)?$", re.MULTILINE)
_ERROR = re.compile(r"^ERROR (\S.*?)(?: - .*)?$", re.MULTILINE)
_PASSED = re.compile(r"\b([1-9]\d*) passed\b")


@dataclass(frozen=True, slots=True)
class TrialResult:
    """The last plan that was tried, and its outcome."""

    plan: SpecPlan
    outcome: Outcome | None
    tries: int


def settle(
    plan: SpecPlan, build: Callable[[SpecPlan], tuple[Outcome, str]], say: Callable[[str], None]
) -> TrialResult:
    """Build, learn from a failure and build again, until it builds or nothing is left to learn.

    `build` returns an outcome and the log.
    """
    outcome: Outcome = Failed(FailureReason.UNKNOWN, "it was not tried")
    for tries in range(1, MAX_TRIES + 1):
        outcome, log = build(plan)
        if isinstance(outcome, Built):
            return TrialResult(plan, outcome, tries)
        assert isinstance(outcome, Failed)
        better = learn(plan, outcome, log) if tries < MAX_TRIES - 1 else _bare(plan)
        if better is None or better == plan or outcome.reason.is_spurious:
            return TrialResult(plan, outcome, tries)
        say(f"{outcome.reason}: {outcome.detail}; trying again {_change(plan, better)}")
        plan = better
    return TrialResult(plan, outcome, MAX_TRIES)


def _bare(plan: SpecPlan) -> SpecPlan:
    """Plan the last try: without tests and documents, because each try needed still more."""
    why = f"still failing after {MAX_TRIES} tries"
    tests, docs = plan.tests, plan.docs
    if tests.command and not tests.off:
        tests = replace(tests, off=why)
    if docs.folder and not docs.off:
        docs = replace(docs, off=why)
    return replace(plan, tests=tests, docs=docs)


def _change(before: SpecPlan, after: SpecPlan) -> str:
    if after.tests.off != before.tests.off:
        return "without its tests"
    if after.docs.off != before.docs.off:
        return "without its documents"
    new = set(after.tests.needs) - set(before.tests.needs)
    gone = set(after.tests.unavailable) - set(before.tests.unavailable)
    if gone:
        return f"without {', '.join(sorted(gone))}"
    new |= (set(after.docs.needs) - set(before.docs.needs)) | set(after.needs) - set(before.needs)
    if new:
        return f"with {', '.join(sorted(new))}"
    if before.debug and not after.debug:
        return "without packages for debug information"
    if options := set(after.tests.options) - set(before.tests.options):
        return f"with {' '.join(sorted(options))} for pytest"
    return "with some tests left out"


def learn(plan: SpecPlan, failed: Failed, log: str) -> SpecPlan | None:
    """Return the plan that a failed build suggests, or None if a person must decide."""
    if failed.reason is FailureReason.MISSING_DEPENDENCY:
        return _without_missing(plan, failed.detail)
    if "debugsourcefiles.list" in log[-4000:] and plan.debug:
        return replace(plan, debug=False)
    if failed.reason is FailureReason.COMPILE:
        package = missing_package(log)
        if package and package not in plan.needs:
            return replace(plan, needs=(*plan.needs, package))
    if plan.docs.folder and not plan.docs.off and failed.reason is FailureReason.INSTALL:
        return _docs(plan, log)
    ran_tests = plan.tests.command and not plan.tests.off
    bounds = (FailureReason.TIME_LIMIT, FailureReason.OUTPUT_LIMIT)
    if ran_tests and failed.reason in bounds:
        return _tests_off(plan, "the tests did not end in time")
    if ran_tests and failed.reason is FailureReason.TEST:
        return _tests(plan, log)
    return None


def _without_missing(plan: SpecPlan, detail: str) -> SpecPlan | None:
    """Leave out what nothing provides, if only tests or documents need it."""
    names = set(re.findall(r"dist\(([\w.-]{1,200})(?:\[[^][]*\])?\)", detail))
    docs = names & set(plan.docs.needs)
    if docs and not plan.docs.off:
        why = f"its documents need {', '.join(sorted(docs))}, which nothing provides"
        return replace(plan, docs=replace(plan.docs, needs=_less(plan.docs.needs, docs), off=why))
    tests = names & set(plan.tests.needs)
    if tests and not plan.tests.off:
        needs = _less(plan.tests.needs, tests)
        if "pytest" not in needs:
            return _tests_off(plan, "nothing provides pytest", needs)
        gone = tuple(sorted({*plan.tests.unavailable, *tests}))
        return replace(plan, tests=replace(plan.tests, needs=needs, unavailable=gone))
    if plan.docs.folder and not plan.docs.off:
        return _docs_off(plan, f"its documents need something that nothing provides: {detail}")
    if plan.tests.command and not plan.tests.off:
        return _tests_off(plan, f"its tests need something that nothing provides: {detail}")
    return None


def _less(needs: tuple[str, ...], gone: set[str]) -> tuple[str, ...]:
    return tuple(one for one in needs if one not in gone)


def _docs(plan: SpecPlan, log: str) -> SpecPlan | None:
    tail = log[log.rfind("Executing(%install)") :]
    if "sphinx" not in tail.lower():
        return None
    found = re.search(r"Could not import extension (\S+)|no theme named '([^']+)'", tail)
    missing = _MODULE.search(tail)
    module = (found[1] or found[2]) if found else missing[1] if missing else ""
    project = (extension_project(module) or project_of(module, plan.facts)) if module else ""
    if project and project not in plan.docs.needs:
        return replace(plan, docs=replace(plan.docs, needs=_more(plan.docs.needs, project)))
    return _docs_off(plan, f"the documents cannot be built offline: {_last_error(tail)}")


def _docs_off(plan: SpecPlan, why: str) -> SpecPlan:
    return replace(plan, docs=replace(plan.docs, off=why))


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if re.search(r"error|Error|rror:", line)]
    ours = ("Bad exit status", "RPM build errors", "report this error", "user error")
    told = (line for line in lines if not line.startswith("+ "))  # lines that the shell echoes
    rows = [line for line in told if not any(word in line for word in ours)]
    return re.sub(r" at 0x[0-9a-f]+", "", rows[-1])[:150] if rows else "sphinx-build fails"


def _more(needs: tuple[str, ...], *new: str) -> tuple[str, ...]:
    return tuple(sorted({*needs, *new}))


def _tests_off(plan: SpecPlan, why: str, needs: tuple[str, ...] | None = None) -> SpecPlan:
    kept = plan.tests.needs if needs is None else needs
    return replace(plan, tests=replace(plan.tests, off=why, needs=kept))


def _tests(plan: SpecPlan, log: str) -> SpecPlan:
    tail = log[log.rfind("Executing(%check)") :]
    known_names = {*plan.tests.needs, *plan.tests.unavailable}
    new = [one for one in dict.fromkeys(_wanted(plan, tail)) if one not in known_names]
    if new:
        return replace(plan, tests=replace(plan.tests, needs=_more(plan.tests.needs, *new)))
    if (
        _OPTION.search(tail) or _NO_PLUGIN.search(tail)
    ) and "-o addopts=" not in plan.tests.options:
        options = (*plan.tests.options, "-o addopts=")
        return replace(plan, tests=replace(plan.tests, options=options))
    if _WARNING.search(tail) and _QUIET not in plan.tests.options:
        return replace(plan, tests=replace(plan.tests, options=(*plan.tests.options, _QUIET)))
    ignored = {one.partition("::")[0] for one in _ERROR.findall(tail)}
    failing = {_without_parameters(one) for one in _FAILED.findall(tail)}
    failing = {one for one in failing if one.partition("::")[0] not in ignored}
    tests = plan.tests
    bad = [one for one in (*ignored, *failing) if not re.fullmatch(r"[\w./:<>=+,@ -]+", one)]
    known = set(tests.ignored) | set(tests.deselected)
    fresh = (ignored | failing) - known
    if bad or not fresh or len(known | fresh) > MAX_LEFT_OUT:
        return _tests_off(plan, _why(tail))
    if not failing and not _PASSED.search(tail) and not _has_more_files(plan, ignored):
        return _tests_off(plan, _why(tail))
    kept = replace(
        tests,
        ignored=tuple(sorted({*tests.ignored, *ignored})),
        deselected=tuple(sorted({*tests.deselected, *failing})),
    )
    return replace(plan, tests=kept)


def _has_more_files(plan: SpecPlan, ignored: set[str]) -> bool:
    names = [one.rpartition("/")[2] for one in plan.facts.files if one.endswith(".py")]
    files = [name for name in names if "test" in name]
    return len(files) > len(ignored) + len(plan.tests.ignored)


def _why(tail: str) -> str:
    """Return why the tests are disabled, for the comment in the spec."""
    titles = re.findall(r"^={1,100} ([^=\n]{1,300}) ={1,100}$", tail, re.MULTILINE)
    counts = [title for title in titles if re.search(r"\b(?:failed|errors?)\b", title)]
    said = counts[-1] if counts else _last_error(tail)
    errors = Counter(_ERROR_LINE.findall(tail))
    usual = f"; {errors.most_common(1)[0][0][:150]}" if errors else ""
    return f"most tests need more than a build provides: {said}{usual}"


def _without_parameters(test: str) -> str:
    """Return a test's name without its parameters, which may contain anything."""
    return test.partition("[")[0]


def _wanted(plan: SpecPlan, tail: str) -> Iterator[str]:
    """Yield the projects that the tests needed and did not find."""
    plugins = _NO_PLUGIN.findall(tail)
    yield from (f"pytest-{name.removeprefix('pytest_').replace('_', '-')}" for name in plugins)
    for module in _MODULE.findall(tail):
        declared = plan.tests.declared
        project = "" if module in plugins else project_of(module, plan.facts, declared)
        below = [one for one in declared if one.startswith(f"{project}-")]  # in a namespace
        if project:
            yield from [project] if project in declared or not below else below
    for options in _OPTION.findall(tail):
        for word in options.split():
            if plugin := option_plugin(word):
                yield plugin
    for fixture in _FIXTURE.findall(tail):
        if plugin := _FIXTURES.get(fixture, ""):
            yield plugin
    for names in _PLUGIN.findall(tail):
        yield from (name.strip() for name in re.findall(r"[A-Za-z][\w-]+", names))
    if _ASYNC.search(tail):
        yield "pytest-asyncio"
