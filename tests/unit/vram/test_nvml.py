"""Reading NVIDIA cards, from a library that is like NVML."""

import os
import re
from pathlib import Path

import pynvml
import pytest

from vram.errors import ProbeFailed
from vram.nvml import NvmlProbe, list_gpus
from vram.testing import FakeCard, FakeNvml

MIB = 2**20
GIB = 2**30


def test_a_card_is_found_by_its_index() -> None:
    cards = [FakeCard(name="First"), FakeCard(name="Second", total=8 * GIB, free=5 * GIB)]

    probe = NvmlProbe(1, FakeNvml(cards=cards))

    assert (probe.name, probe.total_bytes, probe.used_bytes()) == ("Second", 8 * GIB, 3 * GIB)
    assert (probe.identity.uuid, probe.identity.driver) == ("GPU-0", "580.1")
    assert probe.identity.notes == ()


def test_a_card_is_found_by_its_uuid() -> None:
    cards = [FakeCard(name="First", uuid="GPU-a"), FakeCard(name="Second", uuid="GPU-b")]

    assert NvmlProbe(nvml=FakeNvml(cards=cards), uuid="GPU-b").name == "Second"


@pytest.mark.parametrize(("knows_v2", "reserved"), [(True, 200), (False, None)])
def test_both_versions_of_the_reading_count_the_driver_s_part_as_taken(
    *, knows_v2: bool, reserved: int | None
) -> None:
    card = FakeCard(total=6 * GIB, free=5 * GIB, reserved=200 * MIB)
    probe = NvmlProbe(0, FakeNvml(cards=[card], knows_v2=knows_v2))

    found = probe.read()

    assert (found.used_mib, found.reserved_mib) == (1024, reserved)


def test_load_and_temperature_are_read() -> None:
    found = NvmlProbe(0, FakeNvml(cards=[FakeCard()])).read()

    assert (found.utilisation_percent, found.temperature_celsius) == (40, 55)


def test_what_a_driver_does_not_tell_is_left_open() -> None:
    card = FakeCard(utilisation_percent=None, temperature_celsius=None)

    found = NvmlProbe(0, FakeNvml(cards=[card])).read()

    assert (found.utilisation_percent, found.temperature_celsius, found.own_mib) == (None,) * 3


@pytest.mark.parametrize(
    ("processes", "own"),
    [
        ({os.getpid(): 450 * MIB + 1, 1: GIB}, 451),
        # A container shows the host's numbers, Windows no sizes.
        ({999_999_999: GIB}, None),
        ({os.getpid(): None}, None),
        ({}, None),
        (None, None),
    ],
)
def test_this_process_s_part_is_shown_where_it_can_be_seen(
    processes: dict[int, int | None] | None, own: int | None
) -> None:
    card = FakeCard(processes=processes)

    assert NvmlProbe(0, FakeNvml(cards=[card])).read().own_mib == own


def _divided() -> FakeCard:
    instances = [
        None,
        FakeCard(name="Fake MIG 1g", uuid="MIG-a", total=10 * GIB, free=9 * GIB),
        FakeCard(name="Fake MIG 2g", uuid="MIG-b", total=20 * GIB, free=19 * GIB),
    ]
    for instance in instances:
        if instance is not None:
            instance.utilisation_percent = instance.temperature_celsius = None
    return FakeCard(total=80 * GIB, free=40 * GIB, instances=instances)


@pytest.mark.parametrize(("uuid", "total"), [(None, 10), ("MIG-b", 20), ("GPU-0", 10)])
def test_of_a_divided_card_its_instance_s_memory_counts(uuid: str | None, total: int) -> None:
    probe = NvmlProbe(0, FakeNvml(cards=[_divided()]), uuid=uuid)

    assert (probe.total_bytes, probe.used_bytes()) == (total * GIB, GIB)
    assert probe.identity.kind == "mig"
    assert any("can't be read" in note for note in probe.identity.notes)
    # The temperature is the card's.
    assert (probe.read().utilisation_percent, probe.read().temperature_celsius) == (None, 55)


@pytest.mark.parametrize(("uuid", "kind", "total"), [("b", "mig", 20), ("0", "mig", 10)])
def test_cuda_s_uuid_has_no_prefix_and_may_be_an_instance_s(
    uuid: str, kind: str, total: int
) -> None:
    probe = NvmlProbe(0, FakeNvml(cards=[_divided()]), uuid=uuid)

    assert (probe.identity.kind, probe.total_bytes) == (kind, total * GIB)


def test_cuda_s_card_is_read_and_not_the_one_of_the_same_number() -> None:
    cards = [FakeCard(name="First", uuid="GPU-a"), FakeCard(name="Second", uuid="GPU-b")]

    assert NvmlProbe(0, FakeNvml(cards=cards), uuid="b").name == "Second"


def test_a_card_that_only_cuda_knows_fails_the_probe() -> None:
    with pytest.raises(ProbeFailed):
        NvmlProbe(0, FakeNvml(cards=[FakeCard()]), uuid="other")


def test_a_divided_card_without_an_instance_is_no_device() -> None:
    with pytest.raises(ProbeFailed, match="no instance"):
        NvmlProbe(0, FakeNvml(cards=[FakeCard(instances=[None, None])]))


def test_a_virtual_machine_s_share_is_told_from_a_card() -> None:
    card = FakeCard(virtualisation=pynvml.NVML_GPU_VIRTUALIZATION_MODE_VGPU)

    assert NvmlProbe(0, FakeNvml(cards=[card])).identity.kind == "vgpu"


