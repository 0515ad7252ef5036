"""How a gateway process leaves: it says so, serves on for a while, then sends waiters away."""

from collections.abc import Callable

import structlog

_log = structlog.get_logger()


class Drain:
    """What this process knows of its own end. Nothing here ever goes back."""

    def __init__(self) -> None:
        self._announced = False
        self._stopping = False
        self._calls: list[Callable[[], None]] = []
        self._last_calls: list[Callable[[], None]] = []

    @property
    def announced(self) -> bool:
        """Whether the process is about to leave: `/health/ready` answers 503, all else goes on."""
        return self._announced

    @property
    def stopping(self) -> bool:
        """Whether nobody may wait here any more: who waits is answered now."""
        return self._stopping

    def on_stop(self, call: Callable[[], None]) -> None:
        """Have something called when waiting ends; at once if it already has."""
        if self._stopping:
            call()
        else:
            self._calls.append(call)

    def announce(self) -> None:
        """Tell whoever asks that this process is about to leave."""
        self._announced = True

    def stop(self) -> None:
        """Send away everybody who waits. Each call is made once; one that fails is logged."""
        self._announced = self._stopping = True
        _make(self._calls)

    def on_end(self, call: Callable[[], None]) -> None:
        """Have something called when the last request has ended: it has a second for it."""
        self._last_calls.append(call)

    def end(self) -> None:
        """Tell that the last request was answered or cut; calls are made as at `stop`."""
        _make(self._last_calls)


def _make(calls: list[Callable[[], None]]) -> None:
    while calls:
        try:
            calls.pop()()
        except Exception:  # noqa: BLE001 - the others must hear of it too
            _log.exception("gateway.drain_call_failed")
