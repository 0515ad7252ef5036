"""The gateway's side of batches on Redis or Valkey: thin calls to `workers/batches/lua`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import redis
import structlog

from workers.batches.hashes import ITEM_WIDTH, LETTERS, batch_of, item_of, new_item_args
from workers.batches.records import (
    AddedItem,
    Batch,
    BatchCancelled,
    BatchPage,
    BatchPlace,
    BatchState,
    CreatedBatch,
    ItemPage,
    ItemState,
    NewBatch,
    NewItem,
)
from workers.batches.scripts import CONFIRMED, GATEWAY_SCRIPTS, BatchScripts
from workers.connections.calls import translated
from workers.errors import (
    BatchClosed,
    BatchExpired,
    BatchFull,
    BatchIsCancelled,
    BatchNotEnded,
    BatchNotFound,
    BatchRetryOver,
    IdempotencyConflict,
    ItemConflict,
    JobUnreadable,
)
from workers.jobs.hashes import rows
from workers.jobs.records import Durability
from workers.jobs.redis_store import durability_of
from workers.settings.process import Settings

#: Batches looked at for one page of a list.
LOOKS = 1000
#: created_ms, id, now, flat hash.
_LIST_WIDTH = 4

_log = structlog.get_logger()


class RedisBatches:
    """BatchStore on a client with `decode_responses`."""

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._client = client
        self._most_items = settings.batch_max_items
        self._call = BatchScripts(client, settings, GATEWAY_SCRIPTS).call

    def create(self, batch: NewBatch) -> CreatedBatch:
        """See BatchStore."""
        tags = json.dumps(batch.tags)
        args = [batch.id, batch.owner, batch.options.model_dump_json(), tags, batch.fingerprint]
        args += [batch.webhook_url, str(int(batch.keep_photos)), batch.intake]
        outcome, *rest = self._found(batch.id, self._call("create", *args))
        if outcome == "conflict":
            raise IdempotencyConflict
        return CreatedBatch(batch=batch_of(batch.id, *rest), is_new=outcome == "new")

    def add_items(self, batch_id: str, items: Sequence[NewItem]) -> Sequence[AddedItem]:
        """See BatchStore."""
        args = [arg for item in items for arg in new_item_args(item)]
        outcome, *rest = self._found(batch_id, self._call("add", batch_id, *args))
        if outcome == "conflict":
            raise ItemConflict(tuple(rest))
        if outcome == "closed":
            raise BatchClosed
        if outcome == "full":
            raise BatchFull(limit=self._most_items)
        return tuple(
            AddedItem(custom_id=item.custom_id, number=int(number), is_new=bool(is_new))
            for item, (number, is_new) in zip(items, rows(rest, 2), strict=True)
        )

    def note_people(self, batch_id: str, people: Mapping[str, bool]) -> None:
        """See BatchStore."""
        args = [arg for id_, is_new in people.items() for arg in (id_, int(is_new))]
        [outcome] = self._found(batch_id, self._call("note_people", batch_id, *args))
        if outcome == "closed":
            raise BatchClosed

    def people(self, batch_id: str) -> Mapping[str, bool]:
        """See BatchStore."""
        _, *flat = self._found(batch_id, self._call("people", batch_id))
        return {id_: is_new == "1" for id_, is_new in rows(flat, 2)}

    def note_intake(self, batch_id: str, intake: str) -> None:
        """See BatchStore."""
        self._found(batch_id, self._call("note_intake", batch_id, intake))

    def close(self, batch_id: str) -> Batch:
        """See BatchStore."""
        return self._batch("close", batch_id)

    def confirm(self) -> Durability:
        """See BatchStore."""
        with translated():
            connection = self._client.client()
        # One connection: WAITAOF waits for the writes made on its own, and the file is written in
        # the order in which the server was.
        with connection:
            with translated():
                before = connection.client_id()
                connection.set(CONFIRMED, 1)
            return durability_of(connection, written_by=before)

    def get(self, batch_id: str) -> Batch:
        """See BatchStore."""
        return self._batch("get", batch_id)

    def items(
        self, batch_id: str, *, after: int = 0, limit: int = 100, state: ItemState | None = None
    ) -> ItemPage:
        """See BatchStore."""
        letters = LETTERS[state] if state else "".join(LETTERS.values())
        answer = self._call("items", batch_id, after, limit, letters)
        _, is_more, *flat = self._found(batch_id, answer)
        items = tuple(item_of(row) for row in rows(flat, ITEM_WIDTH))
        return ItemPage(items=items, after=items[-1].number if is_more else None)

    def list(
        self,
        owner: str,
        *,
        limit: int,
        after: BatchPlace | None = None,
        state: BatchState | None = None,
        tag: str | None = None,
    ) -> BatchPage:
        """See BatchStore."""
        before = (after.created_ms, after.id) if after else ("+inf", "")
        *flat, next_ms, next_id = self._call(
            "list", owner, limit, LOOKS, *before, state or "", tag or ""
        )
        batches: list[Batch] = []
        for _, id_, now_ms, fields in rows(flat, _LIST_WIDTH):
            try:
                batches.append(batch_of(id_, int(now_ms), fields))
            except JobUnreadable as error:
                _log.error("batches.unreadable", batch_id=id_, error=str(error))
        place = BatchPlace(created_ms=int(next_ms), id=next_id) if next_id else None
        return BatchPage(batches=tuple(batches), after=place)

    def cancel(self, batch_id: str) -> BatchCancelled:
        """See BatchStore."""
        [outcome] = self._found(batch_id, self._call("cancel", batch_id))
        return cast("BatchCancelled", outcome)

    def retry_failed(self, batch_id: str, *, only_retryable: bool = False) -> int:
        """See BatchStore."""
        letters = "f" if only_retryable else "fg"
        outcome, *rest = self._found(batch_id, self._call("retry", batch_id, letters))
        if outcome == "is_cancelled":
            raise BatchIsCancelled
        if outcome == "over":
            raise BatchRetryOver
        return int(rest[0])

    def delete(self, batch_id: str) -> None:
        """See BatchStore."""
        outcome, *_ = self._call("delete", batch_id)
        if outcome == "missing":
            raise _not_found(batch_id)
        if outcome == "busy":
            raise BatchNotEnded

    def keeps_blobs(self, batch_id: str) -> bool:
        """See BatchStore."""
        outcome, *rest = self._call("get", batch_id)
        if outcome != "found":
            return False
        batch = batch_of(batch_id, *rest)
        if batch.state is BatchState.CANCELLED:
            return False
        return batch.retry_until_ms is None or batch.retry_until_ms >= int(rest[0])

    def _batch(self, name: str, batch_id: str) -> Batch:
        _, *rest = self._found(batch_id, self._call(name, batch_id))
        return batch_of(batch_id, *rest)

    def _found(self, batch_id: str, answer: Sequence[Any]) -> Sequence[Any]:
        """A script's answer, unless it is that there is no such batch."""
        if answer[0] == "missing":
            raise _not_found(batch_id)
        if answer[0] == "expired":
            raise BatchExpired(f"Batch '{batch_id}' has expired or was deleted.", owner=answer[1])
        return answer


def _not_found(batch_id: str) -> BatchNotFound:
    return BatchNotFound(f"There is no batch '{batch_id}'.")
