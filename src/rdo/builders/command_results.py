"""Read what a command of the operator has left, and return it as an outcome.

Reading it twice gives the same result, because a round may be killed while it reads.
"""

import shutil
import stat
from pathlib import Path

from rdo.builders.collect import files_below, move_files
from rdo.builders.log_tables import missing_requirements, network_fault
from rdo.builders.rooms.room import NO_SPACE, limit_failure
from rdo.builders.sources.spec_rpms import strangers_elsewhere
from rdo.builders.verdict import rpmbuild_failure
from rdo.log_tail import last_line, read_tail
from rdo.logs.reader import MAX_BYTES, cause_of
from rdo.model.build import BUILD_LOG, Built, Failed, FailureReason, Outcome, Waiting
from rdo.model.program import Logged
from rdo.tools.walls.removal import remove_tree

RESULTS = "results"
"""The subfolder of a build's folder for the command's own files."""
OUTPUT = "command.log"

_TEMPORARY = 75  # EX_TEMPFAIL of sysexits.h: the farm is away, try again
_NOT_FOUND = 127
_LOG_NAMES = (BUILD_LOG, "build.log", "mock.log")
_TAIL_BYTES = 200_000


def read_outcome(folder: Path, done: Logged, *, program: str, was_full: bool) -> Outcome:
    """Take RPMs and logs out of the command's results and return how the build ended.

    `folder` is the build's. `was_full` means that its disk was full when the command ended.
    """
    rpms = take_results(folder)
    name_the_log(folder, OUTPUT)
    if failed := limit_failure(done):
        return failed
    if done.returncode and was_full:
        return Failed(FailureReason.NO_SPACE, NO_SPACE)
    if done.returncode == _NOT_FOUND and "setpriv: failed to execute" in _tail(folder / OUTPUT):
        return Failed(FailureReason.BUILDER, f"{program} is not installed")
    if done.returncode:
        return failure(folder, done.returncode)
    if all(_is_source(rpm) for rpm in rpms):
        return Failed(FailureReason.UNKNOWN, "the command succeeded but left no RPMs")
    return strangers_elsewhere(rpms, folder) or Built(tuple(rpms))


def take_results(folder: Path) -> list[Path]:
    """Move RPMs and logs out of the results of a build; return the RPMs in the build's folder."""
    rpms = collect(folder / RESULTS, folder)
    remove_tree(folder / RESULTS)
    return rpms


def name_the_log(folder: Path, otherwise: str) -> None:
    """Make sure that an `rpmbuild.log` exists: the farm's own, or a copy of another log."""
    if (folder / BUILD_LOG).exists():
        return
    found = [folder / name for name in (*_LOG_NAMES, otherwise) if (folder / name).is_file()]
    if found:
        shutil.copyfile(found[0], folder / BUILD_LOG)


def failure(folder: Path, status: int) -> Failed | Waiting:
    """Return why a command failed: by its exit status, else by the logs in a folder."""
    if status == _TEMPORARY:
        return Failed(FailureReason.BUILDER, f"away for now: {_last_line(folder / OUTPUT)}")
    found = said_by_logs(folder)
    if isinstance(found, Failed) and found.reason is FailureReason.UNKNOWN:
        return Failed(FailureReason.UNKNOWN, f"exit status {status}: {found.detail}")
    return found


def said_by_logs(folder: Path) -> Failed | Waiting:
    """Return why a build elsewhere failed, from the logs in a folder."""
    names = ("root.log", *_LOG_NAMES, OUTPUT)
    logs = [_tail(folder / name) for name in dict.fromkeys(names) if (folder / name).is_file()]
    text = "\n".join(logs)
    if fault := network_fault(text):
        return Failed(FailureReason.NETWORK, fault)
    if needs := missing_requirements(text):
        return Waiting(needs)
    verdict = rpmbuild_failure(read_tail(folder / BUILD_LOG, MAX_BYTES))
    if verdict.reason is not FailureReason.UNKNOWN:
        return verdict
    found = cause_of(read_tail(folder / BUILD_LOG, MAX_BYTES), "it printed nothing and left no log")
    return Failed(FailureReason.UNKNOWN, found)


def collect(results: Path, folder: Path) -> list[Path]:
    """Move RPMs and logs from a folder to the build's folder, and return all RPMs in it.

    A source RPM among them replaces ours.
    """
    found = list(files_below(results))
    if any(_is_source(path) and stat.S_ISREG(path.lstat().st_mode) for path in found):
        for ours in folder.glob("*.src.rpm"):
            ours.unlink()
    move_files(found, folder)
    return sorted(folder.glob("*.rpm"))


def _is_source(path: Path) -> bool:
    return path.name.endswith(".src.rpm")


def _last_line(path: Path) -> str:
    return last_line(read_tail(path), "it printed nothing and left no log")


def _tail(path: Path) -> str:
    return read_tail(path, _TAIL_BYTES)
