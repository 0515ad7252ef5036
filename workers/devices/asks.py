"""Asking the ledger for a model: how much, for what batch size, at what cost elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass

from models.spec import ModelSpec
from vram.answers import Ask, Reservation
from vram.errors import LedgerUnavailable, UnknownDevice
from workers.devices.account import OutOfUse
from workers.devices.loads import Held, Place
from workers.devices.refusals import RETRY_MS, refused


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is wanted of the device."""

    spec: ModelSpec
    token: str
    may_use_cpu: bool = True
    #: Take free room only: nobody leaves for a guess.
    only_free: bool = False
    #: An operator asked for it.
    by_name: bool = False


class Asks:
    """Asks for one device.

    Args:
        place: The device.
        pin_seconds: How long a use may last at most.
        lost: Called when the ledger does not know the device any more.
    """

    def __init__(self, place: Place, *, pin_seconds: float, lost: Callable[[], None]) -> None:
        self._place = place
        self._pin_seconds = pin_seconds
        self._lost = lost

    def reserve(self, wish: Wish, held: Held | None) -> tuple[Reservation, int]:
        """Pin a model or get room for it; the answer, and the batch size it is for.

        Args:
            wish: What is wanted.
            held: The model as it is on the device, if it is.

        Raises:
            NotOnDevice: the ledger could not be asked.
        """
        try:
            bucket, vram_mib = self._size(wish.spec, held)
            return self._place.account.reserve(self._ask(wish, vram_mib)), bucket
        except OutOfUse as error:
            raise refused(error.reason) from None
        except LedgerUnavailable:
            if held is not None:
                # It may be pinned all the same, which would keep it for as long as a use may last.
                self._place.account.unpin_later(held.gen, wish.token)
            raise refused("ledger_unavailable", retry_ms=RETRY_MS) from None
        except UnknownDevice:
            self._lost()
            raise refused("device_lost", retry_ms=RETRY_MS) from None

    def pin(self, gen: int, token: str) -> bool:
        """Use a model that has just been loaded; False: it leaves already.

        Raises:
            NotOnDevice: the ledger could not be asked.
        """
        try:
            return self._place.account.pin(gen, token, seconds=self._pin_seconds) == "ok"
        except LedgerUnavailable:
            self._place.account.unpin_later(gen, token)
            raise refused("ledger_unavailable", retry_ms=RETRY_MS) from None
        except UnknownDevice:
            self._lost()
            raise refused("device_lost", retry_ms=RETRY_MS) from None

    def _ask(self, wish: Wish, vram_mib: int) -> Ask:
        spec = wish.spec
        return Ask(
            model=spec.id,
            vram_mib=vram_mib,
            priority=spec.priority,
            token=wish.token,
            pin_seconds=self._pin_seconds,
            has_fallback=wish.may_use_cpu,
            penalty_ms=self._place.timings.penalty_ms(spec.id),
            load_ms=self._place.sizes.load_ms(spec),
            only_free=wish.only_free,
            by_name=wish.by_name,
        )

    def _size(self, spec: ModelSpec, held: Held | None) -> tuple[int, int]:
        """The batch size to ask for, and what it takes: the largest there is free room for."""
        if held is not None:
            return held.bucket, held.vram_mib
        free_mib = self._place.account.state().free_mib
        sizes = [(size, self._place.sizes.mib(spec, size)) for size in spec.batch_buckets]
        fitting = [pair for pair in sizes if pair[1] <= free_mib]
        return max(fitting) if fitting else min(sizes)
