"""The scripts of `workers/batches/lua` on a client, with what their prelude reads."""

from collections.abc import Sequence
from typing import Any

import redis

from workers.batches.store import POISONED_ITEM
from workers.jobs.hashes import error_json
from workers.jobs.scripts import PREFIX, JobScripts
from workers.settings.process import Settings

BATCH_PREFIX = PREFIX + "batch:"
#: Batches that have not ended.
BATCHES = PREFIX + "batches"
BATCHES_OF_PREFIX = PREFIX + "batches_of:"
#: Written so that its connection has something to wait for.
CONFIRMED = PREFIX + "confirmed"

#: Those the gateway calls, and those the workers call.
GATEWAY_SCRIPTS = (
    "create",
    "add",
    "note_people",
    "people",
    "note_intake",
    "close",
    "get",
    "items",
    "list",
    "cancel",
    "retry",
    "delete",
)
WORKER_SCRIPTS = (
    "tend",
    "hunger",
    "make_chunk",
    "unfinished",
    "begin",
    "take_back",
    "end_items",
    "release",
)


class BatchScripts:
    """Calls scripts that begin with both preludes.

    Args:
        client: With `decode_responses`.
        settings: Of the store.
        names: Files of `workers/batches/lua` without their ending.
    """

    def __init__(self, client: redis.Redis, settings: Settings, names: Sequence[str]) -> None:
        #: What the prelude of batches reads; see there.
        self._head: tuple[Any, ...] = (
            settings.batch_retry_seconds * 1000,
            settings.batch_max_items,
            settings.batch_chunks_waiting,
            settings.batch_open_seconds * 1000,
            error_json(POISONED_ITEM),
        )
        self._scripts = JobScripts(client, settings, names, package="workers.batches")

    def call(self, name: str, *args: Any) -> Any:  # noqa: ANN401 - texts, numbers; a reply
        """What a script answers.

        Raises:
            StoreUnavailable: the server does not answer, or takes nothing now.
        """
        return self._scripts.call(name, *self._head, *args)
