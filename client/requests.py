"""From a `Call` to httpx's arguments; the same for blocking and async clients."""

from contextlib import ExitStack
from typing import Any

import httpx

from client.calls import Call, parts_of
from client.photos import WatchedFile

#: Longest wait for a connection, and for each part of an answer beyond what the call waits for.
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0


def arguments_of(call: Call, files: ExitStack) -> dict[str, Any]:
    """Keyword arguments for `httpx.Client.request`.

    Args:
        call: What to send.
        files: Closes what was opened for it.
    """
    headers = dict(call.headers)
    arguments: dict[str, Any] = {
        "method": call.method,
        "url": call.path,
        "params": call.query,
        "headers": headers,
        "timeout": httpx.Timeout(READ_SECONDS + call.extra_seconds, connect=CONNECT_SECONDS),
    }
    if call.body is not None:
        headers["Content-Type"] = call.body.media_type
        if call.body.size_bytes is not None:
            headers["Content-Length"] = str(call.body.size_bytes)
        arguments["content"] = parts_of(call.body, call.progress)
    elif call.photos:
        arguments["files"] = [
            (field, (photo.name, _opened(call, files, index)))
            for index, (field, photo) in enumerate(call.photos)
        ]
        arguments["data"] = call.form
    elif call.json is not None:
        arguments["json"] = call.json
    return arguments


def _opened(call: Call, files: ExitStack, index: int) -> Any:  # noqa: ANN401 - what httpx takes for a file
    _, photo = call.photos[index]
    file = files.enter_context(photo.open())
    if call.progress is None:
        return file
    return WatchedFile(file, photo.size_bytes, call.progress)
