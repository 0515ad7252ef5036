"""Has indexes follow the store without a request, so that what was deleted leaves memory."""

import threading
from collections.abc import Callable

import structlog

#: Time between two looks at the logs, and between two looks for snapshots to write, seconds.
FOLLOW_SECONDS, SAVE_SECONDS = 1.0, 10.0
#: How long the end of the process waits for what a thread is at; a snapshot may take longer.
CLOSE_SECONDS = 10.0

_log = structlog.get_logger()


class Repeater:
    """A thread that does something again and again, from `start` to `close`.

    Args:
        name: Of the thread.
        call: What is done; its faults are logged.
        every_seconds: From the end of one time to the beginning of the next.
    """

    def __init__(self, name: str, call: Callable[[], None], *, every_seconds: float) -> None:
        self._name = name
        self._call = call
        self._every_seconds = every_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, once what is being done is done, or after `CLOSE_SECONDS`."""
        self._done.set()
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._done.wait(self._every_seconds):
            try:
                self._call()
            except Exception:  # noqa: BLE001 - the keeper outlives its faults
                _log.exception("identities.keeper_fault", thread=self._name)
