"""A device out of memory, at each moment: work goes on, the book stays true, and it is told."""

import numpy as np
import pytest

from models.errors import OutOfMemory
from tests.unit.workers.devices.bench import Bench, MakeBench
from vram.records import Limits
from workers.devices.ladder import LadderSession
from workers.devices.simulated_card import Faults


def _steps(bench: Bench) -> list[tuple[str, str]]:
    return [(note.step, note.reason) for note in bench.residency.take_notes()]


@pytest.mark.parametrize("when", ["load", "first_run"])
def test_at_a_load_the_cpu_does_it_and_the_load_is_tried_again_later(
    make_bench: MakeBench, when: str
) -> None:
    bench = make_bench(faults=(f"out_of_memory@{when}:face",))

    assert bench.run("face") == ("cpu", "out_of_memory")
    assert _steps(bench) == [("cpu", "out_of_memory")]
    assert bench.card.models_mib == 0
    assert bench.state().counters["out_of_memory"] == 1
    assert bench.run("face") == ("cpu", "load_backoff")

    bench.later(5)
    bench.settle()
    assert bench.run("face") == ("sim:1000", None)
    bench.check_book()


def test_a_model_whose_loads_fail_again_and_again_is_left_alone(make_bench: MakeBench) -> None:
    limits = Limits(policy="lru", quarantine_failures=3, pressure_free_mib=0)
    bench = make_bench(faults=("out_of_memory@load:face*9",), limits=limits)
    for _ in range(3):
        assert bench.run("face") == ("cpu", "out_of_memory")
        bench.later(1000)

    assert bench.run("face") == ("cpu", "quarantined")

    assert bench.run("age") == ("sim:1000", None)
    assert len([name for name, _ in bench.loads if name == "face"]) == 3
    bench.settle()
    bench.check_book()


def test_once_in_a_run_the_arena_is_shrunk_and_the_run_repeated(make_bench: MakeBench) -> None:
    bench = make_bench(faults=("out_of_memory@run:face",))

    assert bench.run("face") == ("sim:1000", None)

    assert _steps(bench) == [("arena_shrunk", "out_of_memory")]
    assert bench.state().counters["out_of_memory"] == 1
    assert bench.run("face") == ("sim:1000", None)
    assert _steps(bench) == []


