import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from rdo.cancellation import TimeIsUpError
from rdo.distgit.new_package import licences
from rdo.distgit.new_package.create import NewPackageRequest, TrialBench, _tried, create
from rdo.distgit.new_package.facts import SourceFacts
from rdo.distgit.new_package.source import missing_package
from rdo.distgit.new_package.spec import SpecPlan, plain, quoted, render
from rdo.distgit.new_package.tests_and_docs import CheckPlan, DocPlan, plan_docs, plan_tests
from rdo.distgit.new_package.trial import learn, settle
from rdo.errors import RefusedError
from rdo.model.build import Built, Failed, FailureReason, Outcome

METADATA = """\
Metadata-Version: 2.1
Name: lemon.tree
Version: 1.2.0
Summary: grows lemons.
Home-page: https://example.test/lemon
Classifier: License :: OSI Approved :: MIT License
License-File: LICENSE
Requires-Dist: water>=1
Requires-Dist: ladder ; extra == "picking"
Requires-Dist: pytest ; extra == "test"
Requires-Dist: fruit ; extra == "test"
Requires-Dist: shears ; python_version < "3"
Provides-Extra: picking
Provides-Extra: test
"""

INFO = "lemon_tree-1.2.0.dist-info"


def facts(**changes: object) -> SourceFacts:
    answer: dict[str, object] = {
        "top": "lemon_tree-1.2.0",
        "files": ["README.rst", "LICENSE", "src/lemon/__init__.py", "tests/test_lemon.py"],
        "shebangs": [],
        "texts": {},
        "licences": {"LICENSE": "Permission is hereby granted, free of charge, to any person"},
        "test_imports": ["fruit", "lemon.leaf", "os", "pytest", "unknown"],
        "metadata": METADATA,
        "wheel": "lemon_tree-1.2.0-py3-none-any.whl",
        "installed": [
            *("lemon/__init__.py", "lemon/leaf.py", f"{INFO}/METADATA"),
            *(f"{INFO}/licenses/LICENSE", f"{INFO}/entry_points.txt"),
        ],
        "entry_points": "[console_scripts]\nsqueeze = lemon:main\n[other]\nx = y:z\n",
        "modules": ["lemon", "lemon.leaf"],
        "unimportable": {},
    }
    return SourceFacts.parse({**answer, **changes})


def plan(found: SourceFacts | None = None) -> SpecPlan:
    found = found or facts()
    return SpecPlan(
        name="python-lemon-tree",
        source="lemon_tree-1.2.0.tar.gz",
        facts=found,
        tests=plan_tests(found),
        docs=plan_docs(found),
        changelog="* Mon Jan 05 2026 A <a@example.test> 1.2.0-1",
    )


def test_the_crates_of_a_source_in_rust_are_its_second_source() -> None:
    crates = "lemon_tree-1.2.0-vendor.tar.xz"

    spec = render(replace(plan(), needs=("cargo",), has_rust=True, crates=crates))

    for line in (
        "Source1:        lemon_tree-%{upstream_version}-vendor.tar.xz",
        "BuildRequires:  cargo",
        "%autosetup -n lemon_tree-%{upstream_version} -a 1 -p1",
        "cat vendor-config.toml >> .cargo/config.toml",
        "export CARGO_NET_OFFLINE=true",
    ):
        assert line in spec.splitlines()


def test_a_spec_has_what_the_source_has() -> None:
    spec = render(plan())

    for line in (
        "%global pypi_name lemon.tree",
        "Version:        1.2.0",
        "Summary:        Grows lemons",
        "License:        MIT",
        "URL:            https://example.test/lemon",
        "Source0:        %{pypi_source lemon_tree %{upstream_version}}",
        "BuildArch:      noarch",
        "%pyproject_extras_subpkg -n python3-lemon-tree picking",
        "%autosetup -n lemon_tree-%{upstream_version} -p1",
        "%pyproject_save_files -l lemon",
        "%pytest tests",
        "%{_bindir}/squeeze",
        "BuildRequires:  python3dist(fruit)",
    ):
        assert line in spec.splitlines()


def test_tests_need_what_is_declared_and_imported_and_nothing_else() -> None:
    assert plan_tests(facts()) == CheckPlan(
        "%pytest tests", ("fruit", "pytest"), declared=("fruit", "pytest")
    )


