"""The only place that starts processes.

There are seven ways: `run` returns a program's output; `run_with_files` lets it read one file and
write another; `run_logged` copies the output of a long program to its log, limited in time and
size; `converse` exchanges lines with it while it runs; `hand_over` gives it the terminal, and
`hand_over_pty` a terminal of its own, because it must not be able to type into ours; `start_beside`
lets it run while we do something else.
"""

import contextlib
import errno
import logging
import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from rdo import cancellation
from rdo.disk_usage import allocated_bytes
from rdo.errors import CancelledError, CommandError, TimeLimitError
from rdo.model.program import Bounds, Completed, Limit, Logged
from rdo.model.text.url import without_secret
from rdo.output_pipe import LogPipe, TooMuchOutputError, exchange, log_pipe
from rdo.pty_relay import pty_relay

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.25
_DISK_SECONDS = 2.0
_ERROR_BYTES = 4096
MAX_OUTPUT = 1 << 27
"""How many bytes of a program's output are read into memory."""


class Runner(Protocol):
    """The signature of `run`, for tools that take it as an argument."""

    def __call__(
        self,
        *argv: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        timeout: float | None = None,
        ok: Collection[int] = (0,),
        stdin: bytes = b"",
        descriptors: Collection[int] = (),
    ) -> Completed: ...


def run(
    *argv: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
    timeout: float | None = None,
    ok: Collection[int] = (0,),
    stdin: bytes = b"",
    descriptors: Collection[int] = (),
) -> Completed:
    """Run a program to its end and return its output.

    It gets no shell, a fixed locale and its own process group; on a timeout or Ctrl-C the whole
    group is ended, so that no orphan keeps a root busy. `env` is added to the environment; a
    variable with the value None is left out. `descriptors` are open files that it gets as well.
    Raises CommandError if the program is missing, exceeds the timeout (TimeLimitError), prints more
    than MAX_OUTPUT, or ends with a status not in `ok`; CancelledError if the thread is cancelled.
    """
    started = time.monotonic()
    shown = _shown(argv, cwd)
    with _start(argv, cwd, env, subprocess.PIPE, subprocess.PIPE, descriptors) as process:
        try:
            with _ended_when_cancelled(process):
                stdout, stderr = _communicate(process, stdin, timeout)
        except BaseException as error:
            _stop(process, grace=1.0 if isinstance(error, KeyboardInterrupt) else 10.0)
            if isinstance(error, TimeoutError | subprocess.TimeoutExpired):
                raise TimeLimitError(f"{shown}: timed out after {timeout:g} s") from error
            if isinstance(error, TooMuchOutputError):
                raise CommandError(f"{shown}: printed more than {MAX_OUTPUT >> 20} MiB") from error
            raise
    if cancellation.current.get()():
        raise CancelledError(f"cancelled: {shown}")
    said = stderr.decode(errors="replace")
    if process.returncode not in ok:
        tail = said.strip()[-2000:]
        raise CommandError(f"{shown}: exit status {process.returncode}\n{tail}")
    seconds = time.monotonic() - started
    return Completed(process.returncode, stdout.decode(errors="replace"), said, seconds, stdout)


def run_with_files(
    *argv: str | Path,
    stdin: IO[bytes],
    stdout: IO[bytes],
    env: Mapping[str, str | None],
    timeout: float,
) -> Completed:
    """Run a program that reads one open file and writes another; return only its errors.

    The caller checks the exit status. Raises CommandError if the program is missing or exceeds the
    timeout; then its whole group has ended.
    """
    started = time.monotonic()
    shown = _shown(argv, None)
    with tempfile.TemporaryFile() as errors:
        with _start(argv, None, env, stdout, errors, stdin=stdin) as process:
            try:
                process.wait(timeout)
            except BaseException as error:
                _stop(process)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise CommandError(f"{shown}: timed out after {timeout:g} s") from error
                raise
        size = errors.seek(0, os.SEEK_END)
        errors.seek(max(0, size - _ERROR_BYTES))
        said = errors.read().decode(errors="replace")
    return Completed(process.returncode, "", said, time.monotonic() - started)


