"""The ledger of device memory: what each device holds, what fits, who has to leave.

This is the port; `vram.redis_ledger` implements it, and one contract suite runs on an in-process
store and on a real server. It knows memory and holders, never networks: a model here is a name, a
size and a priority. docs/reference/vram.md describes states, answers, reasons and keys.

Two sums over the entries decide: what the models *will* take once everything under way has ended
(`planned_mib`, judged when room is reserved) and what they *may* take now (`physical_mib`, judged
when a load begins, together with what the device itself says). Nothing that was merely timed out or
corrected counts as free: it becomes foreign until the device is read again.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

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
from vram.records import Command, Device, DeviceState, Event


class VramLedger(Protocol):
    """Accounts device memory for many processes. Every call is atomic and may be repeated.

    `gen` is the number an entry got when it was reserved; a call with one that is gone, or that an
    entry in another state has, answers "stale" and changes nothing.

    All methods raise LedgerUnavailable when the store does not answer in time: the caller takes
    that for a no, though the store may have carried the call out. Those that name a device raise
    UnknownDevice when it is not registered; those with an `incarnation` also when another one holds
    it. `withdraw`, `events` and `follow` find nothing then, and say so by doing nothing.
    """

    def next_incarnation(self, device_id: str) -> int:
        """A number greater than any given out before for that device, data loss included."""
        ...

    def register(self, device: Device, *, last_gen: int = 0) -> None:
        """Announce a device whose worker holds nothing on it.

        Memory of what an earlier incarnation held counts as foreign until the device is read; where
        it can't be (`Device.verified`), it is forgotten.
        The same incarnation again changes nothing.

        Args:
            device: What it is.
            last_gen: Largest gen the caller has seen: later ones are greater, data loss or not.

        Raises:
            UnknownDevice: a newer incarnation holds the device.
        """
        ...

    def withdraw(self, device_id: str, incarnation: int) -> None:
        """Forget a device and all that is known of it, events included: its worker ends.

        Ignored when a newer incarnation holds it.
        """
        ...

    def beat(
        self, device_id: str, incarnation: int, *, held: Sequence[int], last_gen: int = 0
    ) -> Orders:
        """Give a sign of life and renew the leases of `held`; hear what is to be done.

        Args:
            device_id: The device.
            incarnation: The caller's.
            held: gens of everything the caller has reserved, is loading or has loaded. What is
                lost and held is draining from now on. The answer names held entries again whose
                unloading is under way: a load that was given up is one the holder did not start.
            last_gen: Largest gen the caller has seen.
        """
        ...

    def reserve(self, device_id: str, incarnation: int, ask: Ask) -> Reservation:
        """Pin a resident model, or keep room for it, or say why not.

        Takes the model as it is if it is ready; joins a load under way; takes free room; else
        chooses victims, if the policy lets it, and drains them. Every decision but the first is in
        the event stream with its why.
        """
        ...

    def begin(
        self, device_id: str, incarnation: int, gen: int, *, free_mib: int | None
    ) -> BeginAnswer:
        """Ask to start the load of a reservation.

        Args:
            device_id: The device.
            incarnation: The caller's.
            gen: The reservation.
            free_mib: What the device says is free now; None where it can't be read.
        """
        ...

    def loaded(
        self, device_id: str, incarnation: int, gen: int, *, vram_mib: int, load_ms: float
    ) -> Loaded:
        """Tell that a load has ended, and what it took. The entry is ready, and not pinned.

        What was reserved too much counts as foreign until the next reading.
        """
        ...

    def adjust(self, device_id: str, incarnation: int, gen: int, *, vram_mib: int) -> Loaded:
        """Correct the size of a ready entry, or of a draining one that is used still.

        The truth is always taken. Growth that breaks a level of the zones makes the entry a loan.
        """
        ...

    def fail(self, device_id: str, incarnation: int, gen: int, *, why: str) -> Verdict:
        """Tell that a load failed. A reservation is dropped; a begun load is unloading from now on.

        The model is left alone for a while: longer with each failure, see Limits.
        """
        ...

    def pin(
        self, device_id: str, incarnation: int, gen: int, *, token: str, seconds: float
    ) -> Verdict:
        """Use a ready entry: it is not unloaded before `unpin`, or before the time is over."""
        ...

    def unpin(self, device_id: str, incarnation: int, gen: int, *, token: str) -> None:
        """End a use. One that is not there changes nothing."""
        ...

    def drain(self, device_id: str, gen: int, *, why: str) -> Verdict:
        """Let no new use begin; the holder unloads it when the last one has ended.

        Needs no incarnation: anybody may ask. What is leaving already, or lost, answers "ok"; what
        is not loaded yet "stale".
        """
        ...

    def unloading(self, device_id: str, incarnation: int, gen: int) -> UnloadAnswer:
        """Ask to start unloading a draining entry."""
        ...

    def unloaded(
        self, device_id: str, incarnation: int, gen: int, *, returned_mib: int | None
    ) -> Verdict:
        """Tell that an entry is unloaded.

        Args:
            device_id: The device.
            incarnation: The caller's.
            gen: The entry.
            returned_mib: How much the device got back as far as it says; what is missing counts as
                foreign until the next reading. None: it can't be read, all is taken as returned.
        """
        ...

    def keep(self, device_id: str, model: str, *, on: bool) -> None:
        """Make a model's entries, present and future, no victims; or take that back."""
        ...

    def observe(
        self, device_id: str, incarnation: int, *, used_mib: int, version: int
    ) -> Observation:
        """Compare the book with a reading of the device; the reading wins.

        While something is on its way in or out, or lost, the book may hold more than is there:
        what is foreign shrinks then only as far as is sure.

        Args:
            device_id: The device.
            incarnation: The caller's.
            used_mib: Total minus free, everything on the device included.
            version: `DeviceState.version` from before the reading was taken.
        """
        ...

    def version(self, device_id: str) -> int:
        """The device's version now, for `observe`.

        Raises:
            UnknownDevice: not registered.
        """
        ...

    def sweep(self, device_id: str) -> int:
        """Carry out what the clock has made due: ended leases, deadlines and pins.

        Every other call on the device does that first. Answers how many entries changed.
        """
        ...

    def out_of_memory(self, device_id: str, incarnation: int, gen: int, *, step: str) -> None:
        """Note that the device ran out of memory under an entry, and what was done about it."""
        ...

    def relieve(
        self, device_id: str, incarnation: int, *, needed_mib: int, asker_gen: int
    ) -> Observation:
        """Drain idle entries of no higher priority than the asker's until so much would be free."""
        ...

    def command(self, device_id: str, command: Command) -> None:
        """Leave a wish for the device's worker, which hears of it at each beat until `done`."""
        ...

    def done(self, device_id: str, incarnation: int, command_id: str, *, answer: str) -> None:
        """Tell that a command was carried out, or why not; in the event stream."""
        ...

    def state(self, device_id: str) -> DeviceState:
        """Everything known of a device.

        Raises:
            UnknownDevice: not registered.
        """
        ...

    def devices(self) -> tuple[DeviceState, ...]:
        """All devices, ordered by id; silent ones too, marked not alive. One moment for each."""
        ...

    def events(self, device_id: str, *, after: str = "0", limit: int = 1000) -> Sequence[Event]:
        """Decisions and transitions of a device, oldest first, after the one with that id."""
        ...

    def follow(self, device_id: str) -> Iterator[Event]:
        """The events kept, oldest first, page by page."""
        ...