def test_modules_lose_the_first_line_of_a_program() -> None:
    idle = ["src/lemon/leaf.py", "tests/test_lemon.py", "setup.py"]

    spec = render(plan(facts(shebangs=idle))).splitlines()

    line = "find src/lemon -name '*.py' ! -executable -exec sed -i '1{/^#!/d}' {} +"
    assert spec[spec.index("# modules are not programs") + 1] == line
    assert "# modules are not programs" not in render(plan(facts(shebangs=idle[1:])))


def test_tests_inside_a_compiled_package_meet_what_was_compiled() -> None:
    files = ["src/lemon/__init__.py", "src/lemon/tests/__init__.py", "src/lemon/tests/test_x.py"]
    installed = [name.removeprefix("src/") for name in files]
    wheel = "lemon_tree-1.2.0-cp311-cp311-linux_x86_64.whl"

    whole = facts(files=files, installed=["lemon/_peel.so", *installed], wheel=wheel)
    partly = facts(files=files, installed=["lemon/_peel.so", *installed[:2]], wheel=wheel)
    pure = facts(files=files, installed=installed)

    assert plan_tests(whole).command == (
        "cp -r %{buildroot}%{python3_sitearch} installed\n%pytest installed/lemon/tests"
    )
    assert plan_tests(partly).command == "%pytest src/lemon/tests"
    assert plan_tests(pure).command == "%pytest src/lemon/tests"


def test_without_tests_the_modules_are_imported_only() -> None:
    spec = render(plan(facts(files=["README.rst", "src/lemon/__init__.py"])))

    assert "%pytest" not in spec
    assert "%bcond tests" not in spec
    assert "%pyproject_check_import\n" in spec


def test_what_cannot_be_imported_is_left_out() -> None:
    failing = {"lemon.leaf": "ImportError: no ladder"}

    assert "%pyproject_check_import -e 'lemon.leaf'\n" in render(plan(facts(unimportable=failing)))


def test_tests_that_cannot_be_imported_are_one_glob() -> None:
    modules = ["lemon", "lemon.tests", "lemon.tests.a", "lemon.tests.b"]
    failing = dict.fromkeys(["lemon.tests.a", "lemon.tests.b"], "ImportError")

    spec = render(plan(facts(modules=modules, unimportable=failing)))

    assert "%pyproject_check_import -e 'lemon.tests.*'\n" in spec


def test_an_archive_of_a_git_repository_is_not_looked_for_on_pypi() -> None:
    spec = render(replace(plan(), is_of_index=False))

    assert "Source0:        lemon_tree-%{upstream_version}.tar.gz" in spec.splitlines()


def test_a_namespace_is_packaged_from_below_it() -> None:
    installed = ["zope/event/__init__.py", "zope/event/classhandler.py", f"{INFO}/METADATA"]

    assert facts(installed=installed).top_modules == ["zope.event"]


def test_stray_modules_go_and_compiled_ones_stay() -> None:
    installed = ["lemon.cpython-311-x86_64-linux-gnu.so", "tests/__init__.py", "tests/a.py"]
    found = facts(installed=installed, wheel="lemon_tree-1.2.0-cp311-cp311-linux_x86_64.whl")

    spec = render(plan(found))

    assert found.stray_modules == ["tests"]
    assert "BuildArch" not in spec
    assert "BuildRequires:  gcc" in spec
    assert "%pyproject_save_files -L lemon\n" in spec
    assert "rm -rf %{buildroot}%{python3_sitearch}/tests" in spec


def test_what_fits_nowhere_is_taken_by_auto() -> None:
    installed = ["lemon/__init__.py", "lemon_tree.pth", "lemon_tree-1.2.0.data/data/share/x/y"]

    assert "%pyproject_save_files -L lemon +auto\n" in render(plan(facts(installed=installed)))


def test_sphinx_documents_become_a_package() -> None:
    conf = "extensions = ['sphinx.ext.autodoc', 'sphinxcontrib.spelling']\nhtml_theme = 'furo'\n"
    found = facts(texts={"docs/conf.py": conf})

    assert plan_docs(found) == DocPlan("docs", ("furo", "sphinx", "sphinxcontrib-spelling"))
    assert "%files -n python-lemon-tree-doc" in render(plan(found))


