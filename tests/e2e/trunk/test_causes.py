"""Every page and command shows the log line that a person would name as the cause."""

import html
from pathlib import Path

import pytest

from tests.e2e.command import needs_roots, rdo
from tests.e2e.distribution import SPEC, Distribution

pytestmark = needs_roots

HEAD = """\
Name: demo
Version: 1
Release: 1
Summary: A package that fails
License: MIT
BuildRequires: gcc make python3-devel
%global debug_package %{nil}
%description
A package that fails.
%prep
"""
MAKE = r"printf 'all:\n\t{}\n' > Makefile"
ERROR = "echo 'int main(void) { return zero; }' > a.c"
HEADER = "echo '#include <nosuch/api.h>' > a.c"
TEST = (
    "printf 'import unittest\\nclass T(unittest.TestCase):\\n    def test(self):\\n"
    "        self.assertEqual(2, 3)\\n' > test_it.py"
)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (f"%build\n{ERROR}\ngcc -c a.c\n%files\n", "failed (compile): %build: a.c:1:25: error: "),
        (
            f"%build\n{ERROR}\n{MAKE.format('gcc -c a.c')}\nmake\n%files\n",
            "failed (compile): %build: a.c:1:25: error: ",
        ),
        (
            f"%build\n{HEADER}\n{MAKE.format('gcc -c a.c')}\nmake\n%files\n",
            "failed (compile): %build: a.c:1:10: fatal error: nosuch/api.h: No such file or",
        ),
        (
            f"%check\n{TEST}\n{MAKE.format('python3 -m unittest test_it')}\nmake\n%files\n",
            "failed (test): %check: AssertionError: 2 != 3\n",
        ),
        (
            "%install\ninstall -D nosuch.conf %{buildroot}/etc/nosuch.conf\n%files\n",
            "failed (install): %install: install: cannot stat 'nosuch.conf': No such file or",
        ),
        ("%install\n%files\n/etc/c\n", "failed (install): File not found: /etc/c\n"),
        (
            "%install\nmkdir -p %{buildroot}/etc\ntouch %{buildroot}/etc/b\n%files\n",
            "failed (install): unpackaged: /etc/b\n",
        ),
        ("echo this is wrong >&2\nexit 1\n%files\n", "failed (prep): %prep: this is wrong\n"),
        (
            (
                "seq 9 > a\nprintf -- '--- a/a\\n+++ b/a\\n@@ -1,3 +1,3 @@\\n 1\\n-x\\n+y\\n 3\\n'"
                " | patch -p1\n%files\n"
            ),
            "failed (patch): %prep: Hunk #1 FAILED at 1.\n",
        ),
    ],
    ids=[
        *("gcc", "gcc-below-make", "header-below-make", "test-below-make", "missing-file"),
        *("file-not-found", "unpackaged-file", "prep", "patch"),
    ],
)
def test_a_build_says_its_first_real_error(tmp_path: Path, script: str, said: str) -> None:
    (tmp_path / "demo.spec").write_text(HEAD + script)

    done = rdo("build", "demo.spec", cwd=tmp_path)

    assert done.stdout.startswith(said), done.stdout + done.stderr
    assert done.code == 1


@pytest.mark.parametrize("tag", ["ExclusiveArch: aarch64", "ExcludeArch: x86_64"])
def test_a_spec_for_another_architecture_says_so(tmp_path: Path, tag: str) -> None:
    text = HEAD.replace("License", f"{tag}\nLicense") + "%files\n"
    (tmp_path / "demo.spec").write_text(text)

    done = rdo("build", "demo.spec", cwd=tmp_path)

    assert done.stdout.startswith("not built (architecture): not for x86_64: ")
    assert done.code == 5
    noarch = HEAD.replace("demo", "other", 1) + "%files\n"
    (tmp_path / "other.spec").write_text(noarch)
    chain = rdo("build", "demo.spec", "other.spec", "--chain", cwd=tmp_path)
    assert (chain.code, "built " in chain.stdout) == (0, True), chain.stdout


