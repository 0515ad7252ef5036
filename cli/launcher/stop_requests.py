"""Signals that ask us to stop, counted."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

#: Wrappers (make, uv run, a closing terminal) pass on a signal we get as well: that is one wish.
_SAME_WISH_SECONDS = 0.5


class StopRequests:
    """How often we were asked to stop. Two signals within half a second are one request."""

    def __init__(self, wake: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        #: Becomes readable at every signal.
        self.wake = wake
        self.count = 0
        self._clock = clock
        self._last = float("-inf")

    def receive(self) -> None:
        """Take a signal."""
        now = self._clock()
        if now - self._last >= _SAME_WISH_SECONDS:
            self.count += 1
        self._last = now


@contextmanager
def stop_requests() -> Iterator[StopRequests]:
    """Count SIGINT, SIGTERM and SIGHUP instead of dying of them; in the main thread only.

    A signal that was ignored from outside stays ignored: `nohup facesocial up` survives SIGHUP.
    """
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    requests = StopRequests(readable)

    def receive(_signum: int, _frame: FrameType | None) -> None:
        requests.receive()

    wanted = [
        signum
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(signum) is not signal.SIG_IGN
    ]
    before = {signum: signal.signal(signum, receive) for signum in wanted}
    woken = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    try:
        yield requests
    finally:
        signal.set_wakeup_fd(woken)
        for signum, handler in before.items():
            signal.signal(signum, handler)
        os.close(readable)
        os.close(writable)
