"""The ledger in Redis or Valkey: one script per call, so every call is atomic.

Scripts read JSON and never write it: Redis' encoder cuts numbers to 14 digits, and an empty table
has no one spelling. What they return stays exact below 2**53. No key has an expiry, because a key
that expires would give bytes back that are still in use.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any, Final

import redis

from vram.errors import LedgerUnavailable, UnknownDevice
from vram.ledger import Admission, Device, DeviceState, Resident

_PREFIX: Final = "fs:{vram}:"
_INCARNATION: Final = _PREFIX + "incarnation"
_DEVICES: Final = _PREFIX + "devices"
_SEEN: Final = _PREFIX + "seen"
_RESIDENTS: Final = _PREFIX + "residents"

#: Keys each script declares, in its order.
_SCRIPT_KEYS: Final = {
    "next_incarnation": (_INCARNATION,),
    "register": (_DEVICES, _SEEN, _RESIDENTS),
    "beat": (_DEVICES, _SEEN),
    "admit": (_DEVICES, _RESIDENTS),
    "release": (_DEVICES, _RESIDENTS),
    "withdraw": (_DEVICES, _SEEN, _RESIDENTS),
    "devices": (_DEVICES, _SEEN, _RESIDENTS),
}


class RedisLedger:
    """A `VramLedger` shared by all processes that reach one server.

    Calls wait as long as the client's timeouts allow. A call that timed out may have been carried
    out: repeating it is safe.
    """

    def __init__(self, client: redis.Redis, *, silent_seconds: float) -> None:
        self._silent_seconds = silent_seconds
        folder = Path(__file__).parent / "lua"
        self._scripts = {
            name: client.register_script((folder / f"{name}.lua").read_text(encoding="utf-8"))
            for name in _SCRIPT_KEYS
        }

    def next_incarnation(self) -> int:
        """See VramLedger. Grows through data loss too, as far as the server's clock does."""
        return int(self._call("next_incarnation"))

    def register(self, device: Device) -> None:
        """See VramLedger."""
        record = json.dumps(dataclasses.asdict(device))
        self._call("register", device.id, device.incarnation, record)

    def beat(self, device_id: str, incarnation: int) -> None:
        """See VramLedger."""
        self._call("beat", device_id, incarnation)

    def admit(self, device_id: str, incarnation: int, resident: Resident) -> Admission:
        """See VramLedger."""
        entry = json.dumps({"vram_bytes": resident.vram_bytes, "basis": resident.basis})
        field = _field(device_id, resident.model)
        reason, free_bytes = self._call("admit", device_id, incarnation, field, entry)
        return Admission(
            granted=reason != "insufficient_space", reason=reason, free_bytes=free_bytes
        )

    def release(self, device_id: str, incarnation: int, model: str) -> None:
        """See VramLedger."""
        self._call("release", device_id, incarnation, _field(device_id, model))

    def withdraw(self, device_id: str, incarnation: int) -> None:
        """See VramLedger."""
        self._call("withdraw", device_id, incarnation)

    def devices(self) -> tuple[DeviceState, ...]:
        """See VramLedger."""
        now_ms, records, seen, entries = self._call("devices")
        residents: dict[str, list[Resident]] = {}
        for field, entry in sorted(_pairs(entries).items()):
            device_id, model = json.loads(field)
            resident = Resident(model=model, **json.loads(entry))
            residents.setdefault(device_id, []).append(resident)
        seen_ms = _pairs(seen)
        return tuple(
            self._state(
                Device(**json.loads(record)),
                tuple(residents.get(device_id, ())),
                max(0, now_ms - int(seen_ms[device_id])) / 1000,
            )
            for device_id, record in sorted(_pairs(records).items())
        )

    def _state(
        self, device: Device, residents: tuple[Resident, ...], silent_seconds: float
    ) -> DeviceState:
        alive = silent_seconds <= self._silent_seconds
        return DeviceState(
            device=device, residents=residents, silent_seconds=silent_seconds, alive=alive
        )

    def _call(self, name: str, *arguments: str | int) -> Any:  # noqa: ANN401 - one type per script
        """Run a script; its answer with bytes decoded, whatever the client decodes itself."""
        try:
            answer = _decoded(self._scripts[name](keys=_SCRIPT_KEYS[name], args=arguments))
        except redis.RedisError as error:
            raise LedgerUnavailable from error
        if answer == "unknown_device" or (name == "admit" and answer[0] == "unknown_device"):
            raise UnknownDevice
        return answer


def _field(device_id: str, model: str) -> str:
    return json.dumps([device_id, model])


def _decoded(answer: Any) -> Any:  # noqa: ANN401 - whatever a script returns
    if isinstance(answer, list):
        return [_decoded(part) for part in answer]
    return answer.decode() if isinstance(answer, bytes) else answer


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
