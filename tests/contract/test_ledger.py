"""What every ledger does: in memory, on an imitation of Redis, and on a real server."""

import dataclasses
from collections.abc import Callable

import pytest
import redis

from vram.errors import UnknownDevice
from vram.ledger import MAX_BYTES, Device, Resident, VramLedger
from vram.memory_ledger import MemoryLedger
from vram.redis_ledger import RedisLedger

CARD = Device(
    id="cuda:0",
    kind="gpu",
    name="Test Card",
    total_bytes=1000,
    reserved_bytes=200,
    incarnation=5,
    host="here",
)
DETECTOR = Resident(model="detector", vram_bytes=300, basis="device_delta")
EMBEDDER = Resident(model="embedder", vram_bytes=500, basis="weights_file")

MakeLedger = Callable[[float], VramLedger]


@pytest.fixture(
    params=["memory", "fake_redis", pytest.param("real_redis", marks=pytest.mark.redis)]
)
def make_ledger(request: pytest.FixtureRequest) -> MakeLedger:
    """Build the ledger under test with a limit of silent seconds."""
    if request.param == "memory":
        return lambda silent_seconds: MemoryLedger(silent_seconds=silent_seconds)
    client: redis.Redis = request.getfixturevalue(request.param)
    return lambda silent_seconds: RedisLedger(client, silent_seconds=silent_seconds)


@pytest.fixture
def ledger(make_ledger: MakeLedger) -> VramLedger:
    return make_ledger(60.0)


def newer(device: Device) -> Device:
    return dataclasses.replace(device, incarnation=device.incarnation + 1)


def test_incarnations_grow(ledger: VramLedger) -> None:
    numbers = [ledger.next_incarnation() for _ in range(50)]

    assert numbers == sorted(set(numbers))
    assert numbers[-1] < MAX_BYTES


def test_an_empty_ledger_has_no_devices(ledger: VramLedger) -> None:
    assert ledger.devices() == ()


def test_a_registered_device_is_shown_alive_and_empty(ledger: VramLedger) -> None:
    ledger.register(CARD)

    (state,) = ledger.devices()
    assert state.device == CARD
    assert state.residents == ()
    assert state.alive
    assert 0 <= state.silent_seconds < 60
    assert (state.used_bytes, state.free_bytes) == (0, 800)


def test_devices_are_ordered_by_id(ledger: VramLedger) -> None:
    for name in ("sim:2", "cuda:1", "cuda:0"):
        ledger.register(dataclasses.replace(CARD, id=name))

    assert [state.device.id for state in ledger.devices()] == ["cuda:0", "cuda:1", "sim:2"]


def test_registering_the_same_incarnation_again_changes_nothing(ledger: VramLedger) -> None:
    ledger.register(CARD)
    ledger.admit(CARD.id, 5, DETECTOR)

    ledger.register(dataclasses.replace(CARD, name="Other"))

    (state,) = ledger.devices()
    assert state.device == CARD
    assert state.residents == (DETECTOR,)


def test_a_newer_incarnation_starts_with_nothing_resident(ledger: VramLedger) -> None:
    other = dataclasses.replace(CARD, id="cuda:00")
    for device in (CARD, other):
        ledger.register(device)
        ledger.admit(device.id, 5, DETECTOR)

    ledger.register(newer(CARD))

    replaced, untouched = ledger.devices()
    assert (replaced.device, replaced.residents) == (newer(CARD), ())
    assert (untouched.device, untouched.residents) == (other, (DETECTOR,))


def test_an_older_incarnation_is_refused_everything(ledger: VramLedger) -> None:
    ledger.register(newer(CARD))
    before = ledger.devices()[0].residents

    for call in (
        lambda: ledger.register(CARD),
        lambda: ledger.beat(CARD.id, 5),
        lambda: ledger.admit(CARD.id, 5, DETECTOR),
        lambda: ledger.release(CARD.id, 5, "detector"),
    ):
        with pytest.raises(UnknownDevice):
            call()

    assert ledger.devices()[0].residents == before


def test_a_device_nobody_registered_is_refused_everything(ledger: VramLedger) -> None:
    for call in (
        lambda: ledger.beat(CARD.id, 5),
        lambda: ledger.admit(CARD.id, 5, DETECTOR),
        lambda: ledger.release(CARD.id, 5, "detector"),
    ):
        with pytest.raises(UnknownDevice):
            call()


def test_what_fits_is_admitted_and_booked(ledger: VramLedger) -> None:
    ledger.register(CARD)

    admission = ledger.admit(CARD.id, 5, DETECTOR)

    assert (admission.granted, admission.reason) == (True, "direct_allocation")
    assert admission.free_bytes == 500
    (state,) = ledger.devices()
    assert state.residents == (DETECTOR,)
    assert (state.used_bytes, state.free_bytes) == (300, 500)


def test_a_model_may_fill_the_device_to_the_last_byte(ledger: VramLedger) -> None:
    ledger.register(CARD)
    ledger.admit(CARD.id, 5, DETECTOR)

    assert ledger.admit(CARD.id, 5, EMBEDDER).granted
    assert [resident.model for resident in ledger.devices()[0].residents] == [
        "detector",
        "embedder",
    ]
    assert ledger.devices()[0].free_bytes == 0