def test_twice_in_a_run_the_batch_is_halved_and_stays_so_for_ten_minutes(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(faults=("out_of_memory@run:face*2",))

    assert bench.run("face") == ("sim:1000", None)

    assert _steps(bench) == [("arena_shrunk", "out_of_memory"), ("smaller_batch", "out_of_memory")]
    with bench.residency.use(["face"]) as (model,):
        session = model.network.session
        assert isinstance(session, LadderSession)
        assert session.largest_batch == 2


def test_before_the_session_is_renewed_others_leave(make_bench: MakeBench) -> None:
    # Shrunk, halved twice; then others have left.
    bench = make_bench(faults=("out_of_memory@run:face*4",))
    bench.run("fake")

    assert bench.run("face") == ("sim:1000", None)

    assert [step for step, _ in _steps(bench)][-1] == "others_evicted"
    assert bench.residency.on_device == {"face"}
    bench.settle()
    assert {entry.model for entry in bench.state().entries} == {"face"}


def test_when_nobody_can_leave_the_session_is_renewed(make_bench: MakeBench) -> None:
    bench = make_bench(faults=("out_of_memory@run:face*4",))

    assert bench.run("face") == ("sim:1000", None)

    assert [step for step, _ in _steps(bench)][-1] == "session_renewed"
    assert bench.run("face", rows=1) == ("sim:1000", None)


def test_when_nothing_helps_the_cpu_does_it_and_the_model_is_loaded_anew(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    bench.run("face")
    bench.card.faults = Faults(("out_of_memory@run:face*4", "out_of_memory@load:face"))

    with bench.residency.use(["face"]) as (model,):
        answers = model.network.session.run({"data": np.ones((4, 3, 8, 8), np.float32)})

    np.testing.assert_allclose(answers["fc1"], 1.0)
    assert [step for step, _ in _steps(bench)] == [
        "arena_shrunk",
        "smaller_batch",
        "session_renewed",
        "cpu",
    ]
    # Halved twice, which is told once.
    assert bench.state().counters["out_of_memory"] == 5
    assert bench.run("face") == ("cpu", "draining")
    bench.settle()
    assert bench.run("face") == ("sim:1000", None)
    bench.check_book()


def test_without_the_cpu_it_fails_with_the_reason_and_the_next_run_works(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(never_on_cpu=("anti_spoofing",))
    bench.run("live")
    bench.card.faults = Faults(("out_of_memory@run:live*4", "out_of_memory@load:live"))

    with pytest.raises(OutOfMemory, match="the CPU may not"):
        bench.run("live")

    assert _steps(bench)[-1] == ("failed", "out_of_memory")
    bench.settle()
    assert bench.run("live") == ("sim:1000", None)
    bench.check_book()


def test_a_model_that_ran_out_of_memory_is_asked_more_room_for(make_bench: MakeBench) -> None:
    bench = make_bench(faults=("out_of_memory@load:face",))
    spec = bench.catalogue.model("face")
    assert bench.place.sizes.mib(spec, 4) == 80

    bench.run("face")

    assert bench.place.sizes.mib(spec, 4) == 88


def test_three_times_in_five_minutes_the_process_starts_afresh(make_bench: MakeBench) -> None:
    # Two to each run: the one after the arena was shrunk fails as well.
    bench = make_bench(faults=("out_of_memory@run:face*8",))
    for seconds in (200, 200, 50):
        bench.run("face", rows=1)
        bench.later(seconds)
        bench.settle()
        assert bench.residency.recycle_wanted is None

    bench.run("face", rows=1)

    assert bench.residency.recycle_wanted == "out_of_memory"


def test_a_broken_device_is_left_at_once_and_the_process_starts_afresh(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(faults=("device_fault@run:face",))

    assert bench.run("face") == ("sim:1000", None)

    assert _steps(bench) == [("cpu", "device_fault")]
    assert bench.residency.recycle_wanted == "device_fault"
    assert bench.run("age") == ("cpu", "device_fault")
    bench.keeper.work()
    assert bench.card.models_mib == 0


def test_a_device_that_breaks_at_a_load_is_left_too(make_bench: MakeBench) -> None:
    bench = make_bench(faults=("device_fault@load:face",))

    assert bench.run("face") == ("cpu", "device_fault")

    assert bench.residency.recycle_wanted == "device_fault"
    assert bench.card.models_mib == 0


def test_a_load_that_hangs_is_given_up_by_the_ledger_and_leaves_nothing(
    make_bench: MakeBench,
) -> None:
    limits = Limits(policy="lru", load_seconds=0.2, unload_seconds=5.0, pressure_free_mib=0)
    bench = make_bench(faults=("hang@load:face",), hang_seconds=3.0, limits=limits)
    bench.keeper.start()

    assert bench.run("face") == ("cpu", "load_stale")

    assert bench.residency.recycle_wanted == "load_hung"
    bench.settle()
    assert bench.state().entries == ()
    assert bench.state().foreign_mib == bench.card.models_mib == 0
    bench.keeper.close()


def test_a_full_card_answers_as_the_runtime_does_and_is_given_back_what_it_lent(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(total_mib=200)
    # What a neighbour took since the last reading.
    bench.card.foreign_mib = 150

    assert bench.run("face", rows=1)[0] == "cpu"

    bench.settle()
    assert bench.state().foreign_mib == 150
    bench.later(10)
    assert bench.run("face", rows=1) == ("sim:1000", None)
    bench.check_book()


def test_a_model_that_turns_out_larger_than_thought_makes_others_leave(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(total_mib=200)
    bench.run("fake")

    def neighbour() -> None:
        bench.card.foreign_mib = 45

    bench.while_loading = neighbour

    assert bench.run("face") == ("sim:1000", None)

    # The neighbour's memory was measured as the model's own.
    bench.settle()
    assert bench.residency.on_device == {"face"}
    [entry] = bench.state().entries
    assert (entry.model, entry.vram_mib) == ("face", 125)
