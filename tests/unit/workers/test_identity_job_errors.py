"""What faults of known people are called when a job fails with them."""

import pytest

from workers.errors import StoreRefused, StoreUnavailable
from workers.identities.errors import (
    CollectionNotFound,
    ConsentMissing,
    ContractMismatch,
    KeyDestroyed,
    PersonNotFound,
    ReembeddingUnderWay,
    VaultUnavailable,
)
from workers.job_errors import job_error


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (CollectionNotFound(), "collection_not_found", False),
        (PersonNotFound(), "person_not_found", False),
        (ConsentMissing(), "consent_missing", False),
        (ContractMismatch(), "contract_mismatch", False),
        (ReembeddingUnderWay(), "reembedding_under_way", False),
        (KeyDestroyed(), "forgotten", False),
        (VaultUnavailable("The key vault /mnt/secret is away"), "key_vault_unavailable", True),
        (StoreUnavailable("redis://secret@host is away"), "store_unavailable", True),
        (StoreRefused(), "store_unavailable", True),
    ],
)
def test_a_fault_of_known_people_has_a_code_of_its_own(
    error: Exception, code: str, *, retryable: bool
) -> None:
    told = job_error(error, time_limit_error=TimeoutError)

    assert (told.code, told.retryable) == (code, retryable)
    assert told.message
    assert "secret" not in told.message
