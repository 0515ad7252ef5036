"""Whether anti-spoofing may run on the processor."""

import pytest

from models.anti_spoofing.policy import CpuPolicy, allowed


@pytest.mark.parametrize(
    ("device", "policy", "runs"),
    [
        ("cpu", "allow", True),
        ("cpu", "refuse", False),
        ("cuda:0", "refuse", True),
        ("sim:6144", "refuse", True),
        ("cuda:0", "allow", True),
    ],
)
def test_only_the_processor_can_be_refused(device: str, policy: CpuPolicy, *, runs: bool) -> None:
    assert allowed({"a": device}, policy) == (("a",) if runs else ())


def test_models_are_judged_one_by_one_and_keep_their_order() -> None:
    assert allowed({"b": "cuda:0", "a": "cpu", "c": "cuda:1"}, "refuse") == ("b", "c")
