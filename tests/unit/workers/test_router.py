"""Where jobs are sent: what fleet and queues tell, in the words of queues."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
import redis

from models.catalogue import load_catalogue
from vram.errors import LedgerUnavailable
from vram.fleet import DeviceSummary, Fleet, Outlook
from vram.redis_fleet import RedisFleet
from workers.contract import AnalyzeOptions, IdentifyOptions, JobRoute, queue_of
from workers.errors import StoreUnavailable
from workers.index_places import index_name
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.options import CompareOptions
from workers.jobs.store import JobStore, NewJob
from workers.router import JobRouter
from workers.settings.process import Settings

UID = "col_" + "0" * 32
EVERYTHING = ("yunet", "sface", "cydral_age", "cydral_gender")
CARD = DeviceSummary(
    id="h/sim:700",
    kind="simulated",
    incarnation=1,
    version=1,
    resident=EVERYTHING,
    coming=(),
    free_mib=0,
    evictable_mib={},
    usable_mib=671,
    pressure=False,
)
BULK = AnalyzeOptions(priority="batch")


@pytest.fixture
def fleet(fake_redis: redis.Redis) -> Fleet:
    fleet = RedisFleet(fake_redis)
    fleet.beat_cpu("h:1", live_seconds=60)
    return fleet


@pytest.fixture
def route(fleet: Fleet, jobs: MemoryJobs, settings: Settings) -> Callable[..., JobRoute]:
    return JobRouter(fleet, jobs, load_catalogue(), settings).route


def _fill(jobs: JobStore, queue: str, count: int) -> None:
    for number in range(count):
        name = f"{queue}_{number}"
        there = JobRoute(queue=queue, reason="resident")
        jobs.submit(NewJob(id=name, options=AnalyzeOptions(), route=there, blob_keys=(name,)))


def test_without_a_device_the_cpu_takes_the_job(route: Callable[..., JobRoute]) -> None:
    assert route(AnalyzeOptions()) == JobRoute(
        queue="cpu.interactive",
        reason="no_gpu_device",
        message="No GPU worker is running, so the CPU does the job. If one was started, look into "
        "its log.",
    )


def test_a_device_with_every_model_takes_the_job(
    fleet: Fleet, route: Callable[..., JobRoute]
) -> None:
    fleet.publish(CARD, live_seconds=60)

    assert route(BULK) == JobRoute(
        queue="gpu.h/sim:700.bulk",
        reason="resident",
        device="h/sim:700",
        message="h/sim:700 holds every model the job needs; 0 jobs are ahead.",
    )


@pytest.mark.parametrize(
    ("analyses", "reason"), [(("detection",), "resident"), (("recognition",), "partial_fit")]
)
def test_only_the_models_a_job_needs_count(
    fleet: Fleet, route: Callable[..., JobRoute], analyses: tuple[str, ...], reason: str
) -> None:
    fleet.publish(replace(CARD, resident=("yunet",)), live_seconds=60)

    assert route(AnalyzeOptions.model_validate({"analyses": analyses})).reason == reason


def test_measured_times_are_promised_and_queues_count(
    fleet: Fleet, jobs: MemoryJobs, route: Callable[..., JobRoute]
) -> None:
    fleet.publish(CARD, live_seconds=60)
    times = {("gpu", model): 10.0 for model in EVERYTHING}
    fleet.learn(service_ms={**times, ("cpu", "yunet"): 50.0})  # type: ignore[dict-item]  # of literals
    _fill(jobs, queue_of("interactive", device=CARD.id), 3)
    _fill(jobs, queue_of("bulk", device=CARD.id), 1)

    assert route(AnalyzeOptions()).expected_ms == 4 * 40
    assert route(BULK).expected_ms == 5 * 40
    assert "3 jobs are ahead" in route(AnalyzeOptions()).message


def test_no_time_is_promised_to_jobs_whose_like_was_not_measured(
    fleet: Fleet, route: Callable[..., JobRoute]
) -> None:
    fleet.publish(CARD, live_seconds=60)
    fleet.learn(service_ms={("gpu", model): 10.0 for model in EVERYTHING})

    compared = route(CompareOptions())

    assert (compared.device, compared.reason) == (CARD.id, "resident")
    assert compared.expected_ms is None


def test_bulk_work_spills_to_the_cpu_when_a_device_is_behind(
    fleet: Fleet, jobs: MemoryJobs, route: Callable[..., JobRoute]
) -> None:
    fleet.publish(CARD, live_seconds=60)
    _fill(jobs, queue_of("bulk", device=CARD.id), 30)

    spilt = route(BULK)

    assert (spilt.queue, spilt.reason, spilt.device) == ("cpu.bulk", "cpu_faster", None)
    assert "30 jobs wait for h/sim:700" in spilt.message
    assert route(AnalyzeOptions()).device == CARD.id


def test_a_job_that_waits_stays_where_others_would_not_be_sent_any_more(
    fleet: Fleet, jobs: MemoryJobs, route: Callable[..., JobRoute]
) -> None:
    rival = replace(CARD, id="i/sim:700")
    fleet.publish(CARD, live_seconds=60)
    fleet.publish(rival, live_seconds=60)
    _fill(jobs, queue_of("interactive", device=CARD.id), 1)
    held = JobRoute(queue=queue_of("interactive", device=CARD.id), reason="resident")

    assert route(AnalyzeOptions()).device == rival.id
    assert route(AnalyzeOptions(), held=held).device == CARD.id


def test_a_job_that_names_people_goes_where_their_index_is(
    fleet: Fleet, route: Callable[..., JobRoute]
) -> None:
    identify = IdentifyOptions(collection=UID)
    holder = replace(CARD, id="i/sim:700", resident=(*EVERYTHING, index_name(UID)))
    fleet.publish(CARD, live_seconds=60)
    fleet.publish(holder, live_seconds=60)

    routes = [route(AnalyzeOptions(identify=identify)) for _ in range(20)]

    assert {one.device for one in routes} == {holder.id}
    assert {route(AnalyzeOptions()).device for _ in range(40)} == {CARD.id, holder.id}


def test_where_the_cpu_is_refused_a_job_goes_to_the_device_that_can_have_the_model(
    fleet: Fleet, jobs: MemoryJobs
) -> None:
    options = AnalyzeOptions(analyses=("anti_spoofing",))
    needed = load_catalogue().for_task("anti_spoofing").id
    fleet.publish(replace(CARD, resident=("yunet",), free_mib=0), live_seconds=60)
    other = replace(CARD, id="i/sim:700", resident=(needed,), free_mib=0)
    fleet.publish(other, live_seconds=60)
    _fill(jobs, queue_of("interactive", device=other.id), 500)
    strict = Settings(anti_spoofing_cpu="refuse")

    def chosen(settings: Settings) -> str | None:
        return JobRouter(fleet, jobs, load_catalogue(), settings).route(options).device

    assert chosen(strict) == other.id
    assert chosen(Settings()) != other.id


def test_without_an_answer_from_the_fleet_no_gpu_work_is_admitted(
    fake_redis: redis.Redis, jobs: MemoryJobs, settings: Settings
) -> None:
    class AwayFleet(RedisFleet):
        def outlook(self, models: Sequence[str], *, limit: int = 4) -> Outlook:
            raise LedgerUnavailable(f"{models} {limit}")

    router = JobRouter(AwayFleet(fake_redis), jobs, load_catalogue(), settings)

    route = router.route(AnalyzeOptions())

    assert (route.queue, route.reason) == ("cpu.interactive", "ledger_unavailable")
    assert "did not answer" in route.message


def test_a_job_store_that_is_away_is_told_and_no_queue_is_guessed(
    fleet: Fleet, settings: Settings
) -> None:
    class AwayJobs(MemoryJobs):
        def backlog(self, queues: Sequence[str]) -> Mapping[str, int]:
            raise StoreUnavailable(str(queues))

    with pytest.raises(StoreUnavailable):
        JobRouter(fleet, AwayJobs(settings), load_catalogue(), settings).route(AnalyzeOptions())
