"""What Prometheus scrapes."""

from collections.abc import Callable
from dataclasses import replace

import redis
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.services import Services
from api.store_memory import FixedGauge, StoreMemory
from vram.errors import LedgerUnavailable
from vram.fleet import DeviceSummary
from vram.records import Device, DeviceState
from vram.redis_ledger import RedisLedger
from workers.contract import AnalyzeOptions, JobError, JobRoute
from workers.jobs.store import Claim, NewJob

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


def test_requests_are_told_by_route_and_status_and_strangers_words_are_no_labels(
    client: FlaskClient, parts: Services
) -> None:
    client.get("/api/v1/jobs/job_0123456789abcdef0123456789abcdef")
    client.open("/made/up", method="BREW")

    found = samples(client)

    assert found["http_requests_total"] == {
        ("GET", "/api/v1/jobs/<job_id>", "404"): 1,
        ("other", "none", "404"): 1,
    }
    assert found["http_request_duration_seconds_count"]["GET", "/api/v1/jobs/<job_id>"] == 1
    parts.traffic.count("GET", "/slow", 200, 0.3)
    buckets = samples(client)["http_request_duration_seconds_bucket"]
    assert buckets["0.25", "GET", "/slow"] == 0
    assert buckets["0.5", "GET", "/slow"] == 1
    assert buckets["+Inf", "GET", "/slow"] == 1


def test_a_wait_that_was_asked_for_is_no_slowness(client: FlaskClient, parts: Services) -> None:
    route = JobRoute(queue="cpu.bulk", reason="no_gpu_device")
    job_id = "job_0123456789abcdef0123456789abcdef"
    new = NewJob(id=job_id, options=AnalyzeOptions(), route=route, blob_keys=("b",))
    parts.jobs.submit(new)

    assert client.get(f"/api/v1/jobs/{job_id}?wait=1").get_json()["state"] == "queued"

    [times] = parts.traffic.figures().times.values()
    assert times.seconds < 0.5


def test_ends_of_jobs_are_told_by_kind_state_and_code(client: FlaskClient, parts: Services) -> None:
    route = JobRoute(queue="cpu.bulk", reason="no_gpu_device")
    for job_id in ("job_1", "job_2"):
        new = NewJob(id=job_id, options=AnalyzeOptions(), route=route, blob_keys=("b",))
        parts.jobs.submit(new)
    claim = parts.jobs.claim("job_1", claim_id="c")
    assert isinstance(claim, Claim)
    parts.jobs.fail(claim, JobError(code="image_truncated", message=""))
    parts.jobs.cancel("job_2")

    # Labels in the order of their names: code, kind, state.
    found = samples(client)["jobs_ended_total"]

    assert {how: jobs for how, jobs in found.items() if jobs} == {
        ("image_truncated", "analyze", "failed"): 1,
        ("", "analyze", "cancelled"): 1,
    }
    assert found["poisoned", "enroll", "failed"] == 0


def test_how_full_the_store_is_is_told_where_it_may_be_asked(parts: Services) -> None:
    memory = StoreMemory(used_bytes=7 * MIB, limit_bytes=0)
    told = replace(parts, store_gauge=FixedGauge(memory))
    silent = replace(parts, store_gauge=FixedGauge(None))

    found = samples(create_app(told).test_client())
    without = samples(create_app(silent).test_client())

    assert found["store_memory_used_bytes"] == {(): 7 * MIB}
    assert found["store_memory_limit_bytes"] == {(): 0}
    assert "store_memory_used_bytes" not in without
    assert without["jobs_waiting"] == {(): 0}


def test_what_deletions_have_left_to_do_is_told(client: FlaskClient, parts: Services) -> None:
    person = {"id": "ada", "name": "Ada"}
    assert client.post("/api/v1/collections/default/persons", json=person).status_code == 201

    assert samples(client)["identity_keys_to_destroy"] == {(): 0}
    client.delete("/api/v1/collections/default/persons/ada")

    assert samples(client)["identity_keys_to_destroy"] == {(): 1}
    doomed = parts.identities.forgetting.doomed(limit=10)
    for uid, leaves in doomed.items():
        parts.identities.forgetting.destroyed(uid, leaves, keys_version=2)
    assert samples(client)["identity_keys_to_destroy"] == {(): 0}


def test_the_same_figures_are_at_all_addresses(client: FlaskClient) -> None:
    found = [
        set(client.get(address).text.split("\n"))
        for address in ("/metrics", "/api/v1/metrics", "/api/v1/system/metrics")
    ]

    names = [{line for line in lines if line.startswith("# TYPE")} for lines in found]
    assert names[0] == names[1] == names[2]
    assert "# TYPE vram_total_bytes gauge" in names[0]
