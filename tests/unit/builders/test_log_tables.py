"""The tables with which every builder reads a log; no log makes them slow."""

import time

import pytest

from rdo.builders.log_tables import missing_requirements, network_fault
from rdo.builders.verdict import rpmbuild_failure
from rdo.model.build import Failed, FailureReason

BAD_EXIT = "error: Bad exit status from /var/tmp/rpm-tmp.Ab1 (%{})\n"
SUMMARY = "\nRPM build errors:\n    Bad exit status from /var/tmp/rpm-tmp.Ab1 (%{})\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("curl: (7) No route to host", "No route to host"),
        ("Error: Error downloading packages:", "Error downloading packages"),
        ("[Errno 256] No more mirrors to try.", "No more mirrors to try"),
        ("Cannot retrieve metalink for repository: epel", "Cannot retrieve metalink for"),
        ("Could not retrieve mirrorlist http://m", "Could not retrieve mirrorlist"),
        ("Failed to synchronize cache for repo 'base'", "Failed to synchronize cache for repo"),
        ("umount: /var/lib/mock: Device or resource busy", "Device or resource busy"),
        ("fatal: Could not resolve host: opendev.org", "Could not resolve host"),
        ("Temporary failure in name resolution", "Temporary failure in name resolution"),
        ("Error fetching remote repo", "Error fetching remote"),
        ("ssh: Connection timed out", "Connection timed out"),
        ("gcc: error: nova.c: No such file or directory", ""),
        ("the test connects to a host: connection refused", ""),
        ("", ""),
    ],
)
def test_a_fault_of_the_network_is_found_by_its_words(line: str, words: str) -> None:
    found = network_fault(f"building\n{line}\nChild return code was: 1\n")

    assert found.startswith(words)
    assert bool(found) is bool(words)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        (
            (
                "error: Failed build dependencies:\n"
                "\tpython3-pbr >= 2 is needed by nova-1-1.noarch\n"
                "\tgcc is needed by nova-1-1.noarch\n"
            ),
            ("python3-pbr >= 2", "gcc"),
        ),
        ("No matching package to install: 'python3dist(pbr)'\n", ("python3dist(pbr)",)),
        ("Error: No match: 'python3dist(pbr)'\n", ("python3dist(pbr)",)),
        ("No match for argument: python3-pbr\n", ("python3-pbr",)),
        ("No match for argument: 'python3-pbr'\n", ("python3-pbr",)),
        (
            " Problem: nothing provides (a or b) needed by c-1.noarch from base\n",
            ("(a or b)",),
        ),
        (
            "  gcc is needed by a-1\nnothing provides gcc needed by a-1\n",
            ("gcc",),
        ),
        ("No match for argument: \n", ()),
        ("what is needed by a program of ours\n", ()),
        (f"nothing provides {'x' * 5000} needed by a-1\n", ()),
        ("all requirements are met\n", ()),
    ],
)
def test_a_requirement_that_nothing_provides_is_read_as_each_program_writes_it(
    text: str, needs: tuple[str, ...]
) -> None:
    assert missing_requirements(text) == needs


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        (
            "cc x.c\nx.c:1: No space left on device\n" + BAD_EXIT.format("build"),
            Failed(FailureReason.NO_SPACE, "x.c:1: No space left on device"),
        ),
        (
            "1 out of 1 hunk FAILED\n" + BAD_EXIT.format("prep") + SUMMARY.format("prep"),
            Failed(FailureReason.PATCH, "%prep: 1 out of 1 hunk FAILED"),
        ),
        (
            "cc: x.c\n\n\n" + BAD_EXIT.format("build"),
            Failed(FailureReason.COMPILE, "%build: cc: x.c"),
        ),
        (
            "cp: no file\n" + BAD_EXIT.format("install"),
            Failed(FailureReason.INSTALL, "%install: cp: no file"),
        ),
        (
            "this is wrong\n+ exit 1\n" + BAD_EXIT.format("prep") + SUMMARY.format("prep"),
            Failed(FailureReason.PREP, "%prep: this is wrong"),
        ),
        (
            "error: Architecture is not included: x86_64\n",
            Failed(
                FailureReason.ARCHITECTURE, "not for x86_64: Architecture is not included: x86_64"
            ),
        ),
        ("E  1 == 2\n" + BAD_EXIT.format("check"), Failed(FailureReason.TEST, "%check: 1 == 2")),
        (
            "no backend\n" + BAD_EXIT.format("generate_buildrequires"),
            Failed(FailureReason.SPEC, "%generate_buildrequires: no backend"),
        ),
        (
            "rm: no\n" + BAD_EXIT.format("clean"),
            Failed(FailureReason.UNKNOWN, "%clean: rm: no"),
        ),
        (BAD_EXIT.format("build"), Failed(FailureReason.COMPILE, "%build: it printed nothing")),
        (
            (
                "Processing files: a\nerror: File not found: /b/usr/bin/a\n"
                "RPM build errors:\n    File not found: /b/usr/bin/a\n"
            ),
            Failed(FailureReason.INSTALL, "File not found: /b/usr/bin/a"),
        ),
        (
            (
                "E   assert 1 == 2\nno space: No space left on device\n"
                "error: Bad exit status from /var/tmp/rpm-tmp.Ab1 (%check)\n"
            ),
            Failed(FailureReason.TEST, "%check: assert 1 == 2"),
        ),
        (
            (
                "File a.png: git binary diffs are not supported.\n"
                "error: Bad exit status from /var/tmp/rpm-tmp.Ab1 (%prep)\n"
            ),
            Failed(FailureReason.PATCH, "%prep: File a.png: git binary diffs are not supported."),
        ),
        (
            (
                "cp: cannot stat 'README': No such file or directory\n"
                "error: Bad exit status from /var/tmp/rpm-tmp.Ab1 (%doc)\n"
            ),
            Failed(
                FailureReason.INSTALL, "%doc: cp: cannot stat 'README': No such file or directory"
            ),
        ),
        (
            (
                "make: *** [Makefile:3: a.o] Fehler 1\na.c:7:1: Fehler: »b« nicht deklariert\n"
                "Fehler: Fehler-Status beim Beenden von /var/tmp/rpm-tmp.Ab1 (%build)\n"
            ),
            Failed(FailureReason.COMPILE, "%build: a.c:7:1: Fehler: »b« nicht deklariert"),
        ),
        (
            "error: Name field must be present in package: (main package)\n",
            Failed(FailureReason.SPEC, "Name field must be present in package: (main package)"),
        ),
        (
            (
                "warning: File listed twice: /etc/a\nerror: File not found: /b/etc/c\n"
                "RPM build errors:\n    File listed twice: /etc/a\n    File not found: /b/etc/c\n"
            ),
            Failed(FailureReason.INSTALL, "File not found: /b/etc/c"),
        ),
        (
            "RPM build errors:\n    Directory not found: /b/usr/lib/a\n",
            Failed(FailureReason.INSTALL, "Directory not found: /b/usr/lib/a"),
        ),
        (
            (
                "RPM build errors:\n    Installed (but unpackaged) file(s) found:\n   /usr/bin/a\n"
                "   /usr/bin/b\n"
            ),
            Failed(FailureReason.INSTALL, "unpackaged: /usr/bin/a, /usr/bin/b"),
        ),
        (
            "error: line 7: Unknown tag: Vrsion: 1\n",
            Failed(FailureReason.SPEC, "line 7: Unknown tag: Vrsion: 1"),
        ),
        (
            "error: query of specfile a.spec failed\n",
            Failed(FailureReason.SPEC, "query of specfile a.spec failed"),
        ),
        (
            "error: Bad file: /b/SOURCES/a.tar.gz: No such file or directory\n",
            Failed(
                FailureReason.SOURCE, "Bad file: /b/SOURCES/a.tar.gz: No such file or directory"
            ),
        ),
        ("one\ntwo\nRPM build errors:\nthree\n", Failed(FailureReason.UNKNOWN, "two")),
        ("Killed\n", Failed(FailureReason.UNKNOWN, "Killed")),
        ("", Failed(FailureReason.UNKNOWN, "it printed nothing")),
        ("y" * 900, Failed(FailureReason.UNKNOWN, "y" * 500)),
    ],
)
def test_rpmbuilds_last_words_are_read_as_a_reason(text: str, failure: Failed) -> None:
    assert rpmbuild_failure(text) == failure


@pytest.mark.parametrize(
    "unit",
    [
        "\n",
        " \n",
        " ",
        "nothing provides ",
        "No match for argument: ",
        " is needed by ",
        "\n x",
        "error: ",
        "error: x.spec ",
        "Bad exit status from ",
        "Installed (but unpackaged) file(s) found:\n",
    ],
)
def test_no_log_makes_the_tables_slow(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    started = time.process_time()

    network_fault(text)
    missing_requirements(text)
    rpmbuild_failure(text)

    assert time.process_time() - started < 2  # quadratic ones took minutes
