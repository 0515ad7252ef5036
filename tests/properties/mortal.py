"""A holder that dies in the middle of a call: `python -m tests.properties.mortal --step ...`.

It lives a small life on a device of its own: takes it over, loads two models, of which the second
makes the first leave, uses them, unloads, reads the card. It is killed, as by `kill -9`, right
before or right after one of its calls reaches the ledger.
"""

import argparse
import os
import signal
from collections.abc import Callable
from typing import Any, Final, Literal

import redis

from vram.answers import Ask
from vram.ledger import VramLedger
from vram.records import Device, Limits
from vram.redis_ledger import RedisLedger

#: The calls it makes, in their order; those that come twice are meant the first time.
STEPS: Final = (
    "register",
    "observe",
    "reserve",
    "begin",
    "loaded",
    "pin",
    "unpin",
    "drain",
    "unloading",
    "unloaded",
    "beat",
)
When = Literal["before", "after"]
#: Short, so that the truth can be waited for.
LEASE_SECONDS: Final = 1.0
UNLOAD_SECONDS: Final = 1.0
#: Nothing of ours is on the card: the driver, the context.
EMPTY_MIB: Final = 100


class Mortal:
    """Hands calls on to a ledger, and kills its own process at one of them."""

    def __init__(self, ledger: VramLedger, *, step: str, when: When) -> None:
        self._ledger = ledger
        self._step = step
        self._when = when

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call: Callable[..., Any] = getattr(self._ledger, name)

        def made(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - any call of the port
            self._die(name, "before")
            answer = call(*arguments, **more)
            self._die(name, "after")
            return answer

        return made

    def _die(self, name: str, when: When) -> None:
        if (name, when) == (self._step, self._when):
            os.kill(os.getpid(), signal.SIGKILL)


def device(device_id: str, incarnation: int) -> Device:
    """A card for one model at a time."""
    return Device(
        id=device_id,
        kind="gpu",
        name="mortal",
        host="box",
        total_mib=1000,
        reserved_mib=40,
        context_mib=60,
        headroom_mib=50,
        verified=True,
        incarnation=incarnation,
        limits=Limits(
            policy="lru", lease_seconds=LEASE_SECONDS, unload_seconds=UNLOAD_SECONDS, floor_loads=0
        ),
    )


def ask(model: str) -> Ask:
    """Either model fills the card."""
    return Ask(
        model=model, vram_mib=600, priority="critical", token=f"for-{model}", has_fallback=False
    )


def live(ledger: Any, device_id: str) -> None:  # noqa: ANN401 - a Mortal is no declared ledger
    """The life, from the first call to the last."""
    mine = ledger.next_incarnation(device_id)
    ledger.register(device(device_id, mine))
    ledger.observe(device_id, mine, used_mib=EMPTY_MIB, version=ledger.version(device_id))
    gen = ledger.reserve(device_id, mine, ask("first")).gen
    ledger.begin(device_id, mine, gen, free_mib=900)
    ledger.loaded(device_id, mine, gen, vram_mib=600, load_ms=5.0)
    ledger.pin(device_id, mine, gen, token="job", seconds=30.0)  # noqa: S106 - names a pin
    ledger.unpin(device_id, mine, gen, token="job")  # noqa: S106 - names a pin
    ledger.drain(device_id, gen, why="operator")
    ledger.unloading(device_id, mine, gen)
    ledger.unloaded(device_id, mine, gen, returned_mib=600)
    ledger.beat(device_id, mine, held=())


def main() -> None:
    """Live until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--step", choices=STEPS, required=True)
    parser.add_argument("--when", choices=("before", "after"), required=True)
    chosen = parser.parse_args()
    with redis.Redis(port=chosen.port, db=1, socket_timeout=10) as client:
        ledger = Mortal(
            RedisLedger(client, silent_seconds=LEASE_SECONDS), step=chosen.step, when=chosen.when
        )
        live(ledger, f"box/{chosen.step}-{chosen.when}")


if __name__ == "__main__":
    main()
