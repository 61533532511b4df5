"""The outcome of a build, from the files that its command left."""

from pathlib import Path

import pytest

from rdo.builders.command_results import failure, name_the_log, read_outcome
from rdo.builders.sources.spec_rpms import expected_files, keep_names
from rdo.model.build import Built, Failed, FailureReason, Outcome, Waiting
from rdo.model.program import Limit, Logged

BINARY, SOURCE = "nova-1-1.noarch.rpm", "nova-1-1.src.rpm"
BAD_EXIT = "error: Bad exit status from /var/tmp/rpm-tmp.Ab1 (%build)\n"


def left(folder: Path, *names: str, **texts: str) -> Path:
    """A build's folder with files of the command and logs that already are in the folder."""
    (folder / "results").mkdir(parents=True)
    for name in names:
        (folder / "results" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "results" / name).write_text(name)
    for name, text in texts.items():
        (folder / f"{name}.log").write_text(text)
    return folder


def read(folder: Path, status: int = 0, limit: Limit | None = None, full: bool = False) -> Outcome:
    done = Logged(status, 1.0, limit)
    return read_outcome(folder, done, program="/srv/farm/build", was_full=full)


def test_rpms_and_logs_are_taken_out_of_the_results(tmp_path: Path) -> None:
    folder = left(tmp_path / "7", BINARY, f"deeper/{SOURCE}", "build.log", "notes.txt", "-x.rpm")
    (folder / "results/link.rpm").symlink_to("/etc/hostname")

    outcome = read(folder)

    assert outcome == Built((folder / BINARY, folder / SOURCE))
    assert (folder / "rpmbuild.log").read_text() == "build.log"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("build.log", BINARY, SOURCE, "rpmbuild.log")
    ]


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    folder = left(tmp_path / "7", BINARY, SOURCE, command="built\n")

    assert read(folder) == read(folder)


def test_our_source_rpm_counts_unless_the_command_leaves_one(tmp_path: Path) -> None:
    folder = left(tmp_path / "7", BINARY)
    (folder / "ours-1-1.src.rpm").touch()

    assert read(folder) == Built((folder / BINARY, folder / "ours-1-1.src.rpm"))

    (folder / "results").mkdir()
    (folder / "results" / SOURCE).touch()

    assert read(folder) == Built((folder / BINARY, folder / SOURCE))


def test_our_source_rpm_stays_if_the_commands_is_no_file(tmp_path: Path) -> None:
    folder = left(tmp_path / "7", BINARY)
    (folder / "ours-1-1.src.rpm").touch()
    (folder / "results" / SOURCE).symlink_to("/etc/hostname")

    assert read(folder) == Built((folder / BINARY, folder / "ours-1-1.src.rpm"))


@pytest.mark.parametrize(
    ("names", "status", "limit", "full", "failed"),
    [
        ((), 0, None, False, Failed(FailureReason.UNKNOWN, "the command succeeded but left no")),
        (
            (SOURCE,),
            0,
            None,
            False,
            Failed(FailureReason.UNKNOWN, "the command succeeded but left"),
        ),
        ((BINARY,), -15, Limit.TIME, True, Failed(FailureReason.TIME_LIMIT, "")),
        ((BINARY,), -15, Limit.OUTPUT, False, Failed(FailureReason.OUTPUT_LIMIT, "")),
        ((BINARY,), -15, Limit.DISK, False, Failed(FailureReason.OUTPUT_LIMIT, "")),
        ((BINARY,), -15, Limit.CANCELLED, False, Failed(FailureReason.INTERRUPTED, "cancelled")),
        ((), 1, None, True, Failed(FailureReason.NO_SPACE, "")),
        ((), 1, None, False, Failed(FailureReason.UNKNOWN, "exit status 1: it printed nothing")),
    ],
)
def test_an_end_without_rpms_says_why(
    tmp_path: Path,
    names: tuple[str, ...],
    status: int,
    limit: Limit | None,
    full: bool,
    failed: Failed,
) -> None:
    outcome = read(left(tmp_path / "7", *names), status, limit, full)

    assert isinstance(outcome, Failed)
    assert outcome.reason is failed.reason
    assert outcome.detail.startswith(failed.detail)
    assert not (tmp_path / "7/results").exists()


