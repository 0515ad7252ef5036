"""Which models will probably be needed: by the hours in which they were, and by nothing else."""

from pathlib import Path

import pytest

from workers.devices.preload import UsageByHour

HOUR, DAY = 3600.0, 86_400.0


class Days:
    """Days with uses in the same hour; then it is the hour before that."""

    def __init__(self, path: Path | None = None) -> None:
        self.now = 1_000_000 * HOUR + 60
        self.usage = UsageByHour(path, clock=lambda: self.now)

    def pass_days(self, days: int, *, used: bool = True) -> None:
        for _ in range(days):
            # As the keeper looks every minute.
            self.usage.take_likely(1.0)
            if used:
                self.usage.used("face")
            self.now += HOUR
            self.usage.used("other")
            self.now += 23 * HOUR

    def hour_before(self) -> None:
        self.now -= HOUR


@pytest.mark.parametrize(("days", "is_likely"), [(0, False), (1, False), (2, False), (4, True)])
def test_a_model_used_at_an_hour_on_several_days_is_likely_in_the_hour_before(
    days: int, *, is_likely: bool
) -> None:
    history = Days()
    history.pass_days(days)
    history.hour_before()

    assert (history.usage.probability("face") > 0.7) is is_likely


def test_other_hours_say_nothing() -> None:
    history = Days()
    history.pass_days(6)

    assert history.usage.probability("face") == 0
    assert history.usage.probability("nobody") == 0


def test_days_without_a_use_count_against_it() -> None:
    history = Days()
    history.pass_days(6)
    history.pass_days(3, used=False)
    history.hour_before()

    assert history.usage.probability("face") < 0.7


def test_the_likely_are_named_once_an_hour() -> None:
    history = Days()
    history.pass_days(6)
    history.hour_before()

    assert history.usage.take_likely(0.7) == ["face"]
    assert history.usage.take_likely(0.7) == []
    history.now += HOUR
    assert history.usage.take_likely(1.0) == []


def test_what_was_learned_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "run" / "usage.json"
    history = Days(path)
    history.pass_days(6)
    history.hour_before()

    again = UsageByHour(path, clock=lambda: history.now)

    assert again.probability("face") == pytest.approx(history.usage.probability("face"), rel=0.2)
    assert again.probability("face") > 0.7


@pytest.mark.parametrize("text", ["", "[]", '{"days": [1], "uses": {}}', '{"days": 1}'])
def test_a_file_that_says_nothing_is_forgotten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "usage.json"
    path.write_text(text)

    assert UsageByHour(path).take_likely(0.0) == []
