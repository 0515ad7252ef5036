"""A file that the worker's own loop touches: a probe that can't lie about a hung loop."""

from pathlib import Path

from celery import bootsteps

#: The loop touches the file this often.
TOUCH_EVERY_SECONDS = 5.0
#: A file older than this belongs to a worker that hangs.
STALE_AFTER_SECONDS = 30.0


def heartbeat_path(data_dir: Path, device: str) -> Path:
    """The file of a worker on that device."""
    return data_dir / "run" / f"heartbeat-{device.replace(':', '-')}"


def heartbeat_step(path: Path) -> type[bootsteps.StartStopStep]:
    """A step for a Celery worker that touches the file while its loop turns."""

    class HeartbeatStep(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery is untyped
        requires = {"celery.worker.components:Timer"}  # noqa: RUF012 - Celery's own convention

        def __init__(self, parent: object, **options: object) -> None:
            super().__init__(parent, **options)
            self._entry: object | None = None

        def start(self, parent: object) -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            self._entry = parent.timer.call_repeatedly(  # type: ignore[attr-defined]  # untyped
                TOUCH_EVERY_SECONDS, path.touch
            )

        def stop(self, parent: object) -> None:  # noqa: ARG002 - Celery's signature
            if self._entry:
                self._entry.cancel()  # type: ignore[attr-defined]  # untyped
                self._entry = None

    return HeartbeatStep
