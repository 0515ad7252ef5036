"""Whether anti-spoofing may run on the processor."""

import pytest

from models.anti_spoofing.policy import Admission, CpuPolicy, admit, refusal


@pytest.mark.parametrize(
    ("device", "policy", "expected"),
    [
        ("cpu", "allow", None),
        ("cpu", "refuse", "cpu_refused"),
        ("cuda:0", "refuse", None),
        ("sim:6144", "refuse", None),
        ("cuda:0", "allow", None),
    ],
)
def test_only_the_processor_can_be_refused(
    device: str, policy: CpuPolicy, expected: str | None
) -> None:
    assert refusal(device, policy) == expected


def test_models_are_sorted_by_whether_they_may_run() -> None:
    found = admit({"a": "cpu", "b": "cuda:0"}, "refuse")

    assert found == Admission(admitted=("b",), refused={"a": "cpu_refused"})
    assert admit({"a": "cpu", "b": "cuda:0"}, "allow").admitted == ("a", "b")
