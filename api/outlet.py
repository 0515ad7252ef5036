"""A place to write archives to that are sent while they are made."""

import io


class Outlet(io.RawIOBase):
    """What was written since it was last emptied."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []

    def writable(self) -> bool:
        """That is what it is for."""
        return True

    def write(self, data: object, /) -> int:
        """Keep the bytes until they are taken."""
        content = bytes(data)  # type: ignore[call-overload]  # what zipfile hands on: a buffer
        self._written.append(content)
        return len(content)

    def empty(self) -> bytes:
        """Take what was written."""
        content = b"".join(self._written)
        self._written.clear()
        return content
