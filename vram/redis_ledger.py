"""The ledger in Redis or Valkey: one script per call, so every call is atomic.

All keys of a device share one hash tag, so that a device is one slot of a cluster; none of them
expires, because a key that expires would give memory back that is still in use. The instance has
to keep what it is given: `maxmemory-policy noeviction`. docs/reference/redis-keys.md describes the
keys; their layout has a version, and another one than ours is refused.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import redis

from vram import ledger_codec as codec
from vram import scripts
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
from vram.errors import LedgerUnavailable, UnknownDevice
from vram.records import Command, Device, DeviceState, Event

_INCARNATION: Final = "fs:{vram}:incarnation"
_DEVICES: Final = "fs:{vram}:devices"
#: Of one device, by its id.
_DEVICE: Final = "fs:{vram:<id>}:device"
_ENTRIES: Final = "fs:{vram:<id>}:entries"
_MODELS: Final = "fs:{vram:<id>}:models"
_COMMANDS: Final = "fs:{vram:<id>}:commands"
_EVENTS: Final = "fs:{vram:<id>}:events"
#: In the order in which the scripts know them.
_OF_A_DEVICE: Final = (_DEVICE, _ENTRIES, _MODELS, _COMMANDS, _EVENTS)
#: Errors a server answers while it can't work, and ours for a layout we don't know.
_AWAY: Final = (
    "OOM",
    "LOADING",
    "READONLY",
    "MISCONF",
    "NOAUTH",
    "NOPERM",
    "MASTERDOWN",
    "BUSY",
    "LAYOUT",
)
#: Events `follow` reads at once.
_PAGE: Final = 1000


def device_keys(device_id: str) -> list[str]:
    """Keys of a device's ledger: device, entries, models, commands, events."""
    return [key.replace("<id>", device_id) for key in _OF_A_DEVICE]


