"""One of many processes that hammer a device: `python -m tests.properties.hammer --port ...`.

Each loads, uses and unloads models of its own choice, as fast as it can, and keeps what it really
takes on a board that all of them see. It ends with nothing, and says how many calls it made.
"""

import argparse
import contextlib
import json
import mmap
import random
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import redis

from vram.answers import Ask
from vram.ledger import VramLedger
from vram.records import Device, Limits, Priority
from vram.redis_ledger import RedisLedger

PROCESSES: Final = 16
_MEET_SECONDS: Final = 120.0
#: More than four times what the card holds, of every class.
MODELS: Final[dict[str, tuple[Priority, int]]] = {
    f"{priority}-{number}": (priority, 60 + 97 * number)
    for priority in ("critical", "high", "medium", "low")
    for number in range(8)
}
DEVICE: Final = Device(
    id="box/sim:6144",
    kind="simulated",
    name="hammered",
    host="box",
    total_mib=6144,
    reserved_mib=200,
    context_mib=450,
    headroom_mib=256,
    verified=True,
    incarnation=1,
    # Long deadlines: on a busy machine a process may not get its turn for a while, and this is no
    # test of deadlines. No event may be trimmed: all of them are checked.
    limits=Limits(
        lease_seconds=60.0, unload_seconds=60.0, evictions_per_minute=0, events_kept=10_000_000
    ),
)


class Board:
    """What each process really has on the card, MiB; one number for each, in a shared file.

    A byte for each after that: whether it has come.
    """

    BYTES: Final = 9 * PROCESSES

    def __init__(self, path: Path, slot: int) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), self.BYTES)
        self._slot = slot

    def meet(self) -> None:
        """Wait until everybody has come: on a busy machine they start seconds apart."""
        self._memory[8 * PROCESSES + self._slot] = 1
        deadline = time.monotonic() + _MEET_SECONDS
        while not all(self._memory[8 * PROCESSES :]):
            assert time.monotonic() < deadline, "somebody never came"
            time.sleep(0.01)

    def add(self, vram_mib: int) -> None:
        """Take more; negative: give back."""
        (mine,) = struct.unpack_from("q", self._memory, 8 * self._slot)
        struct.pack_into("q", self._memory, 8 * self._slot, mine + vram_mib)

    @property
    def used_mib(self) -> int:
        """What a probe would read."""
        models_mib = sum(struct.unpack_from(f"{PROCESSES}q", self._memory))
        return DEVICE.reserved_mib + DEVICE.context_mib + int(models_mib)


