"""A worker process and its device: registered, giving signs of life, withdrawn at the end."""

import socket
import threading

import structlog

from vram.errors import LedgerUnavailable, UnknownDevice
from vram.ledger import Admission, Device, DeviceKind, Resident, VramLedger
from vram.probe import MemoryProbe

#: Several to one silence that costs a device its jobs (15 s by default).
BEAT_EVERY_SECONDS = 3.0

_log = structlog.get_logger()


class DeviceHolder:
    """Holds one device for the life of this process.

    A store that lost its data forgets the device; the next beat finds that out and registers it
    and its residents anew.

    Args:
        ledger: Where devices are accounted.
        device: "cuda:0", "sim:6144"; its id in the ledger has the host before it.
        probe: Reads the device's name and size.
        reserved_bytes: Kept out of the ledger on this device.
        beat_every_seconds: Time between two signs of life.
    """

    def __init__(
        self,
        ledger: VramLedger,
        *,
        device: str,
        probe: MemoryProbe,
        reserved_bytes: int,
        beat_every_seconds: float = BEAT_EVERY_SECONDS,
    ) -> None:
        self._ledger = ledger
        self._beat_every_seconds = beat_every_seconds
        self._residents: dict[str, Resident] = {}
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="device-beat", daemon=True)
        kind: DeviceKind = "simulated" if device.startswith("sim:") else "gpu"
        host = socket.gethostname()
        self._device = Device(
            id=f"{host}/{device}",
            kind=kind,
            name=probe.name,
            total_bytes=probe.total_bytes,
            reserved_bytes=reserved_bytes,
            incarnation=ledger.next_incarnation(),
            host=host,
        )

    def start(self) -> None:
        """Register and begin to beat.

        Raises:
            LedgerUnavailable: the store does not answer.
        """
        self._ledger.register(self._device)
        self._thread.start()

    def admit(self, resident: Resident) -> Admission:
        """Take bytes for a model; see VramLedger.admit."""
        with self._lock:
            admission = self._ledger.admit(self._device.id, self._device.incarnation, resident)
            if admission.granted:
                self._residents[resident.model] = resident
            return admission

    def release(self, model: str) -> None:
        """Give a model's bytes back; see VramLedger.release."""
        with self._lock:
            self._residents.pop(model, None)
            self._ledger.release(self._device.id, self._device.incarnation, model)

    def close(self) -> None:
        """Withdraw the device: the process ends and its memory with it."""
        self._done.set()
        self._thread.join()
        try:
            self._ledger.withdraw(self._device.id, self._device.incarnation)
        except LedgerUnavailable as error:
            _log.warning("device.not_withdrawn", error=str(error))  # silence ends it

    def _beat(self) -> None:
        while not self._done.wait(self._beat_every_seconds):
            try:
                self._ledger.beat(self._device.id, self._device.incarnation)
            except UnknownDevice:
                self._register_again()
            except LedgerUnavailable as error:
                _log.warning("device.beat_failed", error=str(error))

    def _register_again(self) -> None:
        try:
            with self._lock:
                self._ledger.register(self._device)
                for resident in self._residents.values():
                    self._ledger.admit(self._device.id, self._device.incarnation, resident)
        except UnknownDevice:
            # A newer process holds the device: two workers on one card.
            _log.error("device.taken_by_another", device=self._device.id)
        except LedgerUnavailable as error:
            _log.warning("device.beat_failed", error=str(error))
        else:
            _log.warning("device.registered_again", device=self._device.id)
