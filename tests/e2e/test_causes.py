"""The line that a person would point at is the cause, wherever a cause is shown."""

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


def test_a_spec_for_another_architecture_says_so(tmp_path: Path) -> None:
    text = HEAD.replace("License", "ExclusiveArch: aarch64\nLicense") + "%files\n"
    (tmp_path / "demo.spec").write_text(text)

    done = rdo("build", "demo.spec", cwd=tmp_path)

    assert done.stdout.startswith("not built (architecture): not for x86_64: ")
    assert done.code == 5
    noarch = HEAD.replace("demo", "other", 1) + "%files\n"
    (tmp_path / "other.spec").write_text(noarch)
    chain = rdo("build", "demo.spec", "other.spec", "--chain", cwd=tmp_path)
    assert (chain.code, "built " in chain.stdout) == (0, True), chain.stdout


def test_the_cause_below_pip_is_the_same_everywhere(tmp_path: Path) -> None:
    made = Distribution(tmp_path)
    made.add("zeromod")
    spec = SPEC.format(name="zeromod", needs="BuildRequires: gcc\n", check="", tests="")
    made.distgits["zeromod"].commit("Compile", {"python-zeromod.spec": spec})
    setup = (
        "from setuptools import Extension, setup\n"
        "setup(ext_modules=[Extension('zeromod._sum', ['zeromod/_sum.c'])])\n"
    )
    code = "int sum(void) {\n    return zero;\n}\n"
    made.upstreams["zeromod"].commit("Sum", {"setup.py": setup, "zeromod/_sum.c": code})

    ran = made.rdo("trunk", "run")

    assert ran.code == 1
    log = next(made.folder.glob("data/*/builds/*/rpmbuild.log"))
    said = next(x.strip() for x in log.read_text().splitlines() if "undeclared (first use" in x)
    assert said.startswith("zeromod/_sum.c:2:12: error: ")
    pages = made.folder.glob("data/*/repos/status_report.html")
    shown = {
        "terminal": ran.stdout,
        "status": made.rdo("trunk", "status").stdout,
        "why": made.rdo("why", "python-zeromod").stdout,
        "cause": made.rdo("trunk", "log", "python-zeromod", "--cause").stdout,
        "mail": made.rdo("notify", "show", "python-zeromod").stdout,
        "page": next(pages).read_text().replace("&#39;", "'").replace("&#x27;", "'"),
    }
    start = said[:60]
    assert {name: start in " ".join(text.split()) for name, text in shown.items()} == dict.fromkeys(
        shown, True
    ), shown
