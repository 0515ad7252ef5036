"""Items of an enrolment of many people: through the enroller, and the answers their batch keeps."""

import time
from collections.abc import Sequence
from typing import Protocol

import structlog

from workers.batches.records import ChunkItem
from workers.chunks.enrolled_item import EnrolledItemAnswer, enrolled_item
from workers.chunks.step import ItemStep
from workers.errors import StoreUnavailable
from workers.identities.answers import EnrolledPhotoAnswer
from workers.identities.enroll_order import EnrollOrder
from workers.identities.errors import VaultUnavailable
from workers.jobs.options import EnrollOptions
from workers.photos.attempts import Ends

#: Pause between tries while a store is away, and how long that is tried: as of writing ends.
RETRY_SECONDS = 0.5
LONGEST_SECONDS = 60.0

_log = structlog.get_logger()


class Enroller(Protocol):
    """Adds faces to collections; `workers.identities.enroller.Enroller`."""

    def enroll(
        self, orders: Sequence[EnrollOrder], *, ends: Ends = ()
    ) -> list[EnrolledPhotoAnswer | Exception | None]:
        """See Enroller."""
        ...


class ItemEnroller:
    """Enrols items.

    Args:
        enroller: Adds their faces.
        longest_seconds: A store that is away is waited for so long.
    """

    def __init__(self, enroller: Enroller, *, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._enroller = enroller
        self._longest_seconds = longest_seconds

    def enroll(
        self, step: ItemStep, options: EnrollOptions, *, ends: Ends
    ) -> list[EnrolledItemAnswer | Exception | None]:
        """For each item what became of it, why nothing did, or None when nobody wants it.

        While a store is away those it concerns are tried again: no photo is at fault for that, and
        what was added before is known again.

        Raises:
            DeviceFault: nothing can be run in this process any more.
        """
        deadline = time.monotonic() + self._longest_seconds
        outcomes: dict[int, EnrolledPhotoAnswer | Exception | None] = {}
        left = list(step.items)
        while True:
            orders = [_order(step, options, item) for item in left]
            found = self._enroller.enroll(orders, ends=ends)
            outcomes |= {item.number: one for item, one in zip(left, found, strict=True)}
            left = [item for item in left if _is_away(outcomes[item.number])]
            if not left or time.monotonic() > deadline or not step.is_wanted():
                return [_kept(item, outcomes[item.number]) for item in step.items]
            _log.warning("chunk.not_enrolled", items=len(left))
            time.sleep(RETRY_SECONDS)


def _order(step: ItemStep, options: EnrollOptions, item: ChunkItem) -> EnrollOrder:
    return EnrollOrder(
        read=step.photos[item.number],
        collection=options.collection,
        person=item.subject,
        leaf=item.leaf,
        origin=step.batch,
        place=f"item {item.number}",
        filename=item.custom_id,
        digest=item.sha256,
        face=options.face,
        require=options.require,
        alone=True,
        by=options.by,
        credential_id=options.credential_id,
        is_wanted=step.is_wanted,
    )


def _is_away(outcome: EnrolledPhotoAnswer | Exception | None) -> bool:
    return isinstance(outcome, (StoreUnavailable, VaultUnavailable))


def _kept(
    item: ChunkItem, outcome: EnrolledPhotoAnswer | Exception | None
) -> EnrolledItemAnswer | Exception | None:
    return (
        enrolled_item(item.subject, outcome)
        if isinstance(outcome, EnrolledPhotoAnswer)
        else outcome
    )
