"""A worker's device at its start: found, proven, described, and put together."""

import json
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from models.catalogue import Catalogue
from models.errors import ProviderUnavailable
from models.weights.store import WeightStore
from tests.unit.workers.devices.bench import SPECS, Store
from vram.errors import ProbeFailed
from vram.probe import FixedProbe
from vram.records import Limits
from vram.redis_fleet import RedisFleet
from vram.redis_ledger import RedisLedger
from workers.contract import local_device
from workers.devices.device import open_device
from workers.devices.setup import Hardware, describe, find_hardware, margins
from workers.settings.process import Settings


def test_a_simulated_device_has_neither_driver_nor_context_and_says_what_it_is() -> None:
    settings = Settings(device="sim:700")

    found = find_hardware(settings)

    assert found is not None
    assert found.card is not None
    device = describe(settings, found, incarnation=3)
    assert (device.kind, device.total_mib, device.verified) == ("simulated", 700, True)
    assert (device.reserved_mib, device.context_mib, device.headroom_mib) == (0, 0, 29)
    assert device.id == local_device("sim:700")
    assert device.incarnation == 3


def test_a_second_simulated_device_of_the_same_size_is_another_device() -> None:
    settings = Settings(device="sim:700:1")
    found = find_hardware(settings)

    assert found is not None
    assert (found.total_mib, describe(settings, found, incarnation=1).id) == (
        700,
        local_device("sim:700:1"),
    )


def test_what_is_kept_free_shrinks_with_the_device() -> None:
    limits = Limits(pressure_free_mib=200)

    assert margins(6144, 256, limits) == (256, limits)
    assert margins(24_000, 256, limits) == (256, limits)
    headroom_mib, small = margins(700, 256, limits)
    assert (headroom_mib, small.pressure_free_mib) == (29, 23)


def test_a_device_that_can_not_be_read_keeps_twice_the_headroom_and_is_not_verified() -> None:
    settings = Settings(device="cuda:0", vram_total_mb=6144)
    found = Hardware(
        probe=None, name="unknown card", total_mib=6144, reserved_mib=200, context_mib=450
    )

    device = describe(settings, found, incarnation=1)

    assert (device.kind, device.verified, device.headroom_mib) == ("gpu", False, 512)


def test_a_card_s_limits_are_the_settings() -> None:
    settings = Settings(device="cuda:0", vram_policy="lru", vram_lease_seconds=7)
    probe = FixedProbe(total_bytes=6144 * 2**20)
    found = Hardware(probe=probe, name="card", total_mib=6144, reserved_mib=190, context_mib=412)

    device = describe(settings, found, incarnation=1)

    assert (device.limits.policy, device.limits.lease_seconds) == ("lru", 7)
    assert (device.reserved_mib, device.context_mib, device.headroom_mib) == (190, 412, 256)


def test_a_cpu_worker_has_no_device() -> None:
    assert find_hardware(Settings()) is None


@pytest.mark.parametrize("device", ["cpu", "sim:700"])
def test_where_a_gpu_is_required_nothing_else_will_do(device: str) -> None:
    with pytest.raises(ProviderUnavailable, match="REQUIRE_GPU"):
        find_hardware(Settings(device=device, require_gpu=True))


def test_a_card_that_does_not_compute_is_not_registered_and_the_log_says_so() -> None:
    with capture_logs() as logs:
        found = find_hardware(Settings(device="cuda:77", vram_total_mb=6144))

    assert found is None
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["device.not_proven"]


def test_a_required_card_that_does_not_compute_ends_the_worker() -> None:
    settings = Settings(device="cuda:77", vram_total_mb=6144, require_gpu=True)

    with pytest.raises((ProviderUnavailable, ProbeFailed)):
        find_hardware(settings)


def test_an_opened_device_is_registered_kept_and_withdrawn(
    store: Store, tiny_weights: WeightStore, tmp_path: Path
) -> None:
    ledger, fleet = RedisLedger(store.client, silent_seconds=15), RedisFleet(store.client)
    settings = Settings(device="sim:700", data_dir=tmp_path, anti_spoofing_cpu="refuse")
    catalogue = Catalogue(models={spec.id: spec for spec in SPECS}, defaults={})
    found = find_hardware(settings)
    assert found is not None

    opened = open_device(
        settings, found, ledger=ledger, fleet=fleet, store=tiny_weights, catalogue=catalogue
    )

    with opened.residency.use(["live", "face"]) as models:
        assert {model.device for model in models} == {"sim:700"}
    [state] = ledger.devices()
    assert {entry.model for entry in state.entries} == {"live", "face"}
    assert opened.models.place.card is not None
    assert opened.models.place.card.models_mib == state.physical_mib
    opened.keeper.close()
    assert ledger.devices() == ()


def test_a_model_that_was_used_once_and_is_gone_is_not_preloaded_and_keeps_no_other_from_it(
    store: Store, tiny_weights: WeightStore, tmp_path: Path
) -> None:
    history = {"days": [9.0] * 24, "uses": {"gone": [9.5] * 24, "face": [9.0] * 24}}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "usage-sim-700.json").write_text(json.dumps(history), "utf-8")
    settings = Settings(device="sim:700", data_dir=tmp_path, preload_probability=0.5)
    found = find_hardware(settings)
    assert found is not None
    opened = open_device(
        settings,
        found,
        ledger=RedisLedger(store.client, silent_seconds=15),
        fleet=RedisFleet(store.client),
        store=tiny_weights,
        catalogue=Catalogue(models={spec.id: spec for spec in SPECS}, defaults={}),
    )

    deadline = time.monotonic() + 60
    while opened.residency.on_device != {"face"}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    opened.keeper.close()
