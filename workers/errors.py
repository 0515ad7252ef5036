"""Errors of the workers package.

WorkersError
├── SettingsError        a setting is wrong or unknown
├── StoreUnavailable     the job store did not answer in time
│   └── StoreRefused     the job store answered that it takes nothing now: nothing was stored
├── QueueFull            too many jobs are waiting
├── JobNotFound          no such job
│   └── JobExpired       it has ended and can't be read any more, or was deleted
├── IdempotencyConflict  the request's name was given to another one
├── BatchNotFound        no such batch
│   └── BatchExpired      it has ended and can't be read any more, or was deleted
├── BatchClosed          the batch takes no more items
├── BatchFull            the batch would have too many items
├── ItemConflict         an item is there already with another photo
├── BatchIsCancelled     the batch's end was asked for: nothing of it is retried
├── BatchRetryOver       the batch has ended too long ago to be retried
├── BatchNotEnded        the batch has items that wait or run: it can't be deleted
├── JobUnreadable        a job's record is not one this version can read
├── LeaseLost            another worker owns the job now: stop and write nothing
├── BlobMissing          the image of a job is gone
├── BlobStoreFailed      the blob store refused a read or write
├── ModelRefused         a model can't be had on the device and may not run on the CPU
├── NoFace               a photo that must show a face shows none: the job fails
└── ImageRejected        the bytes are no image we can decode: the job fails with `code`
"""


class WorkersError(Exception):
    """A job could not be handled."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class SettingsError(WorkersError):
    """A setting is wrong. See docs/reference/settings.md."""


class StoreUnavailable(WorkersError):
    """The job store did not answer in time. What was asked may have been done all the same."""


class StoreRefused(StoreUnavailable):
    """The job store is full or takes no writes. Nothing was stored."""


class QueueFull(WorkersError):
    """Too many jobs are waiting. Try again later."""

    def __init__(self, *, waiting: int, limit: int) -> None:
        super().__init__(f"{waiting} jobs are waiting and the limit is {limit}. Try again later.")
        self.waiting = waiting
        self.limit = limit


class JobNotFound(WorkersError):
    """There is no such job."""


class JobExpired(JobNotFound):
    """The job has ended and its result has expired, or it was deleted."""

    def __init__(self, message: str | None = None, *, owner: str = "") -> None:
        super().__init__(message)
        #: Whose it was: to anybody else it is unknown.
        self.owner = owner


class IdempotencyConflict(WorkersError):
    """The Idempotency-Key was used for another request. Use a new one."""


class BatchNotFound(WorkersError):
    """There is no such batch."""


class BatchExpired(BatchNotFound):
    """The batch has ended and its results have expired, or it was deleted."""

    def __init__(self, message: str | None = None, *, owner: str = "") -> None:
        super().__init__(message)
        #: Whose it was: to anybody else it is unknown.
        self.owner = owner


class BatchClosed(WorkersError):
    """The batch takes no more items."""


class BatchFull(WorkersError):
    """The batch would have too many items."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"A batch has at most {limit} items. Make another one.")
        self.limit = limit


class ItemConflict(WorkersError):
    """Items are there already with other photos. Nothing was added."""

    def __init__(self, custom_ids: tuple[str, ...]) -> None:
        super().__init__("Items are there already with other photos. Nothing was added.")
        self.custom_ids = custom_ids


class BatchIsCancelled(WorkersError):
    """The batch was cancelled. Nothing of it is retried."""


class BatchRetryOver(WorkersError):
    """The batch has ended too long ago: its photos are gone."""


class BatchNotEnded(WorkersError):
    """The batch has not ended. Cancel it first."""


class JobUnreadable(WorkersError):
    """A job's record in the store can't be read by this version."""


class LeaseLost(WorkersError):
    """Another worker owns the job now. Nothing was written."""


class BlobMissing(WorkersError):
    """The job's image is no longer stored."""


class BlobStoreFailed(WorkersError):
    """The blob store refused a read or write."""


class ImageRejected(WorkersError):
    """The image can't be decoded."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NoFace(WorkersError):
    """No face was found. Send a photo that shows one, larger or brighter."""


class ModelRefused(WorkersError):
    """The device can't have this model now, and it may not run on the CPU."""

    def __init__(self, message: str, *, code: str, retry_ms: int = 0) -> None:
        super().__init__(message)
        #: Why: a reason of `vram.answers` or of `workers.devices.refusals`.
        self.code = code
        #: When asking again makes sense; 0: unknown.
        self.retry_ms = retry_ms