class RedisLedger:
    """A `VramLedger` shared by all processes that reach one server.

    Calls wait as long as the client's timeouts allow. A call that timed out may have been carried
    out: repeating it is safe.

    Args:
        client: Of the server; it may decode answers or not.
        silent_seconds: A device silent for longer is not alive.
        clock_ms: For tests alone: the time in place of the server's.
        lua: Where the scripts are.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        silent_seconds: float,
        clock_ms: Callable[[], int] | None = None,
        lua: Path = scripts.FOLDER,
    ) -> None:
        self._client = client
        self._silent_seconds = silent_seconds
        self._clock_ms = clock_ms
        self._scripts = {
            name: client.register_script(text) for name, text in scripts.load(lua).items()
        }

    def next_incarnation(self, device_id: str) -> int:
        """See VramLedger. One counter serves all devices, so that none is left behind by one."""
        del device_id
        with _Translated():
            return int(self._scripts["next_incarnation"](keys=[_INCARNATION], args=[self._now()]))

    def register(self, device: Device, *, last_gen: int = 0) -> None:
        """See VramLedger."""
        self._call("register", device.id, None, codec.device_text(device), last_gen)
        self._list(device.id)

    def withdraw(self, device_id: str, incarnation: int) -> None:
        """See VramLedger."""
        if self._call("withdraw", device_id, incarnation) == "held":
            return
        with _Translated():
            self._client.srem(_DEVICES, device_id)
            # Registered anew meanwhile: listed again. The next beat mends what is lost between.
            if self._client.exists(device_keys(device_id)[0]):
                self._client.sadd(_DEVICES, device_id)

    def beat(
        self, device_id: str, incarnation: int, *, held: Sequence[int], last_gen: int = 0
    ) -> Orders:
        """See VramLedger."""
        answer = self._call("beat", device_id, incarnation, json.dumps(list(held)), last_gen)
        self._list(device_id)
        return codec.orders_from(answer)

    def reserve(self, device_id: str, incarnation: int, ask: Ask) -> Reservation:
        """See VramLedger."""
        answer = self._call("reserve", device_id, incarnation, codec.ask_text(ask))
        return codec.reservation_from(answer)

    def begin(
        self, device_id: str, incarnation: int, gen: int, *, free_mib: int | None
    ) -> BeginAnswer:
        """See VramLedger."""
        answer: BeginAnswer = self._call(
            "begin", device_id, incarnation, gen, codec.maybe(free_mib)
        )
        return answer

    def loaded(
        self, device_id: str, incarnation: int, gen: int, *, vram_mib: int, load_ms: float
    ) -> Loaded:
        """See VramLedger."""
        answer = self._call("loaded", device_id, incarnation, gen, vram_mib, load_ms)
        return codec.loaded_from(answer)

    def adjust(self, device_id: str, incarnation: int, gen: int, *, vram_mib: int) -> Loaded:
        """See VramLedger."""
        return codec.loaded_from(self._call("adjust", device_id, incarnation, gen, vram_mib))

    def fail(self, device_id: str, incarnation: int, gen: int, *, why: str) -> Verdict:
        """See VramLedger."""
        answer: Verdict = self._call("fail", device_id, incarnation, gen, why)
        return answer

    def pin(
        self, device_id: str, incarnation: int, gen: int, *, token: str, seconds: float
    ) -> Verdict:
        """See VramLedger."""
        answer: Verdict = self._call("pin", device_id, incarnation, gen, token, seconds)
        return answer

    def unpin(self, device_id: str, incarnation: int, gen: int, *, token: str) -> None:
        """See VramLedger."""
        self._call("unpin", device_id, incarnation, gen, token)

    def drain(self, device_id: str, gen: int, *, why: str) -> Verdict:
        """See VramLedger."""
        answer: Verdict = self._call("drain", device_id, None, gen, why)
        return answer

    def unloading(self, device_id: str, incarnation: int, gen: int) -> UnloadAnswer:
        """See VramLedger."""
        answer: UnloadAnswer = self._call("unloading", device_id, incarnation, gen)
        return answer

    def unloaded(
        self, device_id: str, incarnation: int, gen: int, *, returned_mib: int | None
    ) -> Verdict:
        """See VramLedger."""
        answer: Verdict = self._call(
            "unloaded", device_id, incarnation, gen, codec.maybe(returned_mib)
        )
        return answer

    def keep(self, device_id: str, model: str, *, on: bool) -> None:
        """See VramLedger."""
        self._call("keep", device_id, None, model, int(on))

    def observe(
        self, device_id: str, incarnation: int, *, used_mib: int, version: int
    ) -> Observation:
        """See VramLedger."""
        answer = self._call("observe", device_id, incarnation, used_mib, version)
        return codec.observation_from(answer)

    def version(self, device_id: str) -> int:
        """See VramLedger."""
        return int(self._call("version", device_id, None))

    def sweep(self, device_id: str) -> int:
        """See VramLedger."""
        return int(self._call("sweep", device_id, None))

    def out_of_memory(self, device_id: str, incarnation: int, gen: int, *, step: str) -> None:
        """See VramLedger."""
        self._call("out_of_memory", device_id, incarnation, gen, step)

    def relieve(
        self, device_id: str, incarnation: int, *, needed_mib: int, asker_gen: int
    ) -> Observation:
        """See VramLedger."""
        answer = self._call("relieve", device_id, incarnation, needed_mib, asker_gen)
        return codec.observation_from(answer)

    def command(self, device_id: str, command: Command) -> None:
        """See VramLedger."""
        self._call("command", device_id, None, command.id, command.action, command.model or "")

    def done(self, device_id: str, incarnation: int, command_id: str, *, answer: str) -> None:
        """See VramLedger."""
        self._call("done", device_id, incarnation, command_id, answer)

    def state(self, device_id: str) -> DeviceState:
        """See VramLedger."""
        answer = self._call("state", device_id, None)
        return codec.state_from(answer, silent_seconds=self._silent_seconds)

    def devices(self) -> tuple[DeviceState, ...]:
        """See VramLedger."""
        with _Translated():
            ids = sorted(codec.decoded(list(self._client.smembers(_DEVICES))))
            pipeline = self._client.pipeline(transaction=False)
            for device_id in ids:
                self._scripts["state"](
                    keys=device_keys(device_id), args=[self._now(), ""], client=pipeline
                )
            answers = codec.decoded(pipeline.execute(raise_on_error=False))
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        return tuple(
            codec.state_from(answer, silent_seconds=self._silent_seconds)
            for answer in answers
            if answer != "unknown_device"
        )

    def events(self, device_id: str, *, after: str = "0", limit: int = 1000) -> Sequence[Event]:
        """See VramLedger."""
        with _Translated():
            stream = device_keys(device_id)[-1]
            found = self._client.xrange(stream, f"({after}", "+", count=limit) or []
        return [
            codec.event_from(codec.decoded(name), codec.decoded(fields)) for name, fields in found
        ]

    def follow(self, device_id: str) -> Iterator[Event]:
        """See VramLedger."""
        after = "0"
        while page := self.events(device_id, after=after, limit=_PAGE):
            yield from page
            after = page[-1].id

    def _list(self, device_id: str) -> None:
        with _Translated():
            self._client.sadd(_DEVICES, device_id)

    def _now(self) -> str:
        return "" if self._clock_ms is None else str(self._clock_ms())

    def _call(self, name: str, device_id: str, incarnation: int | None, *args: str | float) -> Any:  # noqa: ANN401 - one type per script
        """Run a script; its answer with bytes decoded, whatever the client decodes itself."""
        with _Translated():
            found = self._scripts[name](
                keys=device_keys(device_id), args=[self._now(), codec.maybe(incarnation), *args]
            )
        answer = codec.decoded(found)
        if answer == "unknown_device":
            raise UnknownDevice
        return answer


class _Translated:
    """Tells errors of the client as the ledger's own; faults of ours stay what they are."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, redis.RedisError):
            return
        if type(error) is redis.ResponseError and not str(error).startswith(_AWAY):
            return
        raise LedgerUnavailable(f"The ledger's store can't be used now: {error}.") from error
