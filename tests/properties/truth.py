"""A device whose bytes are known, its holders, and what must hold between them and the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from tests.properties.card import Card
from vram.invariants import StreamCheck, Violation, check_replay, check_state
from vram.ledger import VramLedger
from vram.records import Device, DeviceState, Entry, Limits, Priority, State

DEVICE_ID: Final = "box/sim:1000"
#: (class, MiB at its usual size) by model: more than the card holds, of every class.
MODELS: Final[Mapping[str, tuple[Priority, int]]] = {
    "low-a": ("low", 90),
    "low-b": ("low", 150),
    "medium-c": ("medium", 120),
    "medium-d": ("medium", 60),
    "high-e": ("high", 200),
    "high-f": ("high", 260),
    "critical-g": ("critical", 180),
    "critical-h": ("critical", 400),
}
Phase = Literal["reserved", "loading", "ready", "unloading"]


@dataclass(kw_only=True)
class Holder:
    """A worker process as it sees itself: what it believes to hold."""

    incarnation: int
    phases: dict[int, Phase] = field(default_factory=dict)
    #: gen → tokens it has pinned it with.
    tokens: dict[int, set[str]] = field(default_factory=dict)

    def forget(self, gen: int) -> None:
        """It holds this no more."""
        self.phases.pop(gen, None)
        self.tokens.pop(gen, None)


class Truth:
    """The card, the clock and the holders; compares them with the ledger after every step.

    Args:
        make_ledger: Makes the ledger under test on a clock in milliseconds.
        limits: The device's.
        verified: Whether the card can be read.
    """

    def __init__(
        self,
        make_ledger: Callable[[Callable[[], int]], VramLedger],
        *,
        limits: Limits,
        verified: bool = True,
    ) -> None:
        self.now_ms = 1_790_000_000_000
        self.ledger = make_ledger(lambda: self.now_ms)
        self.card = Card(total_mib=1000, reserved_mib=40, context_mib=60)
        self.limits = limits
        self.verified = verified
        self.zombies: list[Holder] = []
        self.last_gen = 0
        #: Of our models' memory, what nobody can know of before the card is read at rest: a load
        #: took more than was reserved, or the store has lost its data.
        self.unknown_mib = 0
        #: Whether the step that was made is the reason for such.
        self.excused = False
        self.holder = self.start_holder()

    def device(self, incarnation: int) -> Device:
        """The record a holder registers."""
        return Device(
            id=DEVICE_ID,
            kind="simulated",
            name="test",
            host="box",
            total_mib=self.card.total_mib,
            reserved_mib=self.card.reserved_mib,
            context_mib=self.card.context_mib,
            headroom_mib=50,
            verified=self.verified,
            incarnation=incarnation,
            limits=self.limits,
        )

    def start_holder(self) -> Holder:
        """A new process takes the device over; it takes its time to start."""
        self.now_ms += 500
        self.holder = Holder(incarnation=self.ledger.next_incarnation(DEVICE_ID))
        self.card.start(self.holder.incarnation)
        self.register(last_gen=0)
        return self.holder

    def register(self, *, last_gen: int) -> None:
        """Announce the holder, as after its start or after the store has lost its data."""
        device = self.device(self.holder.incarnation)
        self.ledger.register(device, last_gen=last_gen)
        if not hasattr(self, "check"):
            self.last_gen = last_gen
            self.restart_stream()

    def restart_stream(self) -> None:
        """Read the events from the first one: there is a new stream, or the first."""
        device = self.device(self.holder.incarnation)
        self.check = StreamCheck(device, last_gen=self.last_gen)
        self.after = "0"

    def state(self) -> DeviceState:
        """The ledger's."""
        return self.ledger.state(DEVICE_ID)

    def entry(self, gen: int) -> Entry | None:
        """One entry of the ledger's, if it is there."""
        return next((e for e in self.state().entries if e.gen == gen), None)

    @property
    def not_ours_mib(self) -> int:
        """What is on the card and not the holder's: strangers', leaks, what old holders have."""
        mine = self.holder.incarnation
        old_mib = sum(mib for (owner, _), mib in self.card.held.items() if owner != mine)
        contexts_mib = self.card.context_mib * (len(self.card.processes) - 1)
        return self.card.foreign_mib + self.card.stuck_mib + old_mib + contexts_mib

    def hidden_mib(self, state: DeviceState) -> int:
        """What is on the card, and neither ours as booked nor known as foreign."""
        ours_mib = sum(
            min(self.card.held.get((self.holder.incarnation, e.gen), 0), e.vram_mib)
            for e in state.entries
            if e.state is not State.RESERVED
        )
        known_mib = self.card.reserved_mib + self.card.context_mib + state.foreign_mib
        return max(0, self.card.used_mib - known_mib - ours_mib)

    def verify(self) -> DeviceState:
        """Compare everything; called after every step."""
        state = self.state()
        self.last_gen = max([self.last_gen, *(e.gen for e in state.entries)])
        violations = check_state(state) + self.read_stream() + check_replay(state, self.check)
        assert not violations, _listed(violations)
        uncovered_mib = self.card.models_mib - state.physical_mib - state.foreign_mib
        if self.excused:
            self.unknown_mib, self.excused = max(self.unknown_mib, uncovered_mib), False
        assert not self.verified or uncovered_mib <= self.unknown_mib, (
            f"{uncovered_mib} MiB of models are on the card and in no book:"
            f" {self.card}, {state.entries}, foreign {state.foreign_mib}"
        )
        return state

    def read_stream(self) -> list[Violation]:
        """What the events since the last look violate."""
        events = self.ledger.events(DEVICE_ID, after=self.after, limit=1000)
        if events:
            self.after = events[-1].id
        return self.check.feed(events)


def _listed(violations: list[Violation]) -> str:
    return "\n".join(f"{v.rule} at {v.where}: {v.found}" for v in violations)
