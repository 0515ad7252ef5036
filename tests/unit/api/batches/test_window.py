import threading
from collections.abc import Iterator

import pytest

from api.batches.window import Step, in_window

ENOUGH = 1000


def test_results_come_in_the_order_of_the_steps() -> None:
    later = threading.Event()

    def first() -> int:
        assert later.wait(60)
        return 0

    def second() -> int:
        later.set()
        return 1

    steps = [Step(call=call, held_bytes=1) for call in (first, second)]

    assert list(in_window(steps, width=2, most_bytes=ENOUGH)) == [0, 1]


@pytest.mark.parametrize(("width", "held_bytes", "most"), [(3, 1, 3), (8, 400, 2), (8, 5000, 1)])
def test_no_more_are_begun_than_there_is_room_for(width: int, held_bytes: int, most: int) -> None:
    lock, running, seen = threading.Lock(), [0], [0]

    def call() -> int:
        with lock:
            running[0] += 1
            seen[0] = max(seen[0], running[0])
        threading.Event().wait(0.01)
        with lock:
            running[0] -= 1
        return 1

    steps = [Step(call=call, held_bytes=held_bytes) for _ in range(12)]

    assert sum(in_window(steps, width=width, most_bytes=ENOUGH)) == 12
    assert 1 <= seen[0] <= most


def test_what_was_begun_before_a_fault_is_told_first() -> None:
    def steps() -> Iterator[Step[int]]:
        yield Step(call=lambda: 1, held_bytes=1)
        yield Step(call=lambda: 2, held_bytes=1)
        raise ValueError("damaged")

    found: list[int] = []
    with pytest.raises(ValueError, match="damaged"):
        found.extend(in_window(steps(), width=4, most_bytes=ENOUGH))

    assert found == [1, 2]


def test_a_step_that_fails_ends_it() -> None:
    def fail() -> int:
        raise ValueError("full")

    with pytest.raises(ValueError, match="full"):
        list(in_window([Step(call=fail, held_bytes=1)], width=2, most_bytes=ENOUGH))
