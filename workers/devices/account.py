"""A device's account in the ledger as its one holder sees it."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from vram.answers import (
    Ask,
    BeginAnswer,
    Loaded,
    Observation,
    Orders,
    Reservation,
    UnloadAnswer,
    Verdict,
)
from vram.errors import LedgerUnavailable, VramError
from vram.ledger import VramLedger
from vram.records import Device, DeviceState

#: After an answer that did not come, nothing is asked for this long: each question would wait for
#: its time-out, and nothing is admitted meanwhile anyway.
AWAY_SECONDS = 1.0

T = TypeVar("T")

_log = structlog.get_logger()


class OutOfUse(Exception):
    """This process does not use the device any more."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"This process does not use its device any more: {reason}.")
        #: Why, as code: "superseded" or "device_fault".
        self.reason = reason


class DeviceAccount:
    """Calls the ledger for one device and one incarnation; see VramLedger for the calls.

    Args:
        ledger: The ledger.
        device: The device as it is registered.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, ledger: VramLedger, device: Device, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._away_until = 0.0
        self._lock = threading.Lock()
        self._last_gen = 0
        #: Uses that ended while the store was away: (gen, token).
        self._late: list[tuple[int, str]] = []
        self._closed: str | None = None
        self.device = device

    @property
    def last_gen(self) -> int:
        """Largest number an entry of this device got."""
        return self._last_gen

    @property
    def closed(self) -> str | None:
        """Why this process does not use the device any more; None: it does."""
        return self._closed

    def close(self, reason: str) -> None:
        """Use the device no more; the first reason stays."""
        self._closed = self._closed or reason

    def register(self) -> None:
        """Announce the device."""
        self._ledger.register(self.device, last_gen=self._last_gen)

    def withdraw(self) -> None:
        """Forget the device."""
        self._ledger.withdraw(self.device.id, self.device.incarnation)

    def beat(self, held: Sequence[int]) -> Orders:
        """Give a sign of life, and tell of uses that ended while nobody listened."""
        orders = self._ledger.beat(
            self.device.id, self.device.incarnation, held=held, last_gen=self._last_gen
        )
        self._away_until = 0.0
        # Those that were there before: one that is not heard now waits for the next beat.
        for _ in range(len(self._late)):
            gen, token = self._late.pop(0)
            self.unpin(gen, token)
        return orders

    def reserve(self, ask: Ask) -> Reservation:
        """Pin a model or keep room for it, or say why not.

        Raises:
            OutOfUse: the device is not used any more.
            LedgerUnavailable: nothing is admitted meanwhile.
            UnknownDevice: the device has to be registered again, or somebody else has it.
        """
        if self._closed:
            raise OutOfUse(self._closed)
        answer = self._ask(lambda: self._ledger.reserve(*self._who, ask))
        self._last_gen = max(self._last_gen, answer.gen or 0)
        return answer

    def pin(self, gen: int, token: str, *, seconds: float) -> Verdict:
        """Use a ready entry."""
        return self._ask(lambda: self._ledger.pin(*self._who, gen, token=token, seconds=seconds))

    def unpin(self, gen: int, token: str) -> None:
        """End a use; told later when the store is away."""
        try:
            self._ask(lambda: self._ledger.unpin(*self._who, gen, token=token))
        except LedgerUnavailable:
            self.unpin_later(gen, token)

    def unpin_later(self, gen: int, token: str) -> None:
        """End a use that may have begun although its answer did not come."""
        self._late.append((gen, token))

    def begin(self, gen: int, *, free_mib: int | None) -> BeginAnswer:
        """Ask to start a load."""
        return self._ledger.begin(*self._who, gen, free_mib=free_mib)

    def loaded(self, gen: int, *, vram_mib: int, load_ms: float) -> Loaded:
        """Tell that a load has ended."""
        return self._ledger.loaded(*self._who, gen, vram_mib=vram_mib, load_ms=load_ms)

    def fail(self, gen: int, *, why: str) -> Verdict:
        """Tell that a load failed."""
        return self._ledger.fail(*self._who, gen, why=why)

    def give_up(self, gen: int) -> None:
        """Tell, as far as it is heard, of a load that was broken off at an unknown point."""
        try:
            self.fail(gen, why="broken_off")
        except VramError as error:
            _log.warning("residency.failure_not_told", gen=gen, error=str(error))
        else:
            self.tell_unloaded(gen, returned_mib=0)

    def drain(self, gen: int, *, why: str) -> Verdict:
        """Let no new use begin."""
        return self._ledger.drain(self.device.id, gen, why=why)

    def unloading(self, gen: int) -> UnloadAnswer:
        """Ask to start unloading."""
        return self._ledger.unloading(*self._who, gen)

    def unloaded(self, gen: int, *, returned_mib: int | None) -> Verdict:
        """Tell that an entry is unloaded."""
        return self._ledger.unloaded(*self._who, gen, returned_mib=returned_mib)

    def tell_unloaded(self, gen: int, *, returned_mib: int | None) -> None:
        """The same where there is nobody to hear of a failure.

        Its deadline passes then, its memory counts as foreign, and the next reading clears that.
        """
        try:
            self.unloaded(gen, returned_mib=returned_mib)
        except VramError as error:
            _log.warning("residency.unload_not_told", gen=gen, error=str(error))

    def keep(self, model: str, *, on: bool) -> None:
        """Make a model's entries no victims, or take that back."""
        self._ledger.keep(self.device.id, model, on=on)

    def observe(self, *, used_mib: int, version: int) -> Observation:
        """Compare the book with a reading."""
        return self._ledger.observe(*self._who, used_mib=used_mib, version=version)

    def version(self) -> int:
        """The device's version now."""
        return self._ledger.version(self.device.id)

    def out_of_memory(self, gen: int, *, step: str) -> None:
        """Note that the device ran out of memory."""
        self._ledger.out_of_memory(*self._who, gen, step=step)

    def relieve(self, *, needed_mib: int, asker_gen: int) -> Observation:
        """Have idle entries leave."""
        return self._ledger.relieve(*self._who, needed_mib=needed_mib, asker_gen=asker_gen)

    def done(self, command_id: str, *, answer: str) -> None:
        """Tell that a command was carried out."""
        self._ledger.done(*self._who, command_id, answer=answer)

    def state(self) -> DeviceState:
        """Everything known of the device."""
        return self._ask(lambda: self._ledger.state(self.device.id))

    @property
    def _who(self) -> tuple[str, int]:
        return self.device.id, self.device.incarnation

    def _ask(self, call: Callable[[], T]) -> T:
        if self._clock() < self._away_until:
            raise LedgerUnavailable
        try:
            return call()
        except LedgerUnavailable:
            self._away_until = self._clock() + AWAY_SECONDS
            raise
