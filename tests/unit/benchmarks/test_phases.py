import pytest

from benchmarks.baseline import rounded_up
from benchmarks.phases import exchange_of

JOB = {
    "created_at": "2026-01-01T00:00:00.010+00:00",
    "started_at": "2026-01-01T00:00:00.030+00:00",
    "finished_at": "2026-01-01T00:00:00.130+00:00",
    "result": {"timings_ms": {"total": 95.5}},
}
#: 2026-01-01T00:00:00 UTC.
MIDNIGHT = 1767225600.0


def test_an_exchange_is_cut_where_the_job_changed_its_state() -> None:
    exchange = exchange_of(
        "one", JOB, sent=MIDNIGHT, accepted=MIDNIGHT + 0.025, received=MIDNIGHT + 0.134
    )

    assert exchange.accept_ms == pytest.approx(25, abs=0.01)
    assert exchange.store_ms == pytest.approx(10, abs=0.01)
    assert exchange.queue_ms == pytest.approx(20, abs=0.01)
    assert exchange.pipeline_ms == 95.5
    assert exchange.worker_rest_ms == pytest.approx(4.5, abs=0.01)
    assert exchange.deliver_ms == pytest.approx(4, abs=0.01)
    assert exchange.latency_ms == pytest.approx(134, abs=0.01)


@pytest.mark.parametrize(
    ("number", "step", "expected"), [(1, 4, 4), (4, 4, 4), (5, 4, 8), (100, 4, 100)]
)
def test_photos_are_rounded_up_so_that_processes_share_them_evenly(
    number: int, step: int, expected: int
) -> None:
    assert rounded_up(number, step) == expected