@pytest.mark.parametrize(
    ("system", "model", "spills"),
    [
        ("6.8.0-generic", None, False),
        ("5.15.153.1-microsoft-standard-WSL2", None, True),
        ("11", pynvml.NVML_DRIVER_WDDM, True),
        ("11", pynvml.NVML_DRIVER_MCDM, False),
    ],
)
def test_memory_that_windows_manages_is_told(
    system: str, model: int | None, *, spills: bool
) -> None:
    card = FakeCard(driver_model=model)

    identity = NvmlProbe(0, FakeNvml(cards=[card]), system=system).identity

    assert any("spill" in note for note in identity.notes) is spills


class TestCap:
    """A larger card treated as one of 6144 MiB."""

    def _capped(self, card: FakeCard) -> NvmlProbe:
        return NvmlProbe(0, FakeNvml(cards=[card]), cap_mib=6144)

    def test_what_others_had_before_is_left_out_and_the_driver_s_part_is_not(self) -> None:
        card = FakeCard(total=80 * GIB, free=70 * GIB, reserved=600 * MIB)
        probe = self._capped(card)

        assert probe.total_bytes == 6 * GIB
        assert probe.used_bytes() == 600 * MIB
        assert "capped at 6144 of 81920 MiB; 9640 MiB taken before" in probe.identity.notes[0]

    def test_what_is_taken_later_by_anybody_counts(self) -> None:
        card = FakeCard(total=80 * GIB, free=70 * GIB)
        probe = self._capped(card)

        card.free -= 2 * GIB

        assert probe.used_bytes() == 2 * GIB
        assert probe.read().free_mib == 4096

    def test_what_others_give_back_does_not_hide_what_we_take(self) -> None:
        card = FakeCard(total=80 * GIB, free=70 * GIB)
        probe = self._capped(card)

        card.free = 78 * GIB
        assert probe.used_bytes() == 0
        card.free = 77 * GIB

        assert probe.used_bytes() == GIB

    def test_no_more_is_free_than_the_real_card_has(self) -> None:
        card = FakeCard(total=80 * GIB, free=2 * GIB)

        assert self._capped(card).read().free_mib == 2048

    @pytest.mark.parametrize("total", [6, 4])
    def test_a_card_that_is_not_larger_is_taken_as_it_is(self, total: int) -> None:
        card = FakeCard(total=total * GIB, free=3 * GIB)
        probe = self._capped(card)

        assert (probe.total_bytes, probe.used_bytes()) == (total * GIB, (total - 3) * GIB)
        assert probe.identity.notes == ()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (pynvml.NVMLError_LibraryNotFound(), "--gpus all"),
        (pynvml.NVMLError_DriverNotLoaded(), "dmesg"),
        (pynvml.NVMLError_LibRmVersionMismatch(), "restart the machine"),
        (pynvml.NVMLError_NoPermission(), "/dev/nvidia"),
        (pynvml.NVMLError_Unknown(), "nvidia-smi"),
    ],
    ids=str,
)
def test_an_error_says_what_to_do(error: Exception, told: str) -> None:
    with pytest.raises(ProbeFailed, match=re.escape(told)):
        NvmlProbe(0, FakeNvml(init_error=error))


def test_a_card_that_does_not_exist_fails_the_probe() -> None:
    with pytest.raises(ProbeFailed):
        NvmlProbe(1, FakeNvml(cards=[FakeCard()]))


def test_a_device_without_memory_of_its_own_is_told() -> None:
    nvml = FakeNvml(cards=[FakeCard()], read_error=pynvml.NVMLError_NotSupported())

    with pytest.raises(ProbeFailed, match="shares its memory"):
        NvmlProbe(0, nvml)


def test_cards_are_listed_as_cuda_devices_and_the_library_is_closed() -> None:
    nvml = FakeNvml(cards=[FakeCard(), FakeCard()])

    assert list_gpus(nvml) == ("cuda:0", "cuda:1")
    assert nvml.open_count == 0


@pytest.mark.parametrize(
    "error", [pynvml.NVMLError_LibraryNotFound(), pynvml.NVMLError_DriverNotLoaded()], ids=str
)
def test_without_driver_or_library_there_are_no_cards(error: Exception) -> None:
    assert list_gpus(FakeNvml(init_error=error)) == ()


def test_a_driver_that_refuses_to_say_is_an_error() -> None:
    with pytest.raises(ProbeFailed):
        list_gpus(FakeNvml(init_error=pynvml.NVMLError_NoPermission()))

    nvml = FakeNvml(count_error=pynvml.NVMLError_Unknown())
    with pytest.raises(ProbeFailed):
        list_gpus(nvml)
    assert nvml.open_count == 0


def test_listing_with_the_installed_library_never_fails_on_a_machine_without_driver() -> None:
    assert all(name.startswith("cuda:") for name in list_gpus())


def test_the_installed_library_has_all_that_is_used_of_it(root: Path) -> None:
    source = (root / "vram" / "nvml.py").read_text(encoding="utf-8")
    used = set(re.findall(r"nvml\.((?:nvml|NVML)\w+)", source))

    assert {"nvmlDeviceGetMemoryInfo", "nvmlDeviceGetUUID"} <= used
    assert {name for name in used if not hasattr(pynvml, name)} == set()
    assert {name for name in used if not hasattr(FakeNvml(), name)} == set()
