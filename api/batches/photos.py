"""From what was sent to what the batch store takes: photos checked, named and stored."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from api.batches.entries import Photo, Refused, is_archive
from api.batches.manifest import Reference
from api.batches.references import ReferenceReader
from api.batches.window import Step, in_window
from api.errors import ApiError, problem_of
from api.images import check_image
from api.offload import offload
from api.outbound.errors import OutboundError, UrlUnreachable
from api.services import Services
from workers.batches.records import NewItem, item_blob_key
from workers.contract import JobError

#: Photos that are checked and stored at a time.
WIDTH = 4
#: What they may hold together; one alone may hold more.
MOST_HELD_BYTES = 8 * 1024 * 1024
#: What a photo elsewhere counts for until it is here.
_EXPECTED_BYTES = 2 * 1024 * 1024

Sent = Photo | Refused | Reference


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """A photo's header and digest."""

    pixels: int
    sha256: str


class PhotoStore:
    """Stores the photos of one batch, each before its item is told.

    Args:
        parts: Of the gateway.
        batch_id: Of the batch.
        references: Reads photos that are elsewhere.
        is_kept: Whether photos are stored; without, they are only looked at.
    """

    def __init__(
        self, parts: Services, batch_id: str, references: ReferenceReader, *, is_kept: bool
    ) -> None:
        self._parts = parts
        self._batch_id = batch_id
        self._references = references
        self._is_kept = is_kept

    def items(self, sent: Iterable[Sent]) -> Iterator[NewItem]:
        """An item for everything that was sent, in its order.

        What can't be analysed becomes an item that has failed. An id that comes twice is refused
        the second time.

        Raises:
            ApiError: what reading raises, after all before it was told.
            BlobStoreFailed: the blob store refuses.
            StoreUnavailable: the store does not answer.
        """
        steps = (self._step(one) for one in _unique(sent))
        return in_window(steps, width=WIDTH, most_bytes=MOST_HELD_BYTES)

    def _step(self, one: Sent) -> Step[NewItem]:
        held_bytes = len(one.content) if isinstance(one, Photo) else 0
        held_bytes = _EXPECTED_BYTES if isinstance(one, Reference) else held_bytes
        return Step(call=lambda: self._item(one), held_bytes=held_bytes)

    def _item(self, one: Sent) -> NewItem:
        if isinstance(one, Refused):
            return _failed(one)
        subject = one.subject if isinstance(one, Photo) else ""
        try:
            content = self._references.read(one) if isinstance(one, Reference) else one.content
            if is_archive(content):
                message = "The file is an archive. Archives in archives are not opened."
                return _failed(
                    Refused(id=one.id, code="nested_archive", message=message, subject=subject)
                )
            seen = offload(self._look, content)
        except (ApiError, OutboundError) as error:
            return _failed(
                Refused(
                    id=one.id,
                    code=error.code,
                    message=str(error),
                    subject=subject,
                    retryable=_is_retryable(error),
                )
            )
        key = item_blob_key(self._batch_id, one.id, seen.sha256)
        if self._is_kept:
            self._parts.blobs.put(key, content)
        return NewItem(
            custom_id=one.id,
            blob_key=key,
            sha256=seen.sha256,
            pixels=seen.pixels,
            subject=subject,
            leaf=one.leaf if isinstance(one, Photo) else None,
        )

    def _look(self, content: bytes) -> _Seen:
        settings = self._parts.settings
        header = check_image(
            content, max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels
        )
        sha256 = hashlib.sha256(content).hexdigest()
        return _Seen(pixels=header.width * header.height, sha256=sha256)


def _unique(sent: Iterable[Sent]) -> Iterator[Sent]:
    known: set[str] = set()
    for number, one in enumerate(sent, start=1):
        if one.id not in known:
            known.add(one.id)
            yield one
            continue
        name = f"duplicate-{number}"
        known.add(name)
        message = f"The id '{one.id}' came before; the first of that name was taken."
        subject = "" if isinstance(one, Reference) else one.subject
        yield Refused(id=name, code="duplicate_item", message=message, subject=subject)


def _is_retryable(error: ApiError | OutboundError) -> bool:
    if isinstance(error, ApiError):
        return problem_of(error).retryable
    return isinstance(error, UrlUnreachable)


def _failed(one: Refused) -> NewItem:
    error = JobError(code=one.code, message=one.message, retryable=one.retryable)
    return NewItem(custom_id=one.id, subject=one.subject, error=error)
