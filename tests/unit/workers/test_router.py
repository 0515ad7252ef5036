"""Where jobs go: the ledger's answer, in the words of queues."""

from collections.abc import Sequence

import pytest

from models.catalogue import load_catalogue
from vram.errors import LedgerUnavailable
from vram.ledger import Device, DeviceState, Resident
from vram.memory_ledger import MemoryLedger
from workers.contract import AnalyzeOptions, JobRoute
from workers.router import JobRouter

EVERYTHING = ("yunet", "sface", "cydral_age", "cydral_gender")


def _router(residents: Sequence[str] | None) -> JobRouter:
    ledger = MemoryLedger()
    if residents is not None:
        incarnation = ledger.next_incarnation()
        ledger.register(
            Device(
                id="h/sim:1",
                kind="simulated",
                name="simulated device",
                total_bytes=100,
                reserved_bytes=0,
                incarnation=incarnation,
                host="h",
            )
        )
        for model in residents:
            ledger.admit(
                "h/sim:1",
                incarnation,
                Resident(model=model, vram_bytes=1, basis="weights_file"),
            )
    return JobRouter(ledger, load_catalogue())


def test_without_a_device_the_cpu_takes_the_job() -> None:
    assert _router(None).route(AnalyzeOptions()) == JobRoute(
        queue="cpu.interactive", reason="no_gpu_device"
    )


def test_a_device_with_every_model_takes_the_job() -> None:
    assert _router(EVERYTHING).route(AnalyzeOptions(priority="batch")) == JobRoute(
        queue="gpu.bulk", reason="resident", device="h/sim:1"
    )


@pytest.mark.parametrize(
    ("analyses", "queue"),
    [(("detection",), "gpu.interactive"), (("recognition",), "cpu.interactive")],
)
def test_only_the_models_a_job_needs_count(analyses: tuple[str, ...], queue: str) -> None:
    options = AnalyzeOptions.model_validate({"analyses": analyses})

    assert _router(("yunet",)).route(options).queue == queue


def test_without_an_answer_from_the_ledger_no_gpu_work_is_admitted() -> None:
    class AwayLedger(MemoryLedger):
        def devices(self) -> tuple[DeviceState, ...]:
            raise LedgerUnavailable

    route = JobRouter(AwayLedger(), load_catalogue()).route(AnalyzeOptions())

    assert route == JobRoute(queue="cpu.interactive", reason="ledger_unavailable")
