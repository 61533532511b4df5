"""The line that a maintainer would point at is found.

The first line of each log in `corpus` says which one that is; of several that will do, separated
by ` | `, one must be found.
"""

from pathlib import Path

import pytest

from rdo.logs.reader import MAX_BYTES, phase_of, read_log, read_log_file, rules

LOGS = sorted((Path(__file__).parent / "corpus").glob("*.log"))


def split(path: Path) -> tuple[list[str], str]:
    """What is to be found in a log, and the log."""
    first, _, log = path.read_text().partition("\n")
    return [line.strip() for line in first.removeprefix(">>> ").split(" | ")], log


def test_the_corpus_is_large_enough() -> None:
    assert len(LOGS) >= 120


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_the_cause_is_found(path: Path) -> None:
    wanted, log = split(path)

    reading = read_log(log)

    assert reading.cause in wanted
    assert reading.says


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_an_excerpt_is_short_and_in_order(path: Path) -> None:
    reading = read_log(split(path)[1])

    numbers = [line.number for line in reading.lines]
    assert numbers == sorted(set(numbers))
    assert len(numbers) <= 30


def test_a_rule_has_a_name_of_its_own() -> None:
    assert len({rule.name for rule in rules()}) == len(rules()) > 50


def test_the_lines_after_a_cause_belong_to_it() -> None:
    reading = read_log("a\nerror: Installed (but unpackaged) file(s) found:\n   /usr/x\n\nb\n")

    assert [line.text for line in reading.lines if line.is_cause][1] == "   /usr/x"
    assert reading.lines[1].number == 2


def test_only_the_section_that_failed_counts() -> None:
    log = (
        "Executing(%build): /bin/sh -e /x\nsrc/a.c:1:1: error: kept going\n"
        "Executing(%check): /bin/sh -e /y\nE   assert 1 == 2\n"
        "error: Bad exit status from /y (%check)\n"
    )

    assert read_log(log).cause == "E   assert 1 == 2"


def test_only_the_last_run_of_rpmbuild_counts() -> None:
    log = (
        "+ rpmbuild -br x.spec\nerror: Failed build dependencies:\n\ta is needed by b-1\n"
        "required: a\n+ rpmbuild -ba --noprep x.spec\nProcessing files: b-1\n"
        "error: File not found: /builddir/BUILDROOT/usr/bin/b\n"
    )

    assert read_log(log).cause == "error: File not found: /builddir/BUILDROOT/usr/bin/b"


def test_what_a_log_says_cannot_reach_a_terminal_or_turn_around() -> None:
    reading = read_log("\x1b[31merror:\x1b[0m \x1b]0;title\x07no\x00 \u202egnp.exe\x9b2J\n")

    assert [line.text for line in reading.lines] == ["error: no gnp.exe2J"]


def test_a_log_of_one_endless_line_and_one_of_very_many_are_read_within_bounds(
    tmp_path: Path,
) -> None:
    log = tmp_path / "rpmbuild.log"
    log.write_bytes(b"error: " * 3_000_000 + b"\n" + b"noise: not found\n" * 400_000)

    reading = read_log_file(log)

    assert log.stat().st_size > 2 * MAX_BYTES
    assert reading.lines[-1].number == 400_001
    assert all(len(line.text) <= 500 for line in reading.lines)


def test_a_log_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert read_log_file(tmp_path / "none").lines == ()
    assert read_log("").cause == ""


@pytest.mark.parametrize(
    ("log", "phase"),
    [
        ("", ""),
        ("required: gcc\n", ""),
        ("Executing(%prep): /bin/sh\n+ true\nExecuting(%build): /bin/sh\n+ make\n", "%build"),
        ("Executing(%check): /bin/sh\n echo Executing(%build): x\n", "%check"),
        ("Executing(%\x1b[2J): x\n", ""),
    ],
)
def test_a_log_tells_what_a_running_build_does(tmp_path: Path, log: str, phase: str) -> None:
    (tmp_path / "log").write_text(log)

    assert phase_of(tmp_path / "log") == phase
    assert phase_of(tmp_path / "none") == ""
