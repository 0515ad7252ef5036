"""Jobs as their owner meets them."""

from collections.abc import Callable

import pytest

from api.services import Services
from workers.contract import AnalyzeOptions, JobRoute
from workers.jobs.options import ChunkOptions, JobOptions
from workers.jobs.store import Claim, NewJob

ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
CHUNK = ChunkOptions(batch="batch_" + "1" * 32, items=(1,), options=AnalyzeOptions())

Give = Callable[..., str]


@pytest.fixture
def give(parts: Services) -> Give:
    """Submits a job with its photo; its id by its number."""

    def _give(
        number: int,
        owner: str = "local",
        *,
        tags: tuple[str, ...] = (),
        options: JobOptions | None = None,
        expected_ms: int | None = None,
    ) -> str:
        id_ = f"job_{number:032x}"
        parts.blobs.put(id_, b"photo")
        parts.jobs.submit(
            NewJob(
                id=id_,
                options=options or AnalyzeOptions(),
                route=JobRoute(queue=ROUTE.queue, reason=ROUTE.reason, expected_ms=expected_ms),
                blob_keys=(id_,),
                owner=owner,
                tags=tags,
            )
        )
        return id_

    return _give


@pytest.fixture
def claimed(parts: Services) -> Callable[[str], Claim]:
    """Claims a job and insists on getting it."""

    def _claimed(job_id: str) -> Claim:
        claim = parts.jobs.claim(job_id, claim_id="c")
        assert isinstance(claim, Claim)
        return claim

    return _claimed