@pytest.mark.parametrize("conf", ["-" * 100_000 + "1", "a" + ".b" * 50_000, "(" * 1000, "x = \0"])
def test_a_conf_py_that_python_cannot_read_asks_for_nothing_more(conf: str) -> None:
    assert plan_docs(facts(texts={"docs/conf.py": conf})) == DocPlan("docs", ("sphinx",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("%(touch /tmp/x)", "%%(touch /tmp/x)"), ("a\nName: b", "a Name: b"), ("\x1b[1m", "[1m")],
)
def test_a_strangers_words_stay_words(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_a_strangers_test_name_is_one_word_for_the_shell() -> None:
    assert quoted("a; rm -rf %{x} '") == "'a; rm -rf %%{x} '\\'''"


def failed(reason: FailureReason, detail: str = "") -> Failed:
    return Failed(reason, detail)


def test_a_missing_module_is_asked_for_next_time() -> None:
    log = "Executing(%check)\nE   ModuleNotFoundError: No module named 'dateutil'\n"

    better = learn(plan(), failed(FailureReason.TEST), log)

    assert better is not None
    assert better.tests.needs == ("fruit", "pytest", "python-dateutil")


def test_a_few_failing_tests_are_left_out() -> None:
    log = (
        "Executing(%check)\nFAILED tests/test_lemon.py::test_web[a b] - OSError: no network\n"
        "ERROR tests/test_tree.py - OSError\n=== 1 failed, 20 passed, 1 error in 1s ===\n"
    )

    better = learn(plan(), failed(FailureReason.TEST), log)

    assert better is not None
    spec = render(better)
    assert "--ignore=tests/test_tree.py" in spec
    assert "--deselect=tests/test_lemon.py::test_web" in spec


def test_many_failing_tests_are_off_with_the_reason_in_the_spec() -> None:
    lines = [f"FAILED tests/test_lemon.py::test_{n} - OSError" for n in range(40)]
    log = "\n".join(["Executing(%check)", *lines, "=== 40 failed, 2 passed in 1s ==="])

    better = learn(plan(), failed(FailureReason.TEST), log)

    assert better is not None
    assert "%bcond tests 0" in render(better)
    assert "40 failed, 2 passed" in render(better)


def test_what_nobody_provides_is_not_asked_for_again() -> None:
    detail = "nothing provides python3dist(fruit)"

    better = learn(plan(), failed(FailureReason.MISSING_DEPENDENCY, detail), "")

    assert better is not None
    assert better.tests.needs == ("pytest",)


@pytest.mark.parametrize(
    ("log", "package"),
    [
        ("ffi.c:1:10: fatal error: ffi.h: No such file or directory", "libffi-devel"),
        ("Error: pg_config executable not found.", "libpq-devel"),
        ("No package 'libsodium' found", "libsodium-devel"),
        ("Package sodium was not found in the pkg-config search path", "libsodium-devel"),
        ("The headers or library files could not be found for jpeg,", "libjpeg-turbo-devel"),
        ("sh: 1: curl-config: not found", "libcurl-devel"),
        ("fatal error: nobody.h: No such file or directory", ""),
    ],
)
def test_what_a_compiler_misses_names_its_package(log: str, package: str) -> None:
    assert missing_package(log) == package


def test_a_missing_package_is_asked_for_next_time() -> None:
    log = "ffi.c:1:10: fatal error: ffi.h: No such file or directory"

    better = learn(plan(), failed(FailureReason.COMPILE), log)

    assert better is not None
    assert "BuildRequires:  libffi-devel" in render(better)


def test_a_project_may_be_called_as_a_folder_of_the_tests() -> None:
    files = ["lemon/__init__.py", "tests/fixtures/a.py", "tests/test_a.py"]
    texts = {"test-requirements.txt": "fixtures>=3\npytest\n"}
    found = facts(files=files, texts=texts, test_imports=["fixtures"])

    assert plan_tests(found).needs == ("fixtures", "pytest")


def test_what_teaches_nothing_ends_the_tries() -> None:
    wanted = failed(FailureReason.SPEC, "line 3: bad")
    tried = settle(plan(), lambda _: (wanted, ""), lambda _: None)

    assert (tried.outcome, tried.tries) == (wanted, 1)


def test_tries_end_with_the_first_good_build() -> None:
    log = "Executing(%check)\nE   ModuleNotFoundError: No module named 'dateutil'\n"
    answers: Iterator[tuple[Outcome, str]] = iter(
        [(failed(FailureReason.TEST), log), (Built(()), "")]
    )

    tried = settle(plan(), lambda _: next(answers), lambda _: None)

    assert (tried.outcome, tried.tries) == (Built(()), 2)


@pytest.mark.parametrize(
    ("name", "classifiers", "text", "expected"),
    [
        (
            "BSD",
            (),
            (
                "Redistribution and use in source and binary forms, with or without"
                " modification ... Neither the name of X nor names may be used"
            ),
            "BSD-3-Clause",
        ),
        ("BSD", (), "Redistribution and use in source and binary forms", "BSD-2-Clause"),
        ("Apache 2.0", (), "", "Apache-2.0"),
        ("", ("License :: OSI Approved :: ISC License (ISCL)",), "", "ISC"),
        (
            "",
            ("License :: OSI Approved :: MIT License", "License :: OSI Approved :: BSD License"),
            "Redistribution and use in source and binary forms",
            "BSD-2-Clause",
        ),
        (
            "",
            ("License :: OSI Approved", "License :: OSI Approved :: MIT License"),
            "",
            "MIT",
        ),
        ("see LICENSE", (), "Mozilla Public License Version 2.0", "MPL-2.0"),
        ("mine alone", (), "all rights reserved", ""),
    ],
)
def test_a_licence_is_found_where_it_is_said(
    name: str, classifiers: tuple[str, ...], text: str, expected: str
) -> None:
    assert licences.find("", name, classifiers, {"LICENSE": text}).expression == expected


def test_an_expression_of_the_metadata_counts_first() -> None:
    found = licences.find("mit or apache-2.0", "BSD-3-Clause", (), {})

    assert (found.expression, found.source) == ("MIT OR Apache-2.0", "License-Expression")


def test_a_doc_build_that_fails_is_off() -> None:
    conf = "extensions = ['sphinx.ext.autodoc']\n"
    before = plan(facts(texts={"docs/conf.py": conf}))
    log = "Executing(%install)\nsphinx-build\nRuntimeError: no network\n"

    better = learn(before, failed(FailureReason.INSTALL), log)

    assert better is not None
    assert better.docs == replace(before.docs, off=better.docs.off)
    assert "%bcond doc 0" in render(better)


def test_what_is_not_to_be_had_is_asked_for_once() -> None:
    log = "Executing(%check)\nE   ModuleNotFoundError: No module named 'nowhere'\n"
    missing = failed(FailureReason.MISSING_DEPENDENCY, "nothing provides python3dist(nowhere)")

    first = learn(plan(), failed(FailureReason.TEST), log)
    assert first is not None
    second = learn(first, missing, "")
    assert second is not None
    third = learn(second, failed(FailureReason.TEST), log)

    assert third is not None
    assert third.tests.off


def test_a_module_is_known_by_the_project_that_is_declared() -> None:
    texts = {"test-requirements.txt": "requests-wsgi-adapter\npytest\n"}
    found = facts(texts=texts, test_imports=["wsgiadapter"])

    assert plan_tests(found).needs == ("pytest", "requests-wsgi-adapter")


def test_a_build_without_debug_sources_is_tried_again_without_their_package() -> None:
    why = "error: Empty %files file /builddir/BUILD/x-1/debugsourcefiles.list"
    failed = Failed(FailureReason.UNKNOWN, why)
    said: list[str] = []

    def build(one: SpecPlan) -> tuple[Outcome, str]:
        return (failed, f"{why}\n") if one.debug else (Built(()), "")

    tried = settle(plan(), build, said.append)

    assert tried.outcome == Built(())
    assert said == [f"unknown: {why}; trying again without packages for debug information"]
    assert "%global debug_package %{nil}\n" in render(tried.plan)


def test_the_last_try_goes_without_tests() -> None:
    plans: list[SpecPlan] = []

    def build(one: SpecPlan) -> tuple[Outcome, str]:
        plans.append(one)
        module = f"m{len(plans)}"
        log = f"Executing(%check)\nE   ModuleNotFoundError: No module named '{module}'\n"
        return (Built(()), "") if one.tests.off else (failed(FailureReason.TEST), log)

    tried = settle(plan(), build, lambda _: None)

    assert tried.outcome == Built(())
    assert "still failing after" in tried.plan.tests.off


def test_modules_of_a_namespace_have_projects_of_their_own() -> None:
    texts = {"test-requirements.txt": "jaraco.itertools\njaraco.functools\npytest\n"}
    found = facts(texts=texts, test_imports=["jaraco.itertools"])
    log = "Executing(%check)\nE   ModuleNotFoundError: No module named 'jaraco'\n"

    better = learn(plan(found), failed(FailureReason.TEST), log)

    assert plan_tests(found).needs == ("jaraco-itertools", "pytest")
    assert better is not None
    assert better.tests.needs == ("jaraco-functools", "jaraco-itertools", "pytest")


def test_tests_meet_what_was_compiled() -> None:
    compiled = "lemon_tree-1.2.0-cp311-cp311-linux_x86_64.whl"
    flat = ["lemon/__init__.py", "tests/test_lemon.py"]

    assert "rm -rf lemon\n" in render(plan(facts(files=flat, wheel=compiled)))
    assert "rm -rf" not in render(plan(facts(wheel=compiled)))
    assert "rm -rf" not in render(plan(facts(files=flat)))


def test_warnings_are_no_errors_in_a_build() -> None:
    log = "Executing(%check)\nE   DeprecationWarning: old\nFAILED tests/test_lemon.py::test_a\n"

    better = learn(plan(), failed(FailureReason.TEST), log)

    assert better is not None
    assert better.tests.deselected == ()
    assert "%pytest tests \\\n    -W ignore\n" in render(better)


def test_the_names_in_a_source_stay_text() -> None:
    metadata = METADATA.replace("Provides-Extra: test", "Provides-Extra: x%(id)")
    metadata += 'Requires-Dist: fruit ; extra == "x%(id)"\nLicense: %(id)\n'
    found = facts(
        metadata=metadata.replace("Summary: ", "Summary: %(id) "),
        installed=["y%(id).py", "lemon/__init__.py", f"{INFO}/entry_points.txt"],
        entry_points="[console_scripts]\nrun%(id) = lemon:main\n",
        modules=["lemon", "y%(id)"],
        licences={"LICENSE%(id)": "x"},
        files=["LICENSE%(id)", "README%(id).rst", "tests/test_%(id).py"],
    )

    text = render(plan(found))

    assert "%(id)" not in text.replace("%%", "")


def calls(work: Callable[[], object]) -> int:
    """How many functions of ours the work calls; unlike time, the same on every machine."""
    count = 0

    def seen(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def big(files: int) -> SourceFacts:
    names = [f"lemon/part{number % 50}/m{number}.py" for number in range(files)]
    return facts(
        files=[*names, *(f"tests/test_{number}.py" for number in range(files // 10))],
        installed=[*names, "lemon/__init__.py", "lemon.pth", f"{INFO}/METADATA"],
        modules=[name.removesuffix(".py").replace("/", ".") for name in names],
        test_imports=[f"module{number}" for number in range(files // 10)],
        shebangs=names[: files // 10],
    )


def test_the_work_for_a_source_grows_with_its_files_only() -> None:
    small, large = big(500), big(5000)

    assert calls(lambda: render(plan(large))) < 15 * calls(lambda: render(plan(small)))


def test_what_is_derived_from_files_stays_the_same() -> None:
    found = facts(
        installed=[
            "ns/one/__init__.py",
            "ns/two/x.py",
            "single.py",
            "tests/t.py",
            "x.pth",
            "one.cpython-311.so",
            "ns/two/data/y.txt",
            f"{INFO}/RECORD",
        ]
    )

    assert found.top_modules == ["ns.one", "ns.two", "single", "tests", "one"]
    assert found.stray_modules == ["tests"]
    assert found.loose_files == ["x.pth"]


def test_an_interrupt_keeps_the_plan_so_far_with_tests_off(tmp_path: Path) -> None:
    def interrupted() -> NoReturn:
        raise KeyboardInterrupt

    bench = TrialBench(interrupted, interrupted, interrupted, lambda _: None)
    (tmp_path / "lemon_tree-1.2.0.tar.gz").write_bytes(b"x")

    tried, ended = _tried(plan(), tmp_path, bench, math.inf)

    assert type(ended) is KeyboardInterrupt
    assert tried.plan.tests.off == "not tried completely: it was interrupted"
    assert "%bcond tests 0" in render(tried.plan)


def endless() -> NoReturn:
    while True:
        pass


def test_the_time_limit_keeps_the_plan_so_far_with_tests_off(tmp_path: Path) -> None:
    bench = TrialBench(endless, endless, endless, lambda _: None)
    (tmp_path / "lemon_tree-1.2.0.tar.gz").write_bytes(b"x")

    tried, ended = _tried(plan(), tmp_path, bench, deadline=0)

    assert isinstance(ended, TimeIsUpError)
    assert "the time limit was reached during its builds" in tried.plan.tests.off


def test_the_time_limit_ends_what_comes_before_the_builds(tmp_path: Path) -> None:
    bench = TrialBench(endless, endless, endless, lambda _: None)
    request = NewPackageRequest("lemon", tmp_path / "into", seconds=0.01)

    with pytest.raises(RefusedError, match="lemon could not be inspected within"):
        create(request, bench)

    assert not (tmp_path / "into").exists()
