"""Two threads at one model, loads that are broken off or hang, calls that fail in the keeper."""

import threading
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.workers.devices.bench import ID, MakeBench, Store
from vram.answers import Orders
from vram.errors import LedgerUnavailable
from vram.records import Command
from workers.devices.keeper import CLOSE_SECONDS


class _OutOfTime(Exception):
    """As a task's time limit raises it, anywhere."""


def test_who_asks_while_another_thread_puts_a_loaded_model_in_its_place_gets_it(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    found: list[tuple[str, str | None]] = []
    asker = threading.Thread(target=lambda: found.append(bench.run("face")))
    account = cast("Any", bench.account)
    told = account.loaded

    def tell_and_dawdle(*args: object, **kwargs: object) -> object:
        answer = told(*args, **kwargs)
        asker.start()
        time.sleep(0.3)
        return answer

    account.loaded = tell_and_dawdle
    found.append(bench.run("face"))
    asker.join()

    assert found == [("sim:1000", None)] * 2
    assert len(bench.loads) == 1
    bench.check_book()


def test_who_waited_too_long_for_that_is_told_that_the_model_is_being_loaded(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    found: list[tuple[str, str | None]] = []
    asker = threading.Thread(target=lambda: found.append(bench.run("face")))
    account = cast("Any", bench.account)
    told = account.loaded

    def tell_and_dawdle(*args: object, **kwargs: object) -> object:
        answer = told(*args, **kwargs)
        asker.start()
        time.sleep(0.2)
        bench.late_seconds += 6
        asker.join()
        return answer

    account.loaded = tell_and_dawdle
    bench.run("face")

    assert found == [("cpu", "loading")]


def test_a_load_that_a_time_limit_breaks_off_is_waited_for_by_nobody(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    faults = bench.card.faults

    def run_out_of_time(when: str, _: str) -> None:
        if when == "first_run":
            raise _OutOfTime

    bench.card.faults = cast("Any", SimpleNamespace(strike=run_out_of_time))
    with pytest.raises(_OutOfTime):
        bench.run("face")

    assert bench.run("face") == ("cpu", "load_backoff")
    bench.card.faults = faults
    bench.later(5)
    bench.settle()
    assert bench.run("face") == ("sim:1000", None)
    bench.check_book()


def test_a_store_that_goes_in_the_middle_of_a_beat_does_not_hold_it_up(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    bench.run("face")
    bench.account.unpin_later(1, "late")
    ledger = cast("Any", bench.store._ledger)
    unpin, tried = ledger.unpin, []

    def go_away(*_: object, token: str) -> None:
        tried.append(token)
        assert len(tried) == 1, "it was tried again at once"
        raise LedgerUnavailable

    ledger.unpin = go_away
    bench.account.beat(bench.models.gens)

    def answer(*args: object, token: str) -> None:
        tried.append(token)
        unpin(*args, token=token)

    ledger.unpin = answer
    bench.late_seconds += 2
    bench.account.beat(bench.models.gens)
    assert tried == ["late", "late"]


def test_a_fault_of_one_beat_does_not_end_the_beats(make_bench: MakeBench) -> None:
    bench = make_bench()
    beats: list[bool] = []
    told = bench.account.beat

    def fail_once(held: tuple[int, ...]) -> Orders:
        beats.append(True)
        if len(beats) == 1:
            raise ZeroDivisionError
        return told(held)

    cast("Any", bench.account).beat = fail_once
    bench.keeper.start()

    deadline = time.monotonic() + 60
    while len(beats) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    bench.keeper.close()


def test_a_command_that_fails_through_a_fault_is_answered_and_keeps_nothing_waiting(
    make_bench: MakeBench, store: Store
) -> None:
    bench = make_bench()
    store.command(ID, Command(id="1", action="load", model="face"))

    def break_down() -> None:
        raise ZeroDivisionError

    bench.while_loading = break_down
    bench.settle()

    answers = [e.detail["answer"] for e in store._ledger.follow(ID) if e.op == "done"]
    assert answers == ["failed"]


def test_routers_hear_of_loads_and_unloads_before_the_next_beat(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.keeper.beat()
    bench.models.wake.clear()

    bench.run("face")
    assert bench.models.wake.is_set()
    bench.keeper.work()
    assert bench.fleet.outlook(["face"]).candidates[0].resident == ("face",)

    bench.models.destroy_all()
    [entry] = bench.state().entries
    bench.account.drain(entry.gen, why="test")
    bench.keeper.work()
    assert bench.fleet.outlook(["face"]).candidates[0].resident == ()


def test_a_load_that_hangs_in_the_keeper_s_own_thread_is_noticed_and_does_not_keep_the_process(
    make_bench: MakeBench, store: Store
) -> None:
    bench = make_bench()
    bench.card.load_ms = 0.0
    free = threading.Event()
    bench.while_loading = lambda: cast("None", free.wait(60))
    store.command(ID, Command(id="1", action="load", model="face"))
    bench.keeper.start()

    deadline = time.monotonic() + 60
    while not bench.models.coming:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # The ledger gives the load up.
    for gen in bench.models.coming:
        bench.account.fail(gen, why="test")
    while bench.residency.recycle_wanted != "load_hung":
        assert time.monotonic() < deadline
        time.sleep(0.01)

    started = time.monotonic()
    bench.keeper.close()
    assert time.monotonic() - started < CLOSE_SECONDS + 5
    free.set()
    for thread in bench.keeper._threads:
        thread.join(60)


def test_what_shortages_teach_has_an_end(make_bench: MakeBench) -> None:
    bench = make_bench()
    for _ in range(100):
        bench.place.shortages.ran_out("face")

    assert bench.place.shortages.grown("face", 100) == 200
