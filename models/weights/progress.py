"""The port through which a long transfer tells how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Told of one transfer after another, from one thread."""

    def start(self, name: str, total_bytes: int | None) -> None:
        """Begin a transfer; None when its size is not known."""
        ...

    def update(self, done_bytes: int) -> None:
        """Bytes transferred since start; may fall when a transfer begins again."""
        ...

    def finish(self) -> None:
        """End the transfer that was started, whether it succeeded or not."""
        ...


class NoProgress:
    """Tells nobody."""

    def start(self, name: str, total_bytes: int | None) -> None:
        """Ignore."""

    def update(self, done_bytes: int) -> None:
        """Ignore."""

    def finish(self) -> None:
        """Ignore."""


NO_PROGRESS = NoProgress()
