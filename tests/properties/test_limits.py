"""The limits against a plain token bucket in exact fractions, and many processes at once."""

import threading
from dataclasses import dataclass, field
from fractions import Fraction

import fakeredis
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.limits.limiter import Cost, Limiter, Policy
from api.limits.memory_limiter import MemoryLimiter
from api.limits.redis_limiter import RedisLimiter

START_US = 1_795_000_000_000_000
#: Divisors of a minute in microseconds: nothing is rounded, so that every answer can be compared.
POLICIES = [
    Policy(name=f"p{quota}", quota=quota, window_seconds=60) for quota in (1, 2, 5, 60, 1000)
]
SUBJECTS = ["anna", "ben"]


@dataclass
class Tokens:
    """Buckets as a textbook has them: tokens that come back with time, up to the quota."""

    now_us: int = START_US
    held: dict[tuple[str, str], tuple[Fraction, int]] = field(default_factory=dict)

    def left(self, policy: Policy, subject: str) -> Fraction:
        tokens, then_us = self.held.get((policy.name, subject), (Fraction(policy.quota), 0))
        rate = Fraction(policy.quota, policy.window_seconds * 1_000_000)
        return min(Fraction(policy.quota), tokens + rate * (self.now_us - then_us))

    def take(self, costs: list[Cost]) -> list[str]:
        left = {
            (cost.policy.name, cost.subject): self.left(cost.policy, cost.subject) for cost in costs
        }
        refused = [
            cost.policy.name
            for cost in costs
            if cost.amount and cost.amount > left[cost.policy.name, cost.subject]
        ]
        if not refused:
            for cost in costs:
                name = (cost.policy.name, cost.subject)
                self.held[name] = (left[name] - cost.amount, self.now_us)
        return refused


costs = st.builds(
    Cost,
    policy=st.sampled_from(POLICIES),
    subject=st.sampled_from(SUBJECTS),
    amount=st.integers(0, 8),
)
#: A request draws from each of its buckets once.
requests = st.lists(costs, max_size=3, unique_by=lambda cost: (cost.policy.name, cost.subject))
steps = st.lists(st.tuples(st.integers(0, 20_000_000), requests), min_size=1, max_size=30)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_every_answer_is_that_of_a_token_bucket(taken: list[tuple[int, list[Cost]]]) -> None:
    reference = Tokens()
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2)))
    limiters: list[Limiter] = [
        MemoryLimiter(clock_us=lambda: reference.now_us),
        RedisLimiter(client, clock_us=lambda: reference.now_us),
    ]
    for pause_us, asked in taken:
        reference.now_us += pause_us
        expected = reference.take(asked)
        for limiter in limiters:
            verdict = limiter.take(asked)

            assert list(verdict.refused) == expected
            for cost, level in zip(asked, verdict.levels, strict=True):
                assert level.remaining == reference.left(cost.policy, cost.subject) // 1


@settings(max_examples=100, deadline=None)
@given(
    quota=st.integers(1, 10_000),
    window_seconds=st.integers(1, 86_400),
    pauses_us=st.lists(st.integers(0, 5_000_000), min_size=1, max_size=40),
    amount=st.integers(1, 50),
)
def test_no_more_than_a_quota_and_what_came_back_is_ever_granted(
    quota: int, window_seconds: int, pauses_us: list[int], amount: int
) -> None:
    policy = Policy(name="any", quota=quota, window_seconds=window_seconds)
    now_us = START_US
    limiter = MemoryLimiter(clock_us=lambda: now_us)
    granted = 0
    for pause_us in pauses_us:
        now_us += pause_us
        verdict = limiter.take([Cost(policy=policy, subject="anna", amount=amount)])
        granted += 0 if verdict.refused else amount

    came_back = Fraction(quota * (now_us - START_US), window_seconds * 1_000_000)
    # Each grant is rounded down by less than a microsecond of the bucket's rate.
    rounding = Fraction(quota * len(pauses_us), window_seconds * 1_000_000)
    assert granted <= quota + came_back + rounding


def test_many_processes_grant_exactly_one_quota(real_redis: redis.Redis) -> None:
    policy = Policy(name="user", quota=100, window_seconds=86_400)
    granted: list[bool] = []

    def ask_often() -> None:
        # The server's own clock; each thread as another process would ask.
        limiter = RedisLimiter(real_redis)
        for _ in range(30):
            verdict = limiter.take([Cost(policy=policy, subject="anna")])
            granted.append(not verdict.refused)

    threads = [threading.Thread(target=ask_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(granted), sum(granted)) == (240, 100)