@pytest.mark.slow
def test_the_cause_is_the_same_everywhere(tmp_path: Path) -> None:
    """In one round fail a compiler and a header below pip, tests below tox, and %install."""
    made = Distribution(tmp_path)
    said = {
        _compiled(made, "zeromod", "int sum(void) {\n    return zero;\n}\n"): (
            "zeromod/_sum.c:2:12: error: "
        ),
        _compiled(made, "headmod", "#include <nosuch/api.h>\n"): (
            "headmod/_sum.c:1:10: fatal error: nosuch/api.h: No such file or directory"
        ),
        _scripted(made, "toxmod", check="%tox\n"): "AssertionError: 2 != 3",
        _scripted(made, "filemod", install="make install\n"): (
            "install: cannot stat 'nosuch.conf': No such file or directory"
        ),
        _scripted(made, "packmod", install="install -D Makefile %{buildroot}/etc/b\n"): (
            "unpackaged: /etc/b"
        ),
    }

    ran = made.rdo("trunk", "run")

    assert ran.code == 1
    [status] = made.folder.glob("data/*/repos/status_report.html")
    for package, line in said.items():
        page = status.parent / "packages" / f"{package}.html"
        shown = {
            "terminal": ran.stdout,
            "status": made.rdo("trunk", "status").stdout,
            "why": made.rdo("why", package).stdout,
            "cause": made.rdo("trunk", "log", package, "--cause").stdout,
            "mail": made.rdo("notify", "show", package).stdout,
            "report": html.unescape(status.read_text()),
            "page": html.unescape(page.read_text()),
        }
        found = {name: line[:60] in " ".join(text.split()) for name, text in shown.items()}
        assert found == dict.fromkeys(shown, True), shown


def test_a_missing_source_names_what_fetches_it(tmp_path: Path) -> None:
    head = HEAD.replace("License", "Source0: demo-%{version}.tar.gz\nLicense")
    (tmp_path / "demo.spec").write_text(f"{head}%files\n")
    (tmp_path / "trunk.spec").write_text(f"{head}%files\n".replace("Version: 1", "Version: XXX"))

    said = [rdo("build", name, cwd=tmp_path).stdout for name in ("demo.spec", "trunk.spec")]

    assert (
        "demo-1.tar.gz is neither beside the spec nor in ../SOURCES; rdo pkg get-source" in said[0]
    )
    assert "Version is XXX, which trunk builds fill in: rdo trunk try PACKAGE" in said[1]


def test_a_failure_leaves_no_older_rpms_of_its_package(tmp_path: Path) -> None:
    (tmp_path / "demo.spec").write_text(f"{HEAD}%files\n")
    (tmp_path / "other.spec").write_text(HEAD.replace("demo", "other", 1) + "%files\n")
    for name in ("demo.spec", "other.spec"):
        rdo("build", name, cwd=tmp_path)
    built = {path.name.partition("-")[0] for path in tmp_path.glob("results/*.rpm")}

    (tmp_path / "demo.spec").write_text(f"{HEAD}exit 1\n%files\n")
    failed = rdo("build", "demo.spec", cwd=tmp_path)

    left = {path.name for path in tmp_path.glob("results/*.rpm") if ".src." not in path.name}
    assert (built, failed.code) == ({"demo", "other"}, 1)
    assert {name.partition("-")[0] for name in left} == {"other"}


def _compiled(made: Distribution, name: str, code: str) -> str:
    """A package with a C extension that pip cannot build."""
    made.add(name)
    spec = SPEC.format(name=name, needs="BuildRequires: gcc\n", check="", tests="")
    made.distgits[name].commit("Compile", {f"python-{name}.spec": spec})
    setup = (
        "from setuptools import Extension, setup\n"
        f"setup(ext_modules=[Extension('{name}._sum', ['{name}/_sum.c'])])\n"
    )
    made.upstreams[name].commit("Sum", {"setup.py": setup, f"{name}/_sum.c": code})
    return f"python-{name}"


def _scripted(made: Distribution, name: str, check: str = "", install: str = "") -> str:
    """A package whose spec does something more in %check or at the end of %install."""
    made.add(name)
    spec = SPEC.format(name=name, needs="BuildRequires: make\n", check=check, tests="")
    if check:
        spec = spec.replace("%pyproject_buildrequires\n", "%pyproject_buildrequires -t\n")
    spec = spec.replace("%check\n", f"{install}%check\n")
    made.distgits[name].commit("Do more", {f"python-{name}.spec": spec})
    files = {
        "MANIFEST.in": "include Makefile test_it.py tox.ini\n",
        "tox.ini": "[testenv]\ncommands = python -m unittest test_it\n",
        "test_it.py": "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n"
        "        self.assertEqual(2, 3)\n",
        "Makefile": "install:\n\tinstall -D nosuch.conf $(DESTDIR)/etc/nosuch.conf\n",
    }
    made.upstreams[name].commit("Fail", files)
    return f"python-{name}"
