"""The ledger in one process: for tests, and for a fleet that is one process."""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from vram.errors import UnknownDevice
from vram.ledger import Admission, Device, DeviceState, Resident


@dataclass(slots=True)
class _Entry:
    device: Device
    seen_at: float
    residents: dict[str, Resident] = field(default_factory=dict)


class MemoryLedger:
    """A `VramLedger` that forgets everything with its process. Safe to share between threads."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, silent_seconds: float = 15.0
    ) -> None:
        self._clock = clock
        self._silent_seconds = silent_seconds
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._entries: dict[str, _Entry] = {}

    def next_incarnation(self) -> int:
        """See VramLedger."""
        with self._lock:
            return next(self._numbers)

    def register(self, device: Device) -> None:
        """See VramLedger."""
        with self._lock:
            held = self._entries.get(device.id)
            if held and held.device.incarnation > device.incarnation:
                raise UnknownDevice
            if held is None or held.device.incarnation < device.incarnation:
                self._entries[device.id] = _Entry(device, self._clock())

    def beat(self, device_id: str, incarnation: int) -> None:
        """See VramLedger."""
        with self._lock:
            self._held(device_id, incarnation).seen_at = self._clock()

    def admit(self, device_id: str, incarnation: int, resident: Resident) -> Admission:
        """See VramLedger."""
        with self._lock:
            entry = self._held(device_id, incarnation)
            free_bytes = self._state(entry).free_bytes
            if resident.model in entry.residents:
                return Admission(granted=True, reason="access_existing", free_bytes=free_bytes)
            if resident.vram_bytes > free_bytes:
                return Admission(granted=False, reason="insufficient_space", free_bytes=free_bytes)
            entry.residents[resident.model] = resident
            free_bytes -= resident.vram_bytes
            return Admission(granted=True, reason="direct_allocation", free_bytes=free_bytes)

    def release(self, device_id: str, incarnation: int, model: str) -> None:
        """See VramLedger."""
        with self._lock:
            self._held(device_id, incarnation).residents.pop(model, None)

    def withdraw(self, device_id: str, incarnation: int) -> None:
        """See VramLedger."""
        with self._lock:
            held = self._entries.get(device_id)
            if held and held.device.incarnation <= incarnation:
                del self._entries[device_id]

    def devices(self) -> tuple[DeviceState, ...]:
        """See VramLedger."""
        with self._lock:
            return tuple(self._state(entry) for _, entry in sorted(self._entries.items()))

    def _held(self, device_id: str, incarnation: int) -> _Entry:
        entry = self._entries.get(device_id)
        if entry is None or entry.device.incarnation != incarnation:
            raise UnknownDevice
        return entry

    def _state(self, entry: _Entry) -> DeviceState:
        silent_seconds = max(0.0, self._clock() - entry.seen_at)
        return DeviceState(
            device=entry.device,
            residents=tuple(resident for _, resident in sorted(entry.residents.items())),
            silent_seconds=silent_seconds,
            alive=silent_seconds <= self._silent_seconds,
        )