def test_a_full_disk_is_no_failure_of_what_was_built(tmp_path: Path) -> None:
    assert isinstance(read(left(tmp_path / "7", BINARY), full=True), Built)


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = "setpriv: failed to execute /srv/farm/build: No such file or directory\n"

    outcome = read(left(tmp_path / "7", command=said), 127)

    assert outcome == Failed(FailureReason.BUILDER, "/srv/farm/build is not installed")


def test_a_command_may_end_with_127_itself(tmp_path: Path) -> None:
    outcome = read(left(tmp_path / "7", command="sh: mock: not found\n"), 127)

    said = "exit status 127: the program mock is not installed"
    assert outcome == Failed(FailureReason.UNKNOWN, said)


@pytest.mark.parametrize(
    ("logs", "status", "outcome"),
    [
        (
            {"command": "connecting\nthe farm is full\n"},
            75,
            Failed(FailureReason.BUILDER, "away for now: the farm is full"),
        ),
        ({}, 75, Failed(FailureReason.BUILDER, "away for now: it printed nothing and left no log")),
        (
            {"root": "Could not resolve host: mirror\n", "rpmbuild": BAD_EXIT},
            1,
            Failed(FailureReason.NETWORK, "Could not resolve host"),
        ),
        (
            {"mock": "No matching package to install: 'gcc'\n", "rpmbuild": "x\n"},
            1,
            Waiting(("gcc",)),
        ),
        (
            {"rpmbuild": f"cc: no\n{BAD_EXIT}", "command": "failed\n"},
            1,
            Failed(FailureReason.COMPILE, "%build: cc: no"),
        ),
        ({"rpmbuild": "a\nb\n\n"}, 2, Failed(FailureReason.UNKNOWN, "exit status 2: b")),
    ],
)
def test_logs_say_why_a_command_failed(
    tmp_path: Path, logs: dict[str, str], status: int, outcome: Failed | Waiting
) -> None:
    assert failure(left(tmp_path / "7", **logs), status) == outcome


def test_only_the_end_of_a_log_is_read(tmp_path: Path) -> None:
    folder = left(tmp_path / "7", rpmbuild="No route to host\n" + "x\n" * 200_000)

    assert failure(folder, 1) == Failed(FailureReason.UNKNOWN, "exit status 1: x")


@pytest.mark.parametrize(
    ("logs", "text"),
    [
        ({"rpmbuild": "its own", "build": "other"}, "its own"),
        ({"mock": "mock's", "command": "output"}, "mock's"),
        ({"command": "output"}, "output"),
    ],
)
def test_the_log_that_people_read_is_the_farms_best(
    tmp_path: Path, logs: dict[str, str], text: str
) -> None:
    name_the_log(left(tmp_path / "7", **logs), "command.log")

    assert (tmp_path / "7/rpmbuild.log").read_text() == text


def test_without_any_log_there_is_none(tmp_path: Path) -> None:
    name_the_log(left(tmp_path / "7"), "command.log")

    assert not (tmp_path / "7/rpmbuild.log").exists()


SPEC_NAMES = expected_files(["nova 1 2.deb12 noarch", "nova-api 1 2.deb12 noarch"], "x86_64")


@pytest.mark.parametrize(
    "name",
    [
        "nova-1-2.el10.noarch.rpm",
        "nova-api-1-2.deb12.noarch.rpm",
        "nova-api-debuginfo-1-3.x86_64.rpm",
        "nova-1-2.el10.src.rpm",
    ],
)
def test_rpms_of_the_spec_may_have_the_release_of_the_farm(tmp_path: Path, name: str) -> None:
    folder = left(tmp_path / "7", name, BINARY)
    keep_names(folder, SPEC_NAMES)

    assert isinstance(read(folder), Built)


@pytest.mark.parametrize(
    "name", ["glance-1-2.noarch.rpm", "nova-2-2.noarch.rpm", "nova.rpm", "nova-x-1-2.noarch.rpm"]
)
def test_an_rpm_that_the_spec_does_not_name_is_refused_each_time(tmp_path: Path, name: str) -> None:
    folder = left(tmp_path / "7", name, BINARY)
    keep_names(folder, SPEC_NAMES)

    refused = Failed(FailureReason.REFUSED, f"the build gave {name}, which the spec does not name")
    assert (read(folder), read(folder)) == (refused, refused)
