import math
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from rdo.cancellation import (
    TimeIsUpError,
    cancelled_by,
    current,
    in_threads,
    time_limit,
    uninterrupted,
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_end_of_the_block(number: signal.Signals) -> None:
    before = signal.signal(number, signal.default_int_handler)
    done = []
    try:
        with pytest.raises(KeyboardInterrupt), uninterrupted():  # noqa: PT012 - its end raises
            signal.raise_signal(number)
            done.append("the act")

        assert done == ["the act"]
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


def test_a_time_limit_ends_its_block_and_nothing_after_it() -> None:
    before = signal.getsignal(signal.SIGALRM)

    with pytest.raises(TimeIsUpError), time_limit(0.01):
        threading.Event().wait()
    with time_limit(math.inf):
        assert signal.getsignal(signal.SIGALRM) is not before

    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_threads_return_in_order_and_finish_before_an_error() -> None:
    ended: list[int] = []

    def half(number: int) -> int:
        ended.append(number)
        if number == 3:
            raise ValueError(number)
        return number // 2

    assert in_threads(half, [4, 2, 8], at_once=2, name="test") == [2, 1, 4]
    with pytest.raises(ValueError, match="3"):
        in_threads(half, [3, 6, 10], at_once=1, name="test")
    assert ended[-3:] == [3, 6, 10]


def test_an_interrupt_cancels_what_threads_wait_for() -> None:
    begun = threading.Barrier(3)

    def wait_for_the_end(_number: int) -> bool:
        begun.wait()
        while not current.get()():
            time.sleep(0.001)
        return True

    def press_ctrl_c() -> None:
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    keyboard = threading.Thread(target=press_ctrl_c)
    keyboard.start()
    with pytest.raises(KeyboardInterrupt):
        in_threads(wait_for_the_end, [1, 2], at_once=2, name="test")
    keyboard.join()


def test_threads_are_cancelled_with_the_thread_that_waits_for_them() -> None:
    with cancelled_by(lambda: True):
        assert in_threads(lambda _: current.get()(), [1], at_once=1, name="test") == [True]


LOSING = """
import os, signal, time, weakref
from rdo.cancellation import TimeIsUpError, heed_lost_signals, time_limit

def lose(act):
    class Held: pass
    held = Held()
    ref = weakref.ref(held, lambda _: act() or time.sleep(1))
    del held

heed_lost_signals()
signal.signal(signal.SIGTERM, signal.default_int_handler)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_callback_of_a_weak_reference_is_repeated(number: signal.Signals) -> None:
    program = f"""{LOSING}
if {number.value} != signal.SIGINT:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
try:
    lose(lambda: os.kill(os.getpid(), {number.value}))
    print("lost", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("heard")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )

    assert (done.stdout, done.stderr) == ("lost\nheard\n", "")


def test_a_time_limit_holds_beside_callbacks_of_weak_references() -> None:
    program = f"""{LOSING}
try:
    with time_limit(0.3):
        lose(lambda: None)
        print("lost", flush=True)
        time.sleep(60)
except TimeIsUpError:
    print("heard")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )

    assert (done.stdout, done.stderr) == ("lost\nheard\n", "")
