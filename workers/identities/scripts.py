"""The scripts of `workers/identities/lua` on a client, and the names of the keys they work on.

Keys share one hash tag; docs/reference/redis-keys.md describes them.
"""

import secrets
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

import redis

from workers.connections.calls import scripts_of, translated
from workers.identities.errors import CollectionNotFound
from workers.identities.seals import Seals
from workers.settings.process import Settings

PREFIX = "fs:{identities}:"
COLLECTIONS_PREFIX = PREFIX + "collections:"
COLLECTION_PREFIX = PREFIX + "collection:"
GONE_PREFIX = PREFIX + "gone:"
CERTIFICATE_PREFIX = PREFIX + "certificate:"
CERTIFICATES_PREFIX = PREFIX + "certificates:"
RETAINING = PREFIX + "retaining"
CHANGING = PREFIX + "changing"
DOOMING = PREFIX + "dooming"
DOOMED_COLLECTIONS = PREFIX + "doomed_collections"
DOOMED_IMAGES = PREFIX + "doomed_images"
DROPPED = PREFIX + "dropped"
ISSUED = PREFIX + "issued"
UNCLEARED = PREFIX + "uncleared"
UNREADABLE = PREFIX + "unreadable"


def collection_key(uid: str, part: str = "") -> str:
    """Key of a collection's hash, or of a part of it."""
    return f"{COLLECTION_PREFIX}{uid}:{part}" if part else COLLECTION_PREFIX + uid


class IdentityScripts:
    """Calls scripts that begin with the prelude.

    Args:
        client: Its answers are bytes.
        settings: Of the store.
        seals: Told which version of the keys an answer is opened with.
        clock_ms: Replaces the server's clock, for tests.
    """

    def __init__(
        self,
        client: redis.Redis,
        settings: Settings,
        seals: Seals,
        *,
        clock_ms: Callable[[], int] | None = None,
    ) -> None:
        self.client = client
        self.seals = seals
        self._clock_ms = clock_ms
        #: An answer may be read until it expires, and who was told right before a deletion may
        #: write one until his task's time is over.
        results_seconds = settings.result_ttl_seconds + settings.task_time_limit_seconds
        self._head: tuple[int, ...] = (
            settings.identity_log_kept,
            settings.identity_audit_kept,
            results_seconds * 1000,
        )
        self._scripts = scripts_of(client, "workers.identities", _names())

    def call(self, name: str, *args: str | bytes | float) -> Any:  # noqa: ANN401 - one type per script
        """What a script answers.

        Raises:
            StoreUnavailable: the server does not answer, or takes nothing now.
        """
        now = "" if self._clock_ms is None else self._clock_ms()
        head = [now, *self._head, secrets.token_hex(8)]
        with translated():
            return self._scripts[name](keys=[PREFIX], args=[*head, *args])

    def about(self, name: str, uid: str, *args: str | bytes | float) -> tuple[str, Sequence[Any]]:
        """What a script answers about a collection: outcome, and the rest.

        Raises:
            CollectionNotFound: there is none (any more).
        """
        outcome, *rest = self.call(name, uid, *args)
        if outcome == b"missing":
            raise not_found()
        keys_version, *told = rest
        self.seals.refresh(uid, int(keys_version))
        return str(outcome.decode()), told


def not_found() -> CollectionNotFound:
    """Says that a collection is none (any more). Its owner knows it by another name than `uid`."""
    return CollectionNotFound("There is no such collection, or no longer.")


def _names() -> list[str]:
    folder = resources.files("workers.identities") / "lua"
    files = sorted(entry.name for entry in folder.iterdir())
    return [name.removesuffix(".lua") for name in files if name != "prelude.lua"]
