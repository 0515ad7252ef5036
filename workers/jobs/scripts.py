"""The scripts of `workers/jobs/lua` on a client, and the names of the keys they work on.

Keys share one hash tag; docs/reference/redis-keys.md describes them.
"""

from collections.abc import Sequence
from typing import Any

import redis

from workers.connections.calls import scripts_of, translated
from workers.jobs.hashes import error_json
from workers.jobs.store import POISONED
from workers.settings.process import Settings

PREFIX = "fs:{jobs}:"
JOB_PREFIX = PREFIX + "job:"
#: Nothing is ever stored there.
NEVER_KEY = PREFIX + "never"
DUE = PREFIX + "due"
LEASES = PREFIX + "leases"
EVENTS = PREFIX + "events"
QUEUES = PREFIX + "queues"
ENDED = PREFIX + "ended"
WAITING_PREFIX = PREFIX + "waiting:"
GROUP_PREFIX = PREFIX + "group:"
CLAIM_PREFIX = PREFIX + "claim:"
OWNED_PREFIX = PREFIX + "owned:"
EXPIRING = PREFIX + "expiring"
GONE_PREFIX = PREFIX + "gone:"
CACHED_PREFIX = PREFIX + "cached:"
SAME_PREFIX = PREFIX + "same:"
#: Channel on which every change of a job is published; see `workers.jobs.changes`.
CHANGES_CHANNEL = PREFIX + "changes"

#: Where the scripts of jobs are.
PACKAGE = "workers.jobs"
#: The files of its folder `lua`, each sent with `prelude.lua` before it.
SCRIPTS = (
    "submit",
    "recall",
    "claim",
    "claim_waiting",
    "renew",
    "give_back",
    "finish",
    "cancel",
    "delete",
    "list",
    "reap",
    "due",
    "waiting_in",
    "expedite",
    "reroute",
)


def job_key(job_id: str) -> str:
    """Key of a job's hash."""
    return JOB_PREFIX + job_id


class JobScripts:
    """Calls scripts that begin with the prelude.

    Args:
        client: With `decode_responses`.
        settings: Of the store.
        names: Files of the package's folder `lua` without their ending.
        package: Whose scripts they are; another package's own prelude follows that of jobs.
    """

    def __init__(
        self,
        client: redis.Redis,
        settings: Settings,
        names: Sequence[str] = SCRIPTS,
        *,
        package: str = PACKAGE,
    ) -> None:
        #: What the prelude reads; see there.
        self._head: tuple[Any, ...] = (
            PREFIX,
            settings.job_events_kept,
            settings.result_ttl_seconds,
            CHANGES_CHANNEL,
            int(settings.job_lease_seconds * 1000),
            settings.job_max_attempts,
            error_json(POISONED),
            settings.expired_jobs_known_seconds,
            settings.result_cache_seconds,
        )
        preludes = () if package == PACKAGE else (PACKAGE,)
        self._scripts = scripts_of(client, package, names, preludes=preludes)

    def call(self, name: str, *args: Any) -> Any:  # noqa: ANN401 - texts, numbers; a reply
        """What a script answers.

        Raises:
            StoreUnavailable: the server does not answer, or takes nothing now.
        """
        with translated():
            return self.run(name, args)

    def run(self, name: str, args: Sequence[Any], client: redis.Redis | None = None) -> Any:  # noqa: ANN401 - as above
        """The same with the client's own errors, on a connection of the caller's if given."""
        keys = [DUE, LEASES, EVENTS]
        return self._scripts[name](keys=keys, args=[*self._head, *args], client=client)


def require_writes(client: redis.Redis) -> None:
    """Find out whether the server takes writes, by one that changes nothing.

    Raises:
        StoreRefused: it takes none: its disk or memory is full, or it is a replica.
        StoreUnavailable: it does not answer.
    """
    with translated():
        # Of a key that is never there: refused like any write, and nothing for the file on disk.
        client.set(NEVER_KEY, "", xx=True)
