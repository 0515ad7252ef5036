import pytest

from cli.launcher.cores import cores_within, usable_cores


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        (None, 8),
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("250000 100000\n", 2),
        ("50000 100000\n", 1),
        ("6400000 100000\n", 8),
        ("-1 100000", 8),
        ("", 8),
        ("nonsense", 8),
    ],
)
def test_a_quota_leaves_whole_cores_and_at_least_one(quota: str | None, cores: int) -> None:
    assert cores_within(8, quota) == cores


def test_this_machine_has_a_core() -> None:
    assert usable_cores() >= 1