@dataclass(kw_only=True)
class Hammer:
    """One process's share."""

    ledger: VramLedger
    board: Board
    incarnation: int
    dice: random.Random
    #: gen → what was reserved and not begun yet.
    reserved: dict[int, int] = field(default_factory=dict)
    #: gen → what it takes.
    ready: dict[int, int] = field(default_factory=dict)
    #: (gen, token)
    pins: list[tuple[int, str]] = field(default_factory=list)
    calls: int = 0
    beaten: float = 0.0

    def turn(self) -> None:
        """Do something."""
        if time.monotonic() - self.beaten > 0.1:
            self.beat()
        often = [self.ask, self.ask, self.ask, self.load, self.load, self.unpin, self.unpin]
        self.dice.choice([*often, self.observe, self.drain, self.give_up])()

    def ask(self) -> None:
        """Want a model, and keep the pin for a while."""
        model = self.dice.choice(sorted(MODELS))
        priority, vram_mib = MODELS[model]
        token = f"{self.dice.getrandbits(60):x}"
        answer = self.ledger.reserve(
            DEVICE.id,
            self.incarnation,
            Ask(
                model=model,
                vram_mib=vram_mib,
                priority=priority,
                token=token,
                penalty_ms=200.0,
                has_fallback=self.dice.random() < 0.7,
                by_name=self.dice.random() < 0.5,
            ),
        )
        self.calls += 1
        if answer.gen is not None and answer.outcome == "gpu":
            self.pins.append((answer.gen, token))
        elif answer.gen is not None and answer.outcome == "load":
            self.reserved[answer.gen] = answer.vram_mib

    def load(self) -> None:
        """Begin what is reserved, if the victims are gone; it takes at most what was expected."""
        if not self.reserved:
            return
        gen = self.dice.choice(list(self.reserved))
        free_mib = DEVICE.total_mib - self.board.used_mib
        begun = self.ledger.begin(DEVICE.id, self.incarnation, gen, free_mib=free_mib)
        self.calls += 1
        if begun == "stale":
            del self.reserved[gen]
        if begun == "ok":
            self._finish(gen, self.reserved.pop(gen))

    def _finish(self, gen: int, booked_mib: int) -> None:
        fails = self.dice.random() < 0.1
        # What a failed load did not take can't come back, and would count as foreign.
        taken_mib = booked_mib - (0 if fails else self.dice.choice([0, 0, 0, booked_mib // 3]))
        self.board.add(taken_mib)
        self.calls += 1
        if fails:
            self.ledger.fail(DEVICE.id, self.incarnation, gen, why="dice")
            self.board.add(-taken_mib)
            self.ledger.unloaded(DEVICE.id, self.incarnation, gen, returned_mib=taken_mib)
            self.calls += 1
            return
        told = self.ledger.loaded(DEVICE.id, self.incarnation, gen, vram_mib=taken_mib, load_ms=5.0)
        assert told.verdict == "ok"
        self.ready[gen] = taken_mib

    def unpin(self) -> None:
        """End the oldest use, or use something."""
        self.calls += 1
        if self.pins and self.dice.random() < 0.8:
            gen, token = self.pins.pop(0)
            self.ledger.unpin(DEVICE.id, self.incarnation, gen, token=token)
        elif self.ready:
            gen, token = self.dice.choice(list(self.ready)), f"{self.dice.getrandbits(60):x}"
            told = self.ledger.pin(DEVICE.id, self.incarnation, gen, token=token, seconds=30)
            if told == "ok":
                self.pins.append((gen, token))

    def observe(self) -> None:
        """Read the card."""
        version = self.ledger.version(DEVICE.id)
        used_mib = self.board.used_mib
        self.ledger.observe(DEVICE.id, self.incarnation, used_mib=used_mib, version=version)
        self.calls += 2

    def drain(self) -> None:
        """Let something of ours go."""
        if self.ready and self.dice.random() < 0.3:
            self.ledger.drain(DEVICE.id, self.dice.choice(list(self.ready)), why="dice")
            self.calls += 1

    def give_up(self) -> None:
        """Fail a reservation."""
        if self.reserved and self.dice.random() < 0.2:
            gen, _ = self.reserved.popitem()
            self.ledger.fail(DEVICE.id, self.incarnation, gen, why="dice")
            self.calls += 1

    def beat(self) -> None:
        """A sign of life; unload what of ours is to go."""
        held = [*self.reserved, *self.ready]
        orders = self.ledger.beat(DEVICE.id, self.incarnation, held=held)
        self.calls += 1
        self.beaten = time.monotonic()
        assert not set(orders.orphans) & set(self.ready)
        for gen in orders.orphans:
            self.reserved.pop(gen, None)
        for gen in set(orders.unload) & set(self.ready):
            self.calls += 1
            if self.ledger.unloading(DEVICE.id, self.incarnation, gen) == "ok":
                taken_mib = self.ready.pop(gen)
                self.board.add(-taken_mib)
                self.ledger.unloaded(DEVICE.id, self.incarnation, gen, returned_mib=taken_mib)
                self.calls += 1

    def end(self) -> None:
        """Give everything back; others may still have to end their uses of what is ours."""
        for gen, token in self.pins:
            self.ledger.unpin(DEVICE.id, self.incarnation, gen, token=token)
        for gen in self.reserved:
            self.ledger.fail(DEVICE.id, self.incarnation, gen, why="end")
        self.reserved.clear()
        for gen in self.ready:
            self.ledger.drain(DEVICE.id, gen, why="end")
        while self.ready:
            self.beat()
            time.sleep(0.05)


def main() -> None:
    """Hammer, end, report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--turns", type=int, required=True)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--board", type=Path, required=True)
    chosen = parser.parse_args()
    with contextlib.closing(redis.Redis(port=chosen.port, socket_timeout=30)) as client:
        hammer = Hammer(
            ledger=RedisLedger(client, silent_seconds=15.0),
            board=Board(chosen.board, chosen.number),
            incarnation=DEVICE.incarnation,
            dice=random.Random(chosen.number),  # noqa: S311 - no secret
        )
        hammer.board.meet()
        started = time.monotonic()
        for _ in range(chosen.turns):
            hammer.turn()
        calls, seconds = hammer.calls, time.monotonic() - started
        hammer.end()
    print(json.dumps({"calls": calls, "seconds": seconds}))  # noqa: T201 - read by the test


if __name__ == "__main__":
    main()
