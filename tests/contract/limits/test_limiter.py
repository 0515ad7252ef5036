"""What every limiter promises."""

from typing import Protocol

import pytest

from api.limits.limiter import Cost, Limiter, Policy

MINUTE = Policy(name="user", quota=6, window_seconds=60)
HOUR = Policy(name="images", quota=3600, window_seconds=3600, unit="images")


class Turned(Protocol):
    def advance(self, seconds: float) -> None: ...


def cost(policy: Policy = MINUTE, subject: str = "user_1", amount: int = 1) -> Cost:
    return Cost(policy=policy, subject=subject, amount=amount)


def test_a_quota_may_be_spent_at_once_and_no_more(limiter: Limiter) -> None:
    verdicts = [limiter.take([cost()]) for _ in range(7)]

    assert [verdict.levels[0].remaining for verdict in verdicts] == [5, 4, 3, 2, 1, 0, 0]
    assert [verdict.refused for verdict in verdicts] == [()] * 6 + [("user",)]


def test_who_is_refused_is_told_when_to_come_again(limiter: Limiter, clock: Turned) -> None:
    limiter.take([cost(amount=6)])

    refused = limiter.take([cost(amount=2)])
    assert refused.retry_seconds == pytest.approx(20, abs=0.01)
    clock.advance(19.9)
    early = limiter.take([cost(amount=2)])
    clock.advance(0.2)
    late = limiter.take([cost(amount=2)])

    assert (early.refused, late.refused) == (("user",), ())


def test_a_bucket_is_full_again_after_its_window(limiter: Limiter, clock: Turned) -> None:
    taken = limiter.take([cost(amount=3)])
    clock.advance(30)

    later = limiter.take([cost(amount=0)])

    assert taken.levels[0].full_seconds == pytest.approx(30, abs=0.01)
    assert (later.levels[0].remaining, later.levels[0].full_seconds) == (6, 0)


def test_nothing_is_taken_when_one_bucket_refuses(limiter: Limiter) -> None:
    limiter.take([cost(amount=6)])

    refused = limiter.take([cost(HOUR, amount=10), cost()])
    after = limiter.take([cost(HOUR)])

    assert refused.refused == ("user",)
    assert after.levels[0].remaining == 3599


def test_every_subject_and_every_policy_has_its_own_bucket(limiter: Limiter) -> None:
    limiter.take([cost(amount=6)])

    assert limiter.take([cost(subject="user_2"), cost(HOUR)]).refused == ()


def test_a_cost_beyond_the_quota_can_never_be_taken(limiter: Limiter) -> None:
    verdict = limiter.take([cost(amount=7), cost(HOUR, amount=5)])

    assert (verdict.refused, verdict.retry_seconds) == (("user",), None)
    assert [level.remaining for level in verdict.levels] == [6, 3600]


def test_a_cost_of_nothing_is_always_granted(limiter: Limiter) -> None:
    limiter.take([cost(amount=6)])

    assert limiter.take([cost(amount=0)]).refused == ()


def test_no_costs_are_no_question(limiter: Limiter) -> None:
    assert limiter.take([]).levels == ()


def test_a_clock_that_is_set_back_locks_nobody_out_for_longer_than_a_window(
    limiter: Limiter, clock: Turned
) -> None:
    limiter.take([cost(amount=6)])
    clock.advance(-86_400)

    refused = limiter.take([cost()])
    assert refused.retry_seconds == pytest.approx(10, abs=0.01)
    clock.advance(10.1)

    assert limiter.take([cost()]).refused == ()


def test_large_costs_are_counted_to_the_piece(limiter: Limiter) -> None:
    upload = Policy(name="upload", quota=10**12, window_seconds=3600, unit="content-bytes")

    limiter.take([cost(upload, amount=10**12 - 5_000_000)])

    left = limiter.take([cost(upload, amount=0)]).levels[0].remaining
    assert left == pytest.approx(5_000_000, abs=1000)
