"""Batches are as large as the device's models allow, and there are none on the CPU."""

from pathlib import Path

import pytest

from models.catalogue import load_catalogue
from models.weights.store import WeightStore
from workers.batch_plan import BATCH_PIXELS, batch_plan
from workers.devices.residency import Residency
from workers.settings.process import Settings


class Installed(Residency):
    """A device with these models installed."""

    def __init__(self, folder: Path, device: str, *names: str) -> None:
        super().__init__(store=WeightStore(folder), catalogue=load_catalogue(), device=device)
        self.names = frozenset(names)

    @property
    def installed(self) -> frozenset[str]:
        return self.names


@pytest.mark.parametrize(
    ("names", "most", "expected"),
    [
        (("yunet", "sface"), 16, 16),
        (("yunet", "sface"), 6, 6),
        # A detector takes one image at a time.
        (("yunet",), 16, 1),
        ((), 16, 1),
    ],
)
def test_a_device_s_batches_have_the_largest_size_a_model_takes(
    tmp_path: Path, names: tuple[str, ...], most: int, expected: int
) -> None:
    settings = Settings(batch_max_jobs=most)

    plan = batch_plan(settings, Installed(tmp_path, "sim:6144", *names))

    assert plan.jobs == expected
    assert plan.pixels == BATCH_PIXELS
    assert plan.bulk_wait_seconds == pytest.approx(0.05)
    assert plan.interactive_wait_seconds == pytest.approx(0.005)


def test_the_cpu_makes_no_batches_and_lets_bulk_have_its_turn(tmp_path: Path) -> None:
    settings = Settings(batch_interactive_share=3, batch_patience_seconds=12)

    plan = batch_plan(settings, Installed(tmp_path, "cpu", "yunet", "sface"))

    assert plan.jobs == 1
    assert plan.bulk_wait_seconds == plan.interactive_wait_seconds == 0
    assert (plan.interactive_batches, plan.bulk_patience_seconds) == (3, 12)
