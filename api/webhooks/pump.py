"""Keeps deliveries going in the background of a gateway process.

Every gateway process has one: a delivery is leased to whoever takes it first. Under gevent the
threads are greenlets and cost nothing while they wait for somebody's server.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import structlog

from api.webhooks.redis_webhooks import DueDelivery, RedisWebhooks
from api.webhooks.sending import Sender
from workers.errors import StoreUnavailable

#: How often a process looks for deliveries that are due.
LOOK_SECONDS = 1.0
#: Pause after the store was away.
AWAY_SECONDS = 5.0
#: Deliveries on their way at a time, per process.
AT_ONCE = 16

_log = structlog.get_logger()


class WebhookPump:
    """Takes what is due and has it sent.

    Args:
        store: Tells what is due.
        sender: Sends it.
        lease_seconds: Longer than one try may take.
    """

    def __init__(self, store: RedisWebhooks, sender: Sender, *, lease_seconds: float) -> None:
        self._store = store
        self._sender = sender
        self._lease_seconds = lease_seconds
        self._stopping = threading.Event()
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhooks")
        self._thread = threading.Thread(target=self._run, name="webhook-pump", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Take nothing more; what is on its way ends, or is tried again by another process."""
        self._stopping.set()
        self._thread.join(timeout=2 * LOOK_SECONDS)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def round(self) -> int:
        """Take what is due, as much as there are free places, and have it sent; how many.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        places = self._take_places()
        try:
            found = self._store.take_due(places, lease_seconds=self._lease_seconds)
        except BaseException:
            self._give_places(places)
            raise
        self._give_places(places - len(found))
        for due in found:
            self._pool.submit(self._send, due)
        return len(found)

    def _take_places(self) -> int:
        places = 0
        while places < AT_ONCE and self._free.acquire(blocking=False):
            places += 1
        return places

    def _give_places(self, places: int) -> None:
        for _ in range(places):
            self._free.release()

    def _send(self, due: DueDelivery) -> None:
        try:
            self._sender.send(due)
        except StoreUnavailable as error:
            _log.warning("webhook.not_settled", error=str(error))  # its lease ends
        except Exception:  # noqa: BLE001 - the thread's boundary; its lease ends
            _log.exception("webhook.fault")
        finally:
            self._free.release()

    def _run(self) -> None:
        while not self._stopping.is_set():
            pause = LOOK_SECONDS
            try:
                # A full round means that there may be more.
                if self.round() == AT_ONCE:
                    pause = 0.05
            except StoreUnavailable as error:
                _log.warning("webhook.store_away", error=str(error))
                pause = AWAY_SECONDS
            except Exception:  # noqa: BLE001 - the thread's boundary: without it nobody is told
                _log.exception("webhook.pump_fault")
                pause = AWAY_SECONDS
            self._stopping.wait(pause)
