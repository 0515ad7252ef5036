"""Models on a device: loaded once, pinned while used, unloaded for others, else on the CPU."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.errors import InferenceFailed
from tests.unit.workers.devices.bench import MakeBench
from vram.records import Limits
from workers.errors import ModelRefused

NOTHING_LEAVES = Limits(policy="residency", pressure_free_mib=0)


def test_a_used_model_is_on_the_device_and_pinned_until_its_use_ends(make_bench: MakeBench) -> None:
    bench = make_bench()

    with bench.residency.use(["face"]) as (model,):
        assert (model.device, model.reason) == ("sim:1000", None)
        [entry] = bench.state().entries
        assert (entry.model, entry.state, len(entry.pins)) == ("face", "ready", 1)

    [entry] = bench.state().entries
    assert len(entry.pins) == 0
    assert bench.residency.on_device == {"face"}
    bench.check_book()


def test_a_model_is_loaded_for_its_largest_batch_and_its_size_is_what_was_measured(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()

    assert bench.run("face") == ("sim:1000", None)

    [entry] = bench.state().entries
    assert entry.vram_mib == bench.card.models_mib == 40 + 4 * 10
    assert bench.residency.take_notes() == ()


def test_a_second_use_loads_nothing(make_bench: MakeBench) -> None:
    bench = make_bench()

    for _ in range(3):
        bench.run("face")

    assert bench.loads == [("face", "sim:1000")]


def test_without_room_for_the_largest_batch_a_smaller_one_is_taken(make_bench: MakeBench) -> None:
    bench = make_bench(total_mib=65)

    with bench.residency.use(["finder"]) as (model,):
        assert model.network.spec.batch_buckets == (1, 2)
        assert model.device == "sim:1000"

    assert bench.card.models_mib == 60
    bench.check_book()


def test_models_used_together_come_in_the_order_asked_for(make_bench: MakeBench) -> None:
    bench = make_bench()

    with bench.residency.use(["fake", "finder", "face", "fake"]) as models:
        assert [model.network.spec.id for model in models] == ["fake", "finder", "face", "fake"]

    # Loaded in the order of their priority, so that none makes an earlier one leave.
    assert [name for name, _ in bench.loads] == ["finder", "face", "fake"]


def test_whoever_leaves_is_unloaded_before_its_room_is_used(make_bench: MakeBench) -> None:
    bench = make_bench(total_mib=100)
    with bench.residency.use(["fake"]) as (model,):
        session = model.network.session
    assert bench.card.models_mib == 80

    assert bench.run("face", rows=1) == ("sim:1000", None)

    assert bench.residency.on_device == {"face"}
    assert bench.card.models_mib == 50
    with pytest.raises(InferenceFailed, match="closed"):
        session.run({})
    bench.check_book()


def test_a_model_in_use_is_not_unloaded_before_its_use_ends(make_bench: MakeBench) -> None:
    bench = make_bench()
    with bench.residency.use(["age"]) as (model,):
        [entry] = bench.state().entries
        bench.account.drain(entry.gen, why="test")
        bench.settle()

        assert bench.residency.on_device == {"age"}
        assert model.network.session.provider == "CPUExecutionProvider"

    bench.settle()
    assert bench.residency.on_device == frozenset()
    assert bench.card.models_mib == 0
    bench.check_book()


def test_what_the_ledger_refuses_runs_on_the_cpu_and_says_why(make_bench: MakeBench) -> None:
    bench = make_bench(total_mib=100, limits=NOTHING_LEAVES)
    bench.run("finder")

    assert bench.run("face") == ("cpu", "no_eviction_candidates")

    [note] = bench.residency.take_notes()
    assert (note.model, note.step, note.reason) == ("face", "cpu", "no_eviction_candidates")
    assert note.message.startswith("30 MiB are missing for face")
    assert bench.residency.take_notes() == ()
    assert bench.state().counters["cpu"] == 1


def test_a_model_on_the_cpu_is_opened_once(make_bench: MakeBench) -> None:
    bench = make_bench(total_mib=100, limits=NOTHING_LEAVES)
    bench.run("finder")

    with bench.residency.use(["face"]) as (first,), bench.residency.use(["face"]) as (second,):
        assert first.network is second.network
        assert first.view(id) == second.view(id)


def test_a_model_that_may_not_run_on_the_cpu_is_refused(make_bench: MakeBench) -> None:
    bench = make_bench(total_mib=30, never_on_cpu=("anti_spoofing",))

    with pytest.raises(ModelRefused) as refusal, bench.residency.use(["live"]):
        pass

    assert refusal.value.code == "insufficient_vram"
    assert "may not run on the CPU" in str(refusal.value)


def test_those_that_are_refused_may_be_left_out_unless_all_are(make_bench: MakeBench) -> None:
    bench = make_bench(total_mib=30, never_on_cpu=("anti_spoofing",))

    with bench.residency.use(["live", "face"], some=True) as models:
        assert [model.network.spec.id for model in models] == ["face"]
    with pytest.raises(ModelRefused), bench.residency.use(["live"], some=True):
        pass


def test_the_critical_ones_are_loaded_first_and_nobody_leaves_for_the_others(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(total_mib=240)

    bench.residency.load()

    assert bench.loads[0] == ("finder", "sim:1000")
    assert "finder" in bench.residency.on_device
    assert bench.state().counters.get("evictions", 0) == 0
    assert bench.card.models_mib <= 240
    bench.check_book()


def test_many_threads_that_want_a_model_load_it_once(make_bench: MakeBench) -> None:
    bench = make_bench(load_ms=100)
    together = threading.Barrier(6)

    def use(_: int) -> tuple[str, str | None]:
        together.wait()
        return bench.run("face")

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(use, range(6))) == {("sim:1000", None)}

    assert bench.loads == [("face", "sim:1000")]
    [entry] = bench.state().entries
    assert len(entry.pins) == 0


def test_many_threads_on_a_small_device_never_overfill_it(make_bench: MakeBench) -> None:
    bench = make_bench(total_mib=130)
    bench.keeper.start()
    names = ["finder", "face", "age", "gender", "fake"]

    def use(number: int) -> str:
        where, _ = bench.run(names[number % len(names)], rows=1)
        assert bench.card.models_mib <= 130
        return where

    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(use, range(60)))

    bench.keeper.close()
    assert set(places) <= {"sim:1000", "cpu"}
    assert "sim:1000" in places
    assert bench.card.models_mib == 0
    for event in bench.store._ledger.follow(bench.account.device.id):
        assert event.physical_mib <= 130
