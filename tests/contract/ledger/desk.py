"""A holder's way of using a device's ledger, short enough to be read in tests."""

import dataclasses
from typing import Any

import redis

from vram.answers import Ask, Loaded, Observation, Orders, Reservation
from vram.records import Device, DeviceState, Entry, Event, Limits
from vram.redis_ledger import RedisLedger

#: Who asks, where it matters.
ME = "me"
START_MS = 1_795_000_000_000
#: 1000 MiB for models: medium and low may own 250 of them, high and below 500.
CARD = Device(
    id="box/cuda:0",
    kind="gpu",
    name="Test Card",
    host="box",
    total_mib=1300,
    reserved_mib=100,
    context_mib=150,
    headroom_mib=50,
    verified=True,
    incarnation=5,
    limits=Limits(critical_share=2, high_share=1, flexible_share=1, pressure_free_mib=10),
)


@dataclasses.dataclass(kw_only=True)
class Desk:
    """A device's ledger, and its holder's way of using it, under a clock that stands still."""

    client: redis.Redis
    ledger: RedisLedger
    now_ms: int = START_MS
    device: Device = CARD
    asked: int = 0

    def pass_time(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)

    def live(self, seconds: float) -> None:
        """Let time pass while the holder gives signs of life."""
        for _ in range(int(seconds)):
            self.pass_time(1.0)
            self.beat(*(entry.gen for entry in self.state.entries))

    def register(self, **changes: Any) -> Device:  # noqa: ANN401 - fields of Device and Limits
        """Register the card, changed; fields of Limits may be among the changes."""
        names = {field.name for field in dataclasses.fields(Limits)}
        limits = {name: changes.pop(name) for name in list(changes) if name in names}
        changes["limits"] = dataclasses.replace(self.device.limits, **limits)
        self.device = dataclasses.replace(self.device, **changes)
        self.ledger.register(self.device)
        return self.device

    def ask(self, model: str, vram_mib: int, **wishes: Any) -> Reservation:  # noqa: ANN401 - fields of Ask
        """Ask as somebody new, unless a token is among the wishes."""
        self.asked += 1
        wishes = {"priority": "medium", "token": f"t{self.asked}", **wishes}
        ask = Ask(model=model, vram_mib=vram_mib, **wishes)
        return self.ledger.reserve(self.device.id, self.device.incarnation, ask)

    def reserve(self, model: str, vram_mib: int, **wishes: Any) -> int:  # noqa: ANN401 - fields of Ask
        """Get room."""
        answer = self.ask(model, vram_mib, **wishes)
        assert answer.outcome == "load", answer
        assert answer.gen is not None
        return answer.gen

    def begin(self, gen: int, *, free_mib: int | None = None) -> str:
        return self.ledger.begin(*self.holder, gen, free_mib=free_mib)

    def loaded(self, gen: int, vram_mib: int, *, load_ms: float = 100.0) -> Loaded:
        return self.ledger.loaded(*self.holder, gen, vram_mib=vram_mib, load_ms=load_ms)

    def load(
        self,
        model: str,
        vram_mib: int,
        *,
        load_ms: float = 100.0,
        **wishes: Any,  # noqa: ANN401 - fields of Ask
    ) -> int:
        """Load a model from start to end."""
        gen = self.reserve(model, vram_mib, **wishes)
        assert self.begin(gen) == "ok"
        assert self.loaded(gen, vram_mib, load_ms=load_ms).verdict == "ok"
        return gen

    def unload(self, gen: int, *, returned_mib: int | None = None) -> None:
        """Unload a draining entry from start to end."""
        assert self.ledger.unloading(*self.holder, gen) == "ok"
        assert self.ledger.unloaded(*self.holder, gen, returned_mib=returned_mib) == "ok"

    def observe(self, used_mib: int) -> Observation:
        version = self.ledger.version(self.device.id)
        return self.ledger.observe(*self.holder, used_mib=used_mib, version=version)

    def beat(self, *held: int) -> Orders:
        return self.ledger.beat(*self.holder, held=held)

    @property
    def holder(self) -> tuple[str, int]:
        return self.device.id, self.device.incarnation

    @property
    def state(self) -> DeviceState:
        return self.ledger.state(self.device.id)

    @property
    def events(self) -> list[Event]:
        return list(self.ledger.follow(self.device.id))

    @property
    def states(self) -> dict[str, str]:
        """State of every model that has an entry."""
        return {entry.model: str(entry.state) for entry in self.state.entries}

    def entry(self, gen: int) -> Entry:
        (found,) = [entry for entry in self.state.entries if entry.gen == gen]
        return found


def desk_on(client: redis.Redis) -> Desk:
    """A desk whose ledger goes by its clock; its card is not registered yet."""

    def now_ms() -> int:
        return desk.now_ms

    ledger = RedisLedger(client, silent_seconds=15.0, clock_ms=now_ms)
    desk = Desk(client=client, ledger=ledger)
    return desk
