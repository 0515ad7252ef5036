"""What keeps a device's account true: beats, readings, unloads, commands, summaries, the end."""

import threading
import time
from collections.abc import Callable

import pytest

from tests.unit.workers.devices.bench import ID, MakeBench, Store
from vram.records import Command, CommandAction


def _eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _command(store: Store, action: CommandAction, model: str | None = None) -> None:
    store.command(ID, Command(id=f"{action}-{model}", action=action, model=model))


def _answers(store: Store) -> list[str]:
    return [event.detail["answer"] for event in store._ledger.follow(ID) if event.op == "done"]


def test_a_started_keeper_registers_beats_and_shows_the_device_to_routers(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    bench.keeper.start()
    bench.run("face")

    _eventually(lambda: bench.fleet.outlook(["face"]).candidates[0].resident == ("face",))
    [state] = bench.store.devices()
    assert (state.device.id, state.alive, state.device.kind) == (ID, True, "simulated")
    [summary] = bench.fleet.outlook(["face"]).candidates
    assert summary.free_mib == 1000 - 80
    bench.keeper.close()


def test_routers_are_told_of_data_in_memory_beside_the_models(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.keeper.tell_of(lambda: ("index:people",))
    bench.keeper.start()
    bench.run("face")

    _eventually(
        lambda: bench.fleet.outlook(["face"]).candidates[0].resident == ("face", "index:people")
    )
    assert bench.fleet.outlook(["index:people"]).candidates[0].id == ID
    bench.keeper.close()


def test_a_closed_keeper_withdraws_the_device_gives_all_back_and_its_threads_end(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    bench.keeper.start()
    bench.run("face")

    bench.keeper.close()

    assert bench.store.devices() == ()
    assert bench.fleet.outlook(["face"]).live_devices == 0
    assert bench.card.models_mib == 0
    assert not {"device-beat", "device-work"} & {t.name for t in threading.enumerate()}


def test_beats_keep_leases_while_a_model_is_used_for_long(make_bench: MakeBench) -> None:
    bench = make_bench()
    with bench.residency.use(["face"]):
        for _ in range(5):
            bench.later(8)
            bench.settle()
        [entry] = bench.state().entries
        assert entry.state == "ready"
    bench.check_book()


def test_memory_that_others_take_is_found_and_idle_models_leave_for_it(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(total_mib=200)
    bench.run("finder", rows=1)
    bench.run("fake", rows=1)
    bench.live(400)
    bench.card.foreign_mib = 90

    bench.settle()

    assert bench.residency.on_device == {"finder"}
    assert bench.state().foreign_mib == 90
    bench.check_book()


def test_a_model_idle_for_longer_than_it_may_is_unloaded_but_no_critical_one(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(idle_seconds=60)
    bench.run("finder")
    bench.run("age")
    bench.live(40)
    bench.run("face")
    bench.live(30)

    bench.settle()

    assert bench.residency.on_device == {"finder", "face"}
    bench.check_book()


def test_an_idle_limit_of_nothing_keeps_models(make_bench: MakeBench) -> None:
    bench = make_bench(idle_seconds=0)
    bench.run("age")
    bench.live(2000)

    bench.settle()

    assert bench.residency.on_device == {"age"}


@pytest.mark.parametrize(
    ("action", "model", "answer", "there"),
    [
        ("load", "fake", "loaded", {"face", "fake"}),
        ("load", "nobody", "unknown_model", {"face"}),
        ("unload", "face", "unloaded", set()),
        ("unload", "age", "not_loaded", {"face"}),
        ("pin", "age", "loaded", {"face", "age"}),
        ("unpin", "face", "unpinned", {"face"}),
    ],
)
def test_a_command_is_carried_out_once_and_answered(
    make_bench: MakeBench, action: CommandAction, model: str, answer: str, there: set[str]
) -> None:
    bench = make_bench()
    bench.run("face")
    _command(bench.store, action, model)

    bench.settle()

    assert bench.residency.on_device == there
    assert _answers(bench.store) == [answer]
    bench.check_book()


def test_a_pinned_model_is_never_a_victim_and_an_unpinned_one_is_again(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(total_mib=100)
    _command(bench.store, "pin", "age")
    bench.settle()

    assert bench.run("face")[0] == "cpu"
    _command(bench.store, "unpin", "age")
    bench.settle()
    assert bench.run("face", rows=1)[0] == "sim:1000"


def test_a_load_by_name_tries_what_was_given_up(make_bench: MakeBench) -> None:
    bench = make_bench(faults=("out_of_memory@load:face",))
    assert bench.run("face") == ("cpu", "out_of_memory")
    _command(bench.store, "load", "face")

    bench.settle()

    assert bench.residency.on_device == {"face"}


def test_a_model_in_use_is_unloaded_by_command_when_its_use_ends(make_bench: MakeBench) -> None:
    bench = make_bench()
    with bench.residency.use(["face"]):
        _command(bench.store, "unload", "face")
        bench.settle()
        assert bench.residency.on_device == {"face"}
        assert _answers(bench.store) == ["unloaded_when_unused"]

    bench.settle()
    assert bench.residency.on_device == frozenset()
    bench.check_book()


def test_optimise_unloads_idle_models_of_lower_classes_largest_first(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    for name in ("finder", "face", "age", "fake"):
        bench.run(name)
    bench.live(304)
    bench.run("gender")
    _command(bench.store, "optimize")

    bench.settle()

    assert bench.residency.on_device == {"finder", "face", "gender"}
    assert _answers(bench.store) == ["unloaded 2 models, 160 MiB"]


def test_what_was_measured_is_learned_by_the_fleet(make_bench: MakeBench) -> None:
    bench = make_bench()
    for _ in range(3):
        bench.run("face")

    bench.settle()

    outlook = bench.fleet.outlook(["face"])
    assert outlook.service_ms["gpu", "face"] > 0
    assert outlook.load_ms["face"] > 0
    assert outlook.vram_mib["face"] == 80


def test_a_fault_of_the_keeper_s_does_not_end_it(make_bench: MakeBench) -> None:
    bench = make_bench()
    faults = iter([True])

    def preload() -> None:
        if next(faults, False):
            raise ZeroDivisionError

    bench.keeper._preload = preload
    bench.keeper.start()
    bench.run("face")
    with bench.residency.use(["face"]):
        pass
    [entry] = bench.state().entries
    bench.account.drain(entry.gen, why="test")

    _eventually(lambda: bench.residency.on_device == frozenset())
    bench.keeper.close()


def test_a_store_that_is_away_for_a_while_is_found_again_by_the_threads(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    bench.keeper.start()
    bench.run("face")
    bench.store.is_away = True
    time.sleep(0.3)
    assert bench.run("face")[0] == "cpu"

    bench.store.is_away = False

    _eventually(lambda: bench.run("face")[0] == "sim:1000")
    bench.keeper.close()


def test_a_process_that_takes_too_much_of_the_host_starts_afresh(make_bench: MakeBench) -> None:
    bench = make_bench(max_rss_mb=1)

    bench.settle()

    assert bench.residency.recycle_wanted == "host_memory"