def run_logged(
    *argv: str | Path,
    log_file: Path,
    bounds: Bounds,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
) -> Logged:
    """Run a program and append its output to `log_file`; the caller checks its exit status.

    It prints into a pipe, and cannot access the log itself. If a limit is exceeded, the whole
    process group is ended, and `limit` says which limit it was; a full disk of the log is one too.
    Raises OSError if the log cannot be written for another reason.
    """
    started = time.monotonic()
    with log_file.open("ab", buffering=0) as file, log_pipe(file, bounds.log_bytes) as pipe:
        with _start(argv, cwd, env, pipe.writer, subprocess.STDOUT) as process:
            try:
                with pipe.copying():
                    limit = _watch(process, bounds, started, pipe)
            except BaseException:
                _stop(process)
                raise
        if limit:
            log.debug("%s limit reached: %s", limit, _shown(argv, cwd))
    if pipe.error and pipe.error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        raise pipe.error
    if pipe.error:
        limit = Limit.NO_SPACE
    elif pipe.is_exceeded:
        limit = limit or Limit.OUTPUT
    return Logged(process.returncode, time.monotonic() - started, limit)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A program that runs while lines are exchanged with it."""

    _process: subprocess.Popen[bytes]

    def send(self, line: str) -> None:
        """Send the program a line; nothing happens if it has ended."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # its output ends too, which the caller sees
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def lines(self) -> Iterator[str]:
        """Yield the lines that the program prints, until it ends or closes its output."""
        assert self._process.stdout
        for line in self._process.stdout:
            yield line.decode(errors="replace").rstrip("\n")


@contextlib.contextmanager
def converse(*argv: str | Path, log_file: Path) -> Iterator[Conversation]:
    """Start a program to exchange lines with; its whole group is ended with the block.

    Its standard error is appended to `log_file`. Raises CommandError if it is not installed.
    """
    with (
        log_file.open("ab", buffering=0) as errors,
        _start(argv, None, None, subprocess.PIPE, errors) as process,
    ):
        try:
            yield Conversation(process)
        finally:
            _stop(process)
            assert process.stdin
            with contextlib.suppress(BrokenPipeError):  # it did not read everything
                process.stdin.close()


