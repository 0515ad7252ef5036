"""A made-up fleet, short enough to be used in tests."""

from dataclasses import dataclass, replace

import redis

from vram.fleet import DeviceSummary, Fleet

CARD = DeviceSummary(
    id="box1/cuda:0",
    kind="gpu",
    incarnation=1,
    version=1,
    resident=("sface", "yunet"),
    coming=("cydral_age",),
    free_mib=1000,
    evictable_mib={"critical": 300, "high": 200, "medium": 100, "low": 0},
    usable_mib=2000,
    pressure=False,
)


@dataclass(kw_only=True)
class Subject:
    fleet: Fleet
    client: redis.Redis
    now_ms: int = 1_700_000_000_000

    def advance(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


def card(number: int, **changes: object) -> DeviceSummary:
    return replace(CARD, id=f"box{number}/cuda:0", **changes)  # type: ignore[arg-type]  # by name


def publish(fleet: Fleet, *cards: DeviceSummary) -> None:
    for one in cards:
        fleet.publish(one, live_seconds=15)


def ids(fleet: Fleet, *models: str, limit: int = 4) -> list[str]:
    return [one.id for one in fleet.outlook(models, limit=limit).candidates]


def fail(fleet: Fleet, times: int) -> None:
    for _ in range(times):
        fleet.served(CARD.id, ok=False)


def breaker(fleet: Fleet) -> str:
    return fleet.outlook(["sface"]).candidates[0].breaker
