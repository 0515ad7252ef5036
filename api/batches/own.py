"""A batch of the caller's; anybody else's is answered as if there were none."""

import re

from api.endpoint import principal
from api.naming_right import require_naming_right
from api.services import Services
from workers.batches.records import Batch
from workers.errors import BatchExpired, BatchNotFound

_BATCH_ID = re.compile(r"batch_[0-9a-f]{32}")


def own_batch(parts: Services, batch_id: str) -> Batch:
    """The caller's batch of that id.

    Raises:
        BatchNotFound: there is none that the caller may know of.
        BatchExpired: it can't be read any more.
        ScopeMissing: it tells who somebody is, which the caller may not know.
    """
    unknown = BatchNotFound(f"There is no batch '{batch_id}'.")
    if not _BATCH_ID.fullmatch(batch_id):
        raise BatchNotFound("There is no such batch: ids are `batch_` and 32 hexadecimal digits.")
    try:
        batch = parts.batches.get(batch_id)
    except BatchExpired as error:
        if error.owner != principal().user_id:
            raise unknown from None
        raise
    if batch.owner != principal().user_id:
        raise unknown
    require_naming_right(batch.options, principal())
    return batch
