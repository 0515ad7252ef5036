"""Memory of this process is counted once it is filled, and no longer once it is given back."""

import numpy as np
import pytest

from benchmarks.own_memory import give_back_memory, own_bytes

#: So much that what other threads of the process take or give back meanwhile does not matter.
MUCH_BYTES = 512 * 1024**2


def test_filled_memory_is_counted_and_memory_given_back_is_not() -> None:
    give_back_memory()
    before_bytes = own_bytes()

    filled = np.ones(MUCH_BYTES, np.uint8)
    with_much_bytes = own_bytes()
    del filled
    give_back_memory()

    assert with_much_bytes - before_bytes == pytest.approx(MUCH_BYTES, rel=0.25)
    assert own_bytes() - before_bytes == pytest.approx(0, abs=MUCH_BYTES / 4)
