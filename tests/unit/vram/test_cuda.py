"""Which card CUDA means, asked of a library that is like its driver's."""

import ctypes
from dataclasses import dataclass
from typing import Any

import pytest

from vram.cuda import card_uuid

FIRST = "11111111-2222-3333-4444-555555555555"


@dataclass(kw_only=True)
class Driver:
    """As much of libcuda as is asked; errors are numbers, 0 is none."""

    init: int = 0
    get: int = 0
    tell: int = 0

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the library's name
        assert flags == 0
        return self.init

    def cuDeviceGet(self, device: Any, index: int) -> int:  # noqa: ANN401, N802 - see ctypes.byref
        device._obj.value = 70 + index
        return self.get

    def cuDeviceGetUuid_v2(self, found: Any, device: ctypes.c_int) -> int:  # noqa: ANN401, N802
        digit = device.value - 70 + 1
        text = FIRST if digit == 1 else "0" * 32
        for place, byte in enumerate(bytes.fromhex(text.replace("-", ""))):
            found._obj[place] = byte
        return self.tell


def test_a_card_has_the_uuid_that_cuda_gives_it() -> None:
    assert card_uuid(0, Driver()) == FIRST
    assert card_uuid(1, Driver()) == "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("driver", [Driver(init=100), Driver(get=101), Driver(tell=1)])
def test_a_driver_that_refuses_says_nothing(driver: Driver) -> None:
    assert card_uuid(0, driver) is None


def test_a_library_from_before_divided_cards_says_nothing() -> None:
    assert card_uuid(0, object()) is None


def test_a_machine_without_the_library_says_nothing_or_its_card() -> None:
    found = card_uuid(0)

    assert found is None or len(found) == len(FIRST)
