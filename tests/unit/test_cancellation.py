import signal

import pytest

from rdo.cancellation import uninterrupted


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