def test_one_byte_too_many_is_refused_and_changes_nothing(ledger: VramLedger) -> None:
    ledger.register(CARD)
    ledger.admit(CARD.id, 5, DETECTOR)

    admission = ledger.admit(CARD.id, 5, dataclasses.replace(EMBEDDER, vram_bytes=501))

    assert (admission.granted, admission.reason) == (False, "insufficient_space")
    assert admission.free_bytes == 500
    assert ledger.devices()[0].residents == (DETECTOR,)


def test_a_resident_model_is_admitted_again_at_its_first_size(ledger: VramLedger) -> None:
    ledger.register(CARD)
    ledger.admit(CARD.id, 5, DETECTOR)

    admission = ledger.admit(CARD.id, 5, dataclasses.replace(DETECTOR, vram_bytes=9999))

    assert (admission.granted, admission.reason) == (True, "access_existing")
    assert admission.free_bytes == 500
    assert ledger.devices()[0].residents == (DETECTOR,)


def test_a_device_with_everything_reserved_admits_nothing(ledger: VramLedger) -> None:
    ledger.register(dataclasses.replace(CARD, reserved_bytes=2000))

    admission = ledger.admit(CARD.id, 5, dataclasses.replace(DETECTOR, vram_bytes=1))

    assert (admission.granted, admission.free_bytes) == (False, 0)


def test_devices_do_not_share_bytes(ledger: VramLedger) -> None:
    second = dataclasses.replace(CARD, id="cuda:1")
    ledger.register(CARD)
    ledger.register(second)
    ledger.admit(CARD.id, 5, EMBEDDER)

    assert ledger.admit(second.id, 5, EMBEDDER).reason == "direct_allocation"
    assert [state.used_bytes for state in ledger.devices()] == [500, 500]


def test_released_bytes_can_be_admitted_again(ledger: VramLedger) -> None:
    ledger.register(CARD)
    ledger.admit(CARD.id, 5, DETECTOR)
    ledger.admit(CARD.id, 5, EMBEDDER)

    ledger.release(CARD.id, 5, "embedder")

    assert ledger.devices()[0].residents == (DETECTOR,)
    assert ledger.admit(CARD.id, 5, EMBEDDER).reason == "direct_allocation"


def test_releasing_what_is_not_resident_changes_nothing(ledger: VramLedger) -> None:
    ledger.register(CARD)
    ledger.admit(CARD.id, 5, DETECTOR)

    ledger.release(CARD.id, 5, "detect")

    assert ledger.devices()[0].residents == (DETECTOR,)


def test_a_withdrawn_device_is_forgotten_with_its_residents(ledger: VramLedger) -> None:
    ledger.register(CARD)
    ledger.admit(CARD.id, 5, DETECTOR)

    ledger.withdraw(CARD.id, 5)
    ledger.withdraw(CARD.id, 5)

    assert ledger.devices() == ()
    ledger.register(CARD)
    assert ledger.devices()[0].residents == ()


def test_withdrawing_one_device_leaves_the_others(ledger: VramLedger) -> None:
    second = dataclasses.replace(CARD, id="cuda:1")
    for device in (CARD, second):
        ledger.register(device)
        ledger.admit(device.id, 5, DETECTOR)

    ledger.withdraw(CARD.id, 5)

    (state,) = ledger.devices()
    assert (state.device, state.residents) == (second, (DETECTOR,))


def test_an_ended_worker_does_not_withdraw_its_successors_device(ledger: VramLedger) -> None:
    ledger.register(newer(CARD))
    ledger.admit(CARD.id, 6, DETECTOR)

    ledger.withdraw(CARD.id, 5)

    assert ledger.devices()[0].residents == (DETECTOR,)


def test_a_silent_device_is_shown_as_not_alive(make_ledger: MakeLedger) -> None:
    ledger = make_ledger(-1.0)

    ledger.register(CARD)

    (state,) = ledger.devices()
    assert not state.alive


def test_large_sizes_and_any_names_stay_exact(ledger: VramLedger) -> None:
    card = dataclasses.replace(CARD, total_bytes=MAX_BYTES, reserved_bytes=0, name='ü "card" \n')
    odd = Resident(model='a/b "c" ü', vram_bytes=MAX_BYTES - 1, basis="device_delta")
    ledger.register(card)

    assert ledger.admit(card.id, 5, odd).free_bytes == 1
    (state,) = ledger.devices()
    assert (state.device, state.residents) == (card, (odd,))
    ledger.release(card.id, 5, odd.model)
    assert ledger.devices()[0].residents == ()


def test_sizes_that_can_not_be_exact_are_refused() -> None:
    with pytest.raises(ValueError, match="vram_bytes"):
        dataclasses.replace(DETECTOR, vram_bytes=MAX_BYTES + 1)
    with pytest.raises(ValueError, match="total_bytes"):
        dataclasses.replace(CARD, total_bytes=-1)


def test_a_beat_ends_the_silence_in_memory() -> None:
    now = [0.0]
    ledger = MemoryLedger(clock=lambda: now[0], silent_seconds=15.0)
    ledger.register(CARD)

    now[0] = 15.5
    assert (ledger.devices()[0].alive, ledger.devices()[0].silent_seconds) == (False, 15.5)
    ledger.beat(CARD.id, 5)
    now[0] = 30.5
    assert (ledger.devices()[0].alive, ledger.devices()[0].silent_seconds) == (True, 15.0)
