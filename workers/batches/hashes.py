"""Batches and items as the scripts in `workers/batches/lua` keep them, and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from workers.batches.packing import pack, unpack
from workers.batches.records import (
    Batch,
    BatchCounts,
    BatchOptions,
    BatchState,
    ChunkItem,
    HungryBatch,
    Item,
    ItemEnd,
    ItemState,
    NewItem,
)
from workers.contract import JobError
from workers.errors import JobUnreadable
from workers.jobs.hashes import error_json, pairs

#: State -> the letters its items have. Of failed ones: f may succeed later, g will not, of x
#: nothing is left to try again with.
LETTERS: Mapping[ItemState, str] = {
    ItemState.PENDING: "p",
    ItemState.RUNNING: "r",
    ItemState.SUCCEEDED: "s",
    ItemState.FAILED: "fgx",
    ItemState.CANCELLED: "c",
}
_STATES = {letter: state for state, letters in LETTERS.items() for letter in letters}
#: Values of an item's row in a script's answer.
ITEM_WIDTH = 5
#: And of a batch's in the answer about those that could do with a chunk.
HUNGRY_WIDTH = 6
#: And of a chunk's items.
CHUNK_WIDTH = 5
#: Member of a failed item's end that holds what was found out all the same.
_FOUND = "found"

_OPTIONS: TypeAdapter[BatchOptions] = TypeAdapter(
    Annotated[BatchOptions, Field(discriminator="kind")]
)


def batch_of(batch_id: str, now_ms: int, flat: Sequence[str]) -> Batch:
    """The batch of a hash.

    Raises:
        JobUnreadable: its options are none that this version can read.
    """
    fields = pairs(flat)
    counts = BatchCounts(**{name: int(fields[name]) for name in BatchCounts.__slots__})
    return Batch(
        id=batch_id,
        state=BatchState(fields["state"]),
        options=_options_of(batch_id, fields["options"]),
        owner=fields["owner"],
        tags=tuple(json.loads(fields["tags"])),
        fingerprint=fields["fingerprint"],
        webhook_url=fields["webhook"],
        keep_photos=fields["keep_photos"] == "1",
        intake=fields["intake"],
        counts=counts,
        version=int(fields["version"]),
        created_ms=int(fields["created_ms"]),
        closed_ms=_number(fields, "closed_ms"),
        finished_ms=_number(fields, "finished_ms"),
        expires_ms=_number(fields, "expires_ms"),
        retry_until_ms=_number(fields, "retry_until_ms"),
        eta_ms=_eta_ms(counts.pending + counts.running, now_ms, fields),
        cancel_asked="cancel" in fields,
    )


def _eta_ms(left: int, now_ms: int, fields: Mapping[str, str]) -> int | None:
    """By the items that ended since the beginning of the window that is measured."""
    if not left or "mark_ms" not in fields:
        return None
    done = int(fields["done"]) - int(fields["before_done"])
    if done < 1:
        return None
    return round(left * max(1, now_ms - int(fields["before_ms"])) / done)


def hungry_of(row: Sequence[str]) -> HungryBatch:
    """A batch that could do with a chunk.

    Raises:
        JobUnreadable: see `batch_of`.
    """
    batch_id, owner, options, pending, chunks, item_ms = row
    return HungryBatch(
        id=batch_id,
        owner=owner,
        options=_options_of(batch_id, options),
        pending=int(pending),
        chunks=int(chunks),
        item_ms=float(item_ms) if item_ms else None,
    )


def new_item_args(item: NewItem) -> tuple[str, str, str, str]:
    """An item as `add` takes it: custom id, record, error, leaf."""
    known_again = item.sha256 if item.error is None else f"error:{item.error.code}"
    fields: list[str | int] = [item.custom_id, item.blob_key, known_again, item.pixels]
    # Others have none, and are known again as they were stored before there were any.
    fields += [item.subject] if item.subject else []
    record = json.dumps(fields, ensure_ascii=False)
    error = "" if item.error is None else error_json(item.error)
    return item.custom_id, record, error, "" if item.leaf is None else str(item.leaf)


def item_of(row: Sequence[str]) -> Item:
    """The item of a row: number, letter, record, end, tries."""
    number, letter, record, end, begun = row
    state = _STATES[letter]
    custom_id, blob_key, _, pixels, *subject = json.loads(record)
    tries, text = _tries_and_text(state, end, begun)
    result_json, error = _outcome(state, text)
    return Item(
        number=int(number),
        custom_id=custom_id,
        state=state,
        tries=int(tries),
        result_json=result_json,
        error=error,
        blob_key=blob_key,
        pixels=pixels,
        subject="".join(subject),
    )


def _outcome(state: ItemState, text: str) -> tuple[str | None, JobError | None]:
    """The answer and the error in the text of an end."""
    if state is ItemState.SUCCEEDED:
        return unpack(text), None
    if state is not ItemState.FAILED:
        return None, None
    fields = json.loads(text)
    found = fields.pop(_FOUND, None)
    return found, JobError(**fields)


def _tries_and_text(state: ItemState, end: str, begun: str) -> tuple[str, str]:
    """What holds of an item in that state: an end may be that of before a retry."""
    if state in {ItemState.SUCCEEDED, ItemState.FAILED}:
        tries, _, text = end.partition(":")
        return tries, text
    return "0" if state is ItemState.CANCELLED else begun.split(maxsplit=1)[0], ""


def chunk_item_of(row: Sequence[str]) -> ChunkItem:
    """An item of a chunk: number, record, tries, whether its photo is kept, leaf."""
    number, record, begun, keeps_photo, leaf = row
    custom_id, blob_key, sha256, pixels, *subject = json.loads(record)
    return ChunkItem(
        number=int(number),
        blob_key=blob_key,
        pixels=pixels,
        tries=int(begun.split()[0]),
        keeps_photo=keeps_photo == "1",
        custom_id=custom_id,
        sha256=sha256,
        subject="".join(subject),
        leaf=int(leaf) if leaf else None,
    )


def end_args(end: ItemEnd) -> tuple[int, str, str]:
    """An end as `end_items` takes it: number, letter, text."""
    if end.error is None:
        assert end.result_json is not None  # noqa: S101 - an end is one of the two
        return end.number, "s", pack(end.result_json)
    letter = "f" if end.error.retryable else "g"
    text = error_json(end.error)
    if end.result_json is not None:
        text = json.dumps({**asdict(end.error), _FOUND: end.result_json}, ensure_ascii=False)
    return end.number, letter if end.has_blob else "x", text


def _options_of(batch_id: str, text: str) -> BatchOptions:
    # Options of a newer version that this one does not know are passed over.
    try:
        return _OPTIONS.validate_json(text, extra="ignore")
    except ValidationError as error:
        raise JobUnreadable(f"The record of batch '{batch_id}' can't be read: {error}.") from error


def _number(fields: Mapping[str, str], name: str) -> int | None:
    return int(fields[name]) if name in fields else None
