"""Operators' wishes for one device: load, unload, pin, unpin, optimise."""

from collections.abc import Callable

import structlog

from models.catalogue import Catalogue
from models.errors import ModelsError
from models.loading import runs_on
from models.spec import ModelSpec
from vram.errors import VramError
from vram.records import Command
from workers.devices.asks import Wish
from workers.devices.loaded import NotOnDevice
from workers.devices.models import DeviceModels

#: Answers kept so that a command that comes twice is carried out once.
ANSWERS_KEPT = 100

_log = structlog.get_logger()


class DeviceCommands:
    """Carries them out in the device's worker.

    Args:
        models: The device's models.
        catalogue: What models there are.
        is_installed: Whether a model's weights are in the store.
        idle_seconds: "optimize" unloads models of medium and low priority idle for longer.
    """

    def __init__(
        self,
        models: DeviceModels,
        catalogue: Catalogue,
        *,
        is_installed: Callable[[str], bool],
        idle_seconds: float,
    ) -> None:
        self._models = models
        self._account = models.place.account
        self._catalogue = catalogue
        self._is_installed = is_installed
        self._idle_seconds = idle_seconds
        self._answers: dict[str, str] = {}

    def is_kept(self, model: str) -> bool:
        """Whether an operator pinned a model.

        Raises:
            VramError: the ledger could not be asked.
        """
        return any(one.keep for one in self._account.state().entries if one.model == model)

    def carry_out(self, command: Command) -> None:
        """Do what is wished, once, and tell.

        Raises:
            VramError: the ledger could not be asked; the command comes again.
        """
        if command.id not in self._answers:
            try:
                answer = self._answer(command)
            except VramError:
                raise
            except Exception:  # noqa: BLE001 - it would come again for ever, and keep all else waiting
                _log.exception("device.command_failed", action=command.action, model=command.model)
                answer = "failed"
            while len(self._answers) >= ANSWERS_KEPT:
                del self._answers[next(iter(self._answers))]
            self._answers[command.id] = answer
            _log.info("device.command", action=command.action, model=command.model, answer=answer)
        self._account.done(command.id, answer=self._answers[command.id])

    def _answer(self, command: Command) -> str:
        if command.action == "optimize":
            return self._optimise()
        try:
            spec = self._catalogue.model(command.model or "")
        except ModelsError:
            return "unknown_model"
        if command.action == "unpin":
            self._account.keep(spec.id, on=False)
            return "unpinned"
        if command.action == "unload":
            return self._unload(spec)
        if command.action == "pin":
            self._account.keep(spec.id, on=True)
        return self._load(spec, command)

    def _load(self, spec: ModelSpec, command: Command) -> str:
        if runs_on(spec, self._models.place.device) == "cpu":
            return "cpu_only"
        if not self._is_installed(spec.id):
            return "not_installed"
        wish = Wish(spec=spec, token=f"command-{command.id}", by_name=True)
        try:
            self._models.release(self._models.grasp(wish))
        except NotOnDevice as error:
            return error.reason
        return "loaded"

    def _unload(self, spec: ModelSpec) -> str:
        held = self._models.of(spec.id)
        if held is None:
            return "not_loaded"
        self._account.drain(held.gen, why="command")
        return "unloaded" if self._models.unload(held.gen) else "unloaded_when_unused"

    def _optimise(self) -> str:
        """Unload idle models of medium and low priority, largest first (R-02a-12)."""
        freed_mib, unloaded = 0, 0
        idle = [held for held, seconds in self._models.idle() if seconds > self._idle_seconds]
        for held in sorted(idle, key=lambda one: -one.vram_mib):
            if held.spec.priority not in {"medium", "low"} or self.is_kept(held.spec.id):
                continue
            try:
                self._account.drain(held.gen, why="optimize")
            except VramError as error:
                _log.warning("device.not_optimised", model=held.spec.id, error=str(error))
                continue
            if self._models.unload(held.gen):
                freed_mib, unloaded = freed_mib + held.vram_mib, unloaded + 1
        return f"unloaded {unloaded} models, {freed_mib} MiB" if unloaded else "no_action_needed"
