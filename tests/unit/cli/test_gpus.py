"""Cards get workers only when they can be used, and people are told why one is not."""

import pytest

from cli.errors import LauncherError
from cli.launcher.gpus import usable_gpus, with_simulated
from vram.errors import ProbeFailed


def _usable(
    environment: dict[str, str],
    *,
    cards: tuple[str, ...] | ProbeFailed = ("cuda:0", "cuda:1"),
    has_runtime: bool = True,
    required: bool = False,
) -> tuple[tuple[str, ...], list[str]]:
    warnings: list[str] = []

    def list_gpus() -> tuple[str, ...]:
        if isinstance(cards, ProbeFailed):
            raise cards
        return cards

    gpus = usable_gpus(
        environment,
        list_gpus=list_gpus,
        has_cuda_runtime=lambda: has_runtime,
        warn=warnings.append,
        required=required,
    )
    return gpus, warnings


def test_every_visible_card_is_used() -> None:
    assert _usable({}) == (("cuda:0", "cuda:1"), [])
    assert _usable({"CUDA_VISIBLE_DEVICES": "1"}) == (("cuda:1",), [])


@pytest.mark.parametrize("value", ["-1", "", " "])
def test_hidden_cards_are_not_even_asked_for(value: str) -> None:
    broken = ProbeFailed("version mismatch")

    assert _usable({"CUDA_VISIBLE_DEVICES": value}, cards=broken) == ((), [])


def test_a_broken_driver_leaves_the_work_to_the_cpu_and_says_so() -> None:
    gpus, [warning] = _usable({}, cards=ProbeFailed("version mismatch"))

    assert gpus == ()
    assert "version mismatch" in warning


def test_a_card_without_its_runtime_is_not_used_and_the_fix_is_named() -> None:
    gpus, [warning] = _usable({}, has_runtime=False)

    assert gpus == ()
    assert "make setup RUNTIME=gpu" in warning


def test_without_a_card_nothing_is_said() -> None:
    assert _usable({}, cards=(), has_runtime=False) == ((), [])


def test_a_card_that_is_required_and_there_is_used() -> None:
    assert _usable({}, required=True) == (("cuda:0", "cuda:1"), [])


@pytest.mark.parametrize(
    ("environment", "cards", "has_runtime", "reason"),
    [
        ({}, (), True, "there is none, or no driver"),
        ({}, ProbeFailed("version mismatch"), True, "version mismatch"),
        ({}, ("cuda:0",), False, "CPU build of ONNX Runtime"),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, ("cuda:0",), True, "CUDA_VISIBLE_DEVICES=-1 hides"),
    ],
)
def test_a_card_that_is_required_and_can_t_be_used_stops_the_start_with_the_reason(
    environment: dict[str, str],
    cards: tuple[str, ...] | ProbeFailed,
    has_runtime: bool,
    reason: str,
) -> None:
    with pytest.raises(LauncherError, match=f"FACESOCIAL_REQUIRE_GPU.*{reason}"):
        _usable(environment, cards=cards, has_runtime=has_runtime, required=True)


def test_simulated_devices_of_one_size_are_told_apart() -> None:
    assert with_simulated(("cuda:0",), [700, 6144, 700, 700]) == (
        "cuda:0",
        "sim:700",
        "sim:6144",
        "sim:700:1",
        "sim:700:2",
    )
    assert with_simulated((), []) == ()
