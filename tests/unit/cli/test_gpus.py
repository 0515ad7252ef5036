"""Cards get workers only when they can be used, and people are told why one is not."""

import pytest

from cli.launcher.gpus import usable_gpus
from vram.errors import ProbeFailed


def _usable(
    environment: dict[str, str],
    *,
    cards: tuple[str, ...] | ProbeFailed = ("cuda:0", "cuda:1"),
    has_runtime: bool = True,
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
