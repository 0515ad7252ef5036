"""A worker's device in the ledger: registered, alive, found again after a loss, withdrawn."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from vram.errors import LedgerUnavailable, UnknownDevice
from vram.ledger import Resident
from vram.memory_ledger import MemoryLedger
from vram.probe import SimulatedProbe
from workers.device_holder import DeviceHolder

YUNET = Resident(model="yunet", vram_bytes=60, basis="weights_file")


class WatchedLedger(MemoryLedger):
    """Counts beats; can lose its data or be away, as a store can."""

    def __init__(self) -> None:
        super().__init__()
        self.beats = 0
        self.fault: Exception | None = None

    def beat(self, device_id: str, incarnation: int) -> None:
        self.beats += 1
        if self.fault:
            raise self.fault
        super().beat(device_id, incarnation)


@pytest.fixture
def ledger() -> WatchedLedger:
    return WatchedLedger()


@pytest.fixture
def holder(ledger: WatchedLedger) -> Iterator[DeviceHolder]:
    holder = DeviceHolder(
        ledger,
        device="sim:1",
        probe=SimulatedProbe(total_bytes=100),
        reserved_bytes=10,
        beat_every_seconds=0.01,
    )
    holder.start()
    yield holder
    holder.close()


def _eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.usefixtures("holder")
def test_a_started_holder_shows_its_device_and_beats(ledger: WatchedLedger) -> None:
    [state] = ledger.devices()

    assert state.device.id.endswith("/sim:1")
    assert state.device.kind == "simulated"
    assert state.device.usable_bytes == 90
    _eventually(lambda: ledger.beats >= 3)


def test_models_are_admitted_until_the_device_is_full(
    ledger: WatchedLedger, holder: DeviceHolder
) -> None:
    assert holder.admit(YUNET).granted
    refused = holder.admit(Resident(model="big", vram_bytes=31, basis="weights_file"))

    assert (refused.granted, refused.reason) == (False, "insufficient_space")
    holder.release("yunet")
    assert holder.admit(Resident(model="big", vram_bytes=31, basis="weights_file")).granted
    assert [r.model for r in ledger.devices()[0].residents] == ["big"]


def test_a_store_that_lost_its_data_learns_of_device_and_models_again(
    ledger: WatchedLedger, holder: DeviceHolder
) -> None:
    holder.admit(YUNET)
    [state] = ledger.devices()

    ledger.withdraw(state.device.id, state.device.incarnation)

    _eventually(lambda: ledger.devices() and ledger.devices()[0].residents == (YUNET,))


def test_an_absent_store_is_asked_again(ledger: WatchedLedger, holder: DeviceHolder) -> None:
    ledger.fault = LedgerUnavailable()
    seen = ledger.beats
    _eventually(lambda: ledger.beats >= seen + 3)

    ledger.fault = None

    _eventually(lambda: ledger.devices()[0].alive)
    assert holder.admit(YUNET).granted


def test_a_device_that_a_newer_worker_holds_is_left_to_it(
    ledger: WatchedLedger, holder: DeviceHolder
) -> None:
    newer = DeviceHolder(
        ledger, device="sim:1", probe=SimulatedProbe(total_bytes=100), reserved_bytes=10
    )
    newer.start()
    assert newer.admit(YUNET).granted
    seen = ledger.beats
    _eventually(lambda: ledger.beats >= seen + 3)

    with pytest.raises(UnknownDevice):
        holder.admit(YUNET)
    assert ledger.devices()[0].residents == (YUNET,)
    newer.close()


def test_a_closed_holder_withdraws_its_device_and_its_thread_ends(ledger: WatchedLedger) -> None:
    holder = DeviceHolder(
        ledger, device="sim:2", probe=SimulatedProbe(total_bytes=100), reserved_bytes=10
    )
    holder.start()
    holder.close()

    assert ledger.devices() == ()
    assert "device-beat" not in {thread.name for thread in threading.enumerate()}
