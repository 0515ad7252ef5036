"""A device without its ledger's store for a while, or without its data, or taken over."""

from typing import Any

import numpy as np
import pytest

from tests.unit.workers.devices.bench import MakeBench
from vram.records import Device
from workers.errors import ModelRefused
from workers.notes import Note


def test_a_store_that_is_away_admits_nothing_but_what_is_in_use_goes_on(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    with bench.residency.use(["face"]) as (held,):
        bench.store.is_away = True

        assert bench.run("face") == ("cpu", "ledger_unavailable")
        assert bench.run("age") == ("cpu", "ledger_unavailable")
        assert held.network.session.run({"data": _faces()}).keys() == {"fc1"}

    assert {note.reason for note in bench.residency.take_notes()} == {"ledger_unavailable"}
    bench.store.is_away = False
    bench.late_seconds += 2
    bench.settle()

    assert bench.run("face") == ("sim:1000", None)
    [entry] = bench.state().entries
    assert len(entry.pins) == 0
    bench.check_book()


@pytest.mark.parametrize("call", ["reserve", "pin", "unpin"])
def test_a_use_whose_answer_was_lost_keeps_nothing_pinned(make_bench: MakeBench, call: str) -> None:
    bench = make_bench()
    if call != "pin":
        bench.run("face")
    bench.store.loses_answer_of = call

    bench.run("face")
    bench.late_seconds += 2
    bench.settle()

    assert [len(entry.pins) for entry in bench.state().entries] == [0]
    assert bench.run("face") == ("sim:1000", None)
    bench.check_book()


def test_after_more_than_a_lease_without_the_store_all_leaves_and_critical_ones_come_back(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    bench.run("finder")
    bench.run("face")
    bench.store.is_away = True
    bench.keeper.beat()
    bench.later(20)
    bench.store.is_away = False

    bench.settle()

    assert bench.residency.on_device == {"finder"}
    assert [name for name, _ in bench.loads].count("finder") == 2
    assert bench.run("face") == ("sim:1000", None)
    bench.check_book()


def test_an_asker_without_the_cpu_waits_for_the_store_only_so_long(make_bench: MakeBench) -> None:
    bench = make_bench(never_on_cpu=("anti_spoofing",))
    bench.store.is_away = True

    with pytest.raises(ModelRefused) as refusal, bench.residency.use(["live"]):
        pass

    assert refusal.value.code == "ledger_unavailable"


def test_a_store_that_lost_its_data_gets_the_device_anew_and_what_is_on_it_is_destroyed(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    bench.run("face")
    last = bench.account.last_gen
    bench.store.client.flushall()

    assert bench.run("face") == ("cpu", "device_lost")
    bench.settle()

    assert bench.residency.on_device == {"finder"}
    assert bench.reloads == 1
    assert bench.run("face") == ("sim:1000", None)
    assert bench.account.last_gen > last
    bench.check_book()


def test_a_device_that_a_newer_worker_holds_is_not_used_any_more(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.run("face")
    device = bench.account.device
    newer = {name: getattr(device, name) for name in Device.__dataclass_fields__}
    bench.store.register(Device(**{**newer, "incarnation": device.incarnation + 1}))

    bench.keeper.beat()
    bench.keeper.work()

    assert bench.card.models_mib == 0
    assert bench.run("face") == ("cpu", "superseded")
    assert bench.residency.recycle_wanted is None
    assert bench.residency.take_notes() == (
        Note(
            model="face",
            step="cpu",
            reason="superseded",
            message="Another worker has taken the device over. Stop one of the two.",
        ),
    )


def _faces() -> "np.ndarray[Any, Any]":
    return np.zeros((1, 3, 8, 8), np.float32)
