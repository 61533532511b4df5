"""A separate terminal for a program that must not get ours.

A program that has our terminal can type into it: `ioctl(TIOCSTI)` puts characters into the queue
that the operator's own shell reads next. So a shell in a root gets a pseudo terminal, in a session
of its own, and we copy input and output between it and the real one.
"""

import contextlib
import errno
import fcntl
import os
import select
import signal
import struct
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

_POLL_SECONDS = 0.1
_BYTES = 65536
_ENDING = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class PtyRelay:
    """A pseudo terminal, and the real one behind those of our standard files that are terminals.

    `source` and `shown` are descriptors of the real terminal, -1 if input or output is not one.
    """

    master: int
    slave: int
    source: int
    shown: int

    @property
    def files(self) -> tuple[int, int, int]:
        """The standard files for the program: pipes and files stay, terminals are replaced."""
        stdin, stdout, stderr = (self.slave if os.isatty(n) else n for n in range(3))
        return stdin, stdout, stderr

    @property
    def has_input(self) -> bool:
        """Whether the program reads from the pseudo terminal, which can then control it."""
        return self.source >= 0

    def serve(self, is_over: Callable[[], bool]) -> None:
        """Copy in both directions until the program is over and all its output is shown."""
        typed = b""
        reads = {self.source} if self.has_input else set()
        while True:
            ended = is_over()
            wait = 0 if ended else _POLL_SECONDS
            readable = {self.master} if typed else {self.master, *reads}
            ready, writable, _ = select.select(readable, [self.master] if typed else [], [], wait)
            if self.source in ready:
                typed = _read(self.source)
                reads = reads if typed else set()
            if writable:
                typed = typed[_write_some(self.master, typed) :]
            if self.master in ready:
                _write_all(self.shown, _read(self.master))
            elif ended:
                return

    def copy_size(self) -> None:
        """Give the pseudo terminal the size of the real one; its programs get SIGWINCH."""
        with contextlib.suppress(OSError):  # a terminal without a size
            size = fcntl.ioctl(self.shown, termios.TIOCGWINSZ, struct.pack("4H", 0, 0, 0, 0))
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)


@contextlib.contextmanager
def pty_relay() -> Iterator[PtyRelay | None]:
    """Yield a relay for our terminal; None if no standard file is a terminal.

    While it is open, everything typed reaches the program unchanged, even Ctrl-C. Afterwards the
    real terminal is as before, even if we are ended by SIGTERM or SIGHUP, and unread input is
    dropped: it may be the terminal's answer to something that the program has printed.
    """
    terminals = [number for number in range(3) if os.isatty(number)]
    if not terminals:
        yield None
        return
    source = 0 if 0 in terminals else -1
    shown = next(number for number in (1, 2, 0) if number in terminals)
    master, slave = os.openpty()
    before = termios.tcgetattr(shown)
    try:
        os.set_blocking(master, False)
        termios.tcsetattr(slave, termios.TCSANOW, before)
        relay = PtyRelay(master, slave, source, shown)
        relay.copy_size()
        with _signals(relay):
            if source >= 0:
                tty.setraw(source, termios.TCSADRAIN)
            yield relay
    finally:
        os.close(master)
        os.close(slave)
        if source >= 0:
            termios.tcsetattr(source, termios.TCSAFLUSH, before)


@contextlib.contextmanager
def _signals(relay: PtyRelay) -> Iterator[None]:
    """Follow the size of the real terminal, and end cleanly on a signal without a handler."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {signal.SIGWINCH: signal.signal(signal.SIGWINCH, lambda *_: relay.copy_size())}
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _read(number: int) -> bytes:
    """Return the available input; empty at the end, which a terminal reports as an error."""
    try:
        return os.read(number, _BYTES)
    except BlockingIOError:
        return b""
    except OSError as error:
        if error.errno == errno.EIO:  # the other side is not open, or the terminal is gone
            return b""
        raise


def _write_some(number: int, text: bytes) -> int:
    try:
        return os.write(number, text)
    except BlockingIOError:
        return 0
    except OSError as error:
        if error.errno == errno.EIO:  # nobody will read it any more
            return len(text)
        raise


def _write_all(number: int, text: bytes) -> None:
    while text:
        select.select([], [number], [])  # a shell may have left it non-blocking
        text = text[_write_some(number, text) :]
