"""What a fault of known people is called towards the user, as the reason a job failed."""

from dataclasses import replace

from workers.contract import JobError
from workers.errors import StoreUnavailable
from workers.identities.errors import (
    CollectionNotFound,
    ConsentMissing,
    ContractMismatch,
    KeyDestroyed,
    PersonNotFound,
    ReembeddingUnderWay,
    VaultUnavailable,
)

#: By error; the message is its own. A collection's or a person's keys are destroyed when they are
#: deleted, so to a job whose keys are gone nobody is there any more.
_OF_ERROR: dict[type[Exception], JobError] = {
    CollectionNotFound: JobError(code="collection_not_found", message=""),
    PersonNotFound: JobError(code="person_not_found", message=""),
    ConsentMissing: JobError(code="consent_missing", message=""),
    ContractMismatch: JobError(code="contract_mismatch", message=""),
    ReembeddingUnderWay: JobError(code="reembedding_under_way", message=""),
    KeyDestroyed: JobError(code="forgotten", message=""),
}
#: Their own messages may speak of addresses.
_ELSEWHERE: dict[type[Exception], JobError] = {
    StoreUnavailable: JobError(
        code="store_unavailable",
        message="The store did not answer in time, so nobody was named. Try again.",
        retryable=True,
    ),
    VaultUnavailable: JobError(
        code="key_vault_unavailable",
        message="The keys of collections can't be read or written now. Try again.",
        retryable=True,
    ),
}


def identity_job_error(error: Exception) -> JobError | None:
    """The error a job about known people fails with; None: it is no such fault."""
    for kind, told in _ELSEWHERE.items():
        if isinstance(error, kind):
            return told
    for kind, told in _OF_ERROR.items():
        if isinstance(error, kind):
            return replace(told, message=str(error))
    return None
