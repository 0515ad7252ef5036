"""The fleet directory in Redis or Valkey: one script per call, in `vram/lua/fleet_*.lua`.

What is here may be lost: every holder publishes again at its next sign of life.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import redis

from vram.errors import LedgerUnavailable
from vram.fleet import Breaker, DeviceSummary, Outlook, Where

PREFIX: Final = "fs:{vram}:fleet:"
RECORDS: Final = PREFIX + "records"
SEEN: Final = PREFIX + "seen"
ORDER: Final = PREFIX + "order"
MODELS: Final = PREFIX + "models"
ROOM: Final = PREFIX + "room"
BREAKER: Final = PREFIX + "breaker"
CPU: Final = PREFIX + "cpu"
SERVICE: Final = PREFIX + "service"
LOAD: Final = PREFIX + "load"
SIZE: Final = PREFIX + "size"
#: With a model's id behind it.
HOLDERS: Final = PREFIX + "holders:"
#: Of every script.
_KEYS: Final = (RECORDS, SEEN, ORDER, MODELS, ROOM, BREAKER, CPU, SERVICE, LOAD, SIZE, HOLDERS)
_SCRIPTS: Final = (
    "publish",
    "withdraw",
    "beat_cpu",
    "live",
    "breakers",
    "outlook",
    "learn",
    "served",
)
#: Weight of a new measurement in the means: the last ten or so count.
WEIGHT: Final = 0.2
#: Errors a server answers while it can't work; all others are faults of ours.
_AWAY: Final = ("OOM", "LOADING", "READONLY", "MISCONF", "NOAUTH", "NOPERM", "MASTERDOWN", "BUSY")


class RedisFleet:
    """A `Fleet` shared by all processes that reach one server.

    Args:
        client: Its answers may be text or bytes.
        breaker_failures: Failed jobs in a row that open a device's breaker.
        breaker_open_seconds: How long it stays open.
        breaker_try_seconds: Time between two jobs that are let through while it is half open.
        clock_ms: Replaces the server's clock, for tests.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        breaker_failures: int = 5,
        breaker_open_seconds: float = 30.0,
        breaker_try_seconds: float = 3.0,
        clock_ms: Callable[[], int] | None = None,
    ) -> None:
        self._failures = breaker_failures
        self._open_ms = int(breaker_open_seconds * 1000)
        self._try_ms = int(breaker_try_seconds * 1000)
        self._clock_ms = clock_ms
        folder = Path(__file__).parent / "lua"
        prelude = (folder / "shared" / "fleet.lua").read_text(encoding="utf-8")
        self._scripts = {
            name: client.register_script(
                prelude + (folder / f"fleet_{name}.lua").read_text(encoding="utf-8")
            )
            for name in _SCRIPTS
        }

    def publish(self, summary: DeviceSummary, *, live_seconds: float) -> None:
        """See Fleet."""
        models = (*summary.resident, "", *summary.coming)
        head = (summary.id, json.dumps(asdict(summary)), summary.incarnation, summary.version)
        self._call("publish", *head, int(live_seconds * 1000), summary.free_mib, *models)

    def withdraw(self, device_id: str, incarnation: int) -> None:
        """See Fleet."""
        self._call("withdraw", device_id, incarnation)

    def beat_cpu(self, process: str, *, live_seconds: float) -> None:
        """See Fleet."""
        self._call("beat_cpu", process, int(live_seconds * 1000))

    def live(self, device_ids: Sequence[str]) -> frozenset[str]:
        """See Fleet."""
        return frozenset(self._call("live", *device_ids)) if device_ids else frozenset()

    def breakers(self, device_ids: Sequence[str]) -> Mapping[str, Breaker]:
        """See Fleet."""
        if not device_ids:
            return {}
        states = self._call("breakers", self._failures, self._open_ms, *device_ids)
        return dict(zip(device_ids, states, strict=True))

    def outlook(self, models: Sequence[str], *, limit: int = 4) -> Outlook:
        """See Fleet."""
        names = tuple(dict.fromkeys(models))
        found, live, cpu, figures = self._call(
            "outlook", limit, self._failures, self._open_ms, self._try_ms, *names
        )
        return Outlook(
            candidates=tuple(
                _summary(record, breaker)
                for record, breaker in zip(found[::2], found[1::2], strict=True)
            ),
            live_devices=live,
            cpu_processes=cpu,
            **_learned(names, figures),
        )

    def learn(
        self,
        *,
        service_ms: Mapping[tuple[Where, str], float],
        load_ms: Mapping[str, float] | None = None,
        vram_mib: Mapping[str, int] | None = None,
    ) -> None:
        """See Fleet."""
        loads, sizes = load_ms or {}, vram_mib or {}
        services = {f"{where}:{model}": ms for (where, model), ms in service_ms.items()}
        pairs = [
            part for kind in (services, loads, sizes) for pair in kind.items() for part in pair
        ]
        if pairs:
            self._call("learn", WEIGHT, len(services), len(loads), *pairs)

    def served(self, device_id: str, *, ok: bool) -> Breaker:
        """See Fleet."""
        answer: Breaker = self._call("served", device_id, int(ok), self._failures, self._open_ms)
        return answer

    def _call(self, name: str, *arguments: str | float) -> Any:  # noqa: ANN401 - one type per script
        now = self._clock_ms() if self._clock_ms else ""
        try:
            return _decoded(self._scripts[name](keys=_KEYS, args=(now, *arguments)))
        except redis.ResponseError as error:
            if type(error) is redis.ResponseError and not str(error).startswith(_AWAY):
                raise  # a fault of ours: the store did answer
            raise LedgerUnavailable from error
        except redis.RedisError as error:
            raise LedgerUnavailable from error


def _summary(record: str, breaker: Breaker) -> DeviceSummary:
    members = json.loads(record)
    members.update(
        resident=tuple(members["resident"]), coming=tuple(members["coming"]), breaker=breaker
    )
    return DeviceSummary(**members)


def _learned(names: Sequence[str], figures: Sequence[str | None]) -> dict[str, Any]:
    """The members of an outlook that were learned."""
    service: dict[tuple[Where, str], float] = {}
    load: dict[str, float] = {}
    size: dict[str, int] = {}
    for name, start in zip(names, range(0, len(figures), 4), strict=True):
        gpu_ms, cpu_ms, load_ms, mib = figures[start : start + 4]
        if gpu_ms is not None:
            service["gpu", name] = float(gpu_ms)
        if cpu_ms is not None:
            service["cpu", name] = float(cpu_ms)
        if load_ms is not None:
            load[name] = float(load_ms)
        if mib is not None:
            size[name] = int(mib)
    return {"service_ms": service, "load_ms": load, "vram_mib": size}


def _decoded(answer: Any) -> Any:  # noqa: ANN401 - whatever a script returns
    if isinstance(answer, list):
        return [_decoded(part) for part in answer]
    return answer.decode() if isinstance(answer, bytes) else answer