@dataclass(frozen=True, slots=True)
class Beside:
    """A program that runs beside us, and prints where we print."""

    _process: subprocess.Popen[bytes]

    def wait(self, seconds: float) -> int | None:
        """Return the exit status, negative for a signal; None if it runs longer than `seconds`."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self, grace: float) -> int:
        """Ask it to end, kill its process group after `grace` seconds; return the exit status."""
        self._process.terminate()
        status = self.wait(grace)
        if status is not None:
            return status
        _stop(self._process, grace=1.0)
        return self._process.wait()


def start_beside(*argv: str | Path) -> Beside:
    """Start a program, in a process group of its own; the caller ends it.

    Raises CommandError if it is not installed.
    """
    return Beside(_start(argv, None, None, None, None))


def hand_over(
    *argv: str | Path, cwd: Path | None = None, env: Mapping[str, str | None] | None = None
) -> int:
    """Give our standard files to a program (an editor, a shell) and return its exit status.

    `env` is added to the environment as by `run`, which also fixes the locale; without `env` the
    program has our environment. Raises CommandError if the program is not installed.
    """
    command = [os.fspath(arg) for arg in argv]
    try:
        return subprocess.call(command, cwd=cwd, env=None if env is None else _environment(env))
    except FileNotFoundError as error:
        raise CommandError(f"{command[0]} is not installed") from error


def hand_over_pty(*argv: str | Path, cwd: Path | None = None) -> int:
    """Let people use an untrusted program on the terminal; return its exit status.

    It has its own session, and another terminal in place of ours; standard files that are not
    terminals stay. It ends with us. Raises CommandError if it is not installed.
    """
    command = [os.fspath(arg) for arg in argv]
    with pty_relay() as relay:
        files = relay.files if relay else (None, None, None)
        controlled = relay is not None and relay.has_input
        # setsid makes the new terminal the one that controls the session.
        started = ["setsid", "--ctty", *command] if controlled else command
        try:
            process = subprocess.Popen(
                started,
                cwd=cwd,
                stdin=files[0],
                stdout=files[1],
                stderr=files[2],
                start_new_session=not controlled,
            )
        except FileNotFoundError as error:
            raise CommandError(f"{started[0]} is not installed") from error
        with process:
            try:
                if relay:
                    relay.serve(lambda: process.poll() is not None)
                return process.wait()
            finally:
                if process.poll() is None:
                    _stop(process, grace=1.0)


def _shown(argv: Collection[str | Path], cwd: Path | None) -> str:
    shown = without_secret(shlex.join(os.fspath(arg) for arg in argv))
    return f"{shown} (in {cwd})" if cwd else shown


def _environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**os.environ, "LC_ALL": "C.UTF-8", **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _start(
    argv: Collection[str | Path],
    cwd: Path | None,
    env: Mapping[str, str | None] | None,
    stdout: int | IO[bytes] | None,
    stderr: int | IO[bytes] | None,
    descriptors: Collection[int] = (),
    stdin: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    command = [os.fspath(arg) for arg in argv]
    log.debug("run: %s", _shown(argv, cwd))
    try:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=_environment(env or {}),
            stdin=stdin or (subprocess.PIPE if stdout == subprocess.PIPE else subprocess.DEVNULL),
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            pass_fds=tuple(descriptors),
        )
    except FileNotFoundError as error:
        raise CommandError(f"{command[0]} is not installed") from error


def _communicate(
    process: subprocess.Popen[bytes], text: bytes, timeout: float | None
) -> tuple[bytes, bytes]:
    """Return what a program prints until it ends; raises the errors of `exchange`."""
    assert process.stdin
    assert process.stdout
    assert process.stderr
    started = time.monotonic()
    outputs = {"out": process.stdout, "err": process.stderr}
    found = exchange(process.stdin, text, outputs, limit=MAX_OUTPUT, timeout=timeout)
    process.wait(None if timeout is None else max(0.0, timeout - (time.monotonic() - started)))
    return found["out"], found["err"]


@contextlib.contextmanager
def _ended_when_cancelled(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the process as soon as this thread is cancelled; see `rdo.cancellation`."""
    is_cancelled = cancellation.current.get()
    if is_cancelled is bool:
        yield
        return
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_POLL_SECONDS):
            if is_cancelled():
                _stop(process, grace=1.0)
                return

    watcher = threading.Thread(target=watch, name="cancel")
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


def _watch(
    process: subprocess.Popen[bytes],
    bounds: Bounds,
    started: float,
    pipe: LogPipe,
) -> Limit | None:
    disk = _Disk(bounds)
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):  # the loop continues
            process.wait(_POLL_SECONDS)
            return None
        limit = None
        if bounds.is_cancelled():
            limit = Limit.CANCELLED
        elif bounds.seconds is not None and time.monotonic() - started > bounds.seconds:
            limit = Limit.TIME
        elif pipe.is_exceeded:
            limit = Limit.OUTPUT
        elif disk.is_exceeded():
            limit = Limit.DISK
        if limit or pipe.error:
            _stop(process)
            return limit


class _Disk:
    """Measures what a program has written, so rarely that it costs almost nothing."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._next = time.monotonic() + _DISK_SECONDS

    def is_exceeded(self) -> bool:
        """Whether the program has written more than allowed; False between measurements."""
        started = time.monotonic()
        if self._bounds.folder is None or self._bounds.disk_bytes is None or started < self._next:
            return False
        used = allocated_bytes(self._bounds.folder)
        took = time.monotonic() - started
        self._next = started + took + max(_DISK_SECONDS, 20 * took)
        return used > self._bounds.disk_bytes


def _stop(process: subprocess.Popen[bytes], grace: float = 10.0) -> None:
    """End the process group, with SIGTERM first, so that mock can clear its chroot."""
    with contextlib.suppress(ProcessLookupError):  # it has just ended
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    with contextlib.suppress(ProcessLookupError):  # grandchildren may ignore SIGTERM
        os.killpg(process.pid, signal.SIGKILL)
