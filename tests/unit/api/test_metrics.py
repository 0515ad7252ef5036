"""What Prometheus scrapes."""

from collections.abc import Callable
from dataclasses import replace

import redis
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.services import Services
from vram.errors import LedgerUnavailable
from vram.fleet import DeviceSummary
from vram.records import Device, DeviceState
from vram.redis_ledger import RedisLedger
from workers.contract import AnalyzeOptions, JobRoute
from workers.jobs import NewJob

Holding = Callable[..., Device]
MIB = 2**20


def samples(client: FlaskClient) -> dict[str, dict[tuple[str, ...], float]]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.get_data(as_text=True)):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_memory_is_told_in_bytes_by_device_and_model(client: FlaskClient, holding: Holding) -> None:
    holding("host/cuda:0", pinned=("sface",), sface=("high", 400), yunet=("critical", 100))

    found = samples(client)

    assert found["vram_allocated_bytes"] == {("host/cuda:0", "gpu"): 500 * MIB}
    assert found["vram_available_bytes"] == {("host/cuda:0", "gpu"): 4738 * MIB}
    assert found["model_memory_usage_bytes"] == {
        ("host/cuda:0", "sface", "ready"): 400 * MIB,
        ("host/cuda:0", "yunet", "ready"): 100 * MIB,
    }
    assert found["model_pins"]["host/cuda:0", "sface"] == 1
    assert found["vram_zone_used_bytes"]["host/cuda:0", "high_priority"] == 400 * MIB
    assert found["model_loads_total"] == {("host/cuda:0",): 2}
    assert found["device_up"] == {("host/cuda:0", "gpu"): 1}


def test_drift_is_what_a_reading_says_more_than_the_book(
    client: FlaskClient, parts: Services, holding: Holding
) -> None:
    device = holding("host/cuda:0", sface=("high", 400))
    version = parts.ledger.version(device.id)
    parts.ledger.observe(device.id, device.incarnation, used_mib=1000, version=version)

    found = samples(client)

    # 200 of the driver and 450 of the context and 400 of the model are booked.
    assert found["vram_drift_bytes"] == {("host/cuda:0",): -50 * MIB}
    assert found["nvidia_gpu_memory_usage_percent"]["host/cuda:0",] == 100 * 1000 / 6144


def test_refusals_breakers_queues_and_times_are_told(
    client: FlaskClient, parts: Services, holding: Holding, summary: DeviceSummary
) -> None:
    device = holding(summary.id)
    parts.fleet.publish(summary, live_seconds=60)
    for _ in range(5):
        parts.fleet.served(device.id, ok=False)
    parts.fleet.learn(service_ms={("gpu", "sface"): 9.0}, load_ms={"sface": 300.0})
    route = JobRoute(queue="cpu.bulk", reason="no_gpu_device")
    parts.jobs.submit(NewJob(id="job_1", options=AnalyzeOptions(), route=route, blob_keys=("b",)))

    found = samples(client)

    assert found["device_breaker_open"] == {(device.id,): 1}
    assert found["model_queue_length"] == {("cpu.bulk",): 1}
    assert found["jobs_waiting"] == {(): 1}
    assert found["model_inference_duration_seconds"] == {("sface", "gpu"): 0.009}
    assert found["model_load_duration_seconds"] == {("sface",): 0.3}
    assert found["model_fallback_total"] == {(device.id,): 0}


def test_a_ledger_that_is_away_is_told_and_hides_nothing_else(
    parts: Services, fake_redis: redis.Redis
) -> None:
    class AwayLedger(RedisLedger):
        def devices(self) -> tuple[DeviceState, ...]:
            raise LedgerUnavailable

    away = replace(parts, ledger=AwayLedger(fake_redis, silent_seconds=15))

    found = samples(create_app(away).test_client())

    assert found["facesocial_store_up"] == {("ledger",): 0, ("jobs",): 1}
    assert found["jobs_waiting"] == {(): 0}
    assert "vram_allocated_bytes" not in found
