"""What strangers send, built byte by byte; and what it does to the gateway meanwhile."""

import base64
import io
import json
import re
import socket
import struct
import threading
import time
import zipfile
from collections.abc import Callable
from typing import Self

import httpx
import psutil

from tests.integration.gateway_process import Gateway

#: Longest answer to anything, on a busy machine.
ANSWER_SECONDS = 15


def exchange(gateway: Gateway, sent: bytes) -> bytes:
    """All that comes back until the gateway ends the connection."""
    address = ("127.0.0.1", gateway.port)
    with socket.create_connection(address, timeout=ANSWER_SECONDS) as client:
        client.sendall(sent)
        received = b""
        while part := client.recv(65536):
            received += part
    return received


def closing_code(gateway: Gateway, key: str, frames: bytes) -> int:
    """What the gateway ends a WebSocket connection with on which these frames come."""
    opening = (
        "GET /ws/face-analysis HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-API-Key: {key}\r\n\r\n"
    )
    address = ("127.0.0.1", gateway.port)
    with socket.create_connection(address, timeout=ANSWER_SECONDS) as client:
        client.sendall(opening.encode())
        assert client.recv(65536).startswith(b"HTTP/1.1 101 ")
        client.sendall(frames)
        received = b""
        while (closing := re.search(rb"\x88[\x02-\x7d](..)", received, re.DOTALL)) is None:
            part = client.recv(65536)
            assert part, "the connection ended without a reason"
            received += part
    code: int = struct.unpack(">H", closing[1])[0]
    return code


def zip_of(*entries: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return made.getvalue()


def zip_of_many() -> bytes:
    """Says in 64 bits that it has 2^32 files."""
    end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 2**32, 2**32, 0, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    full = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    return end + locator + full


def letters(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def token(header: object, sign: Callable[[bytes], bytes] = lambda _: b"") -> str:
    claims = {
        "iss": "facesocial-api",
        "aud": "facesocial",
        "sub": "user_" + "0" * 32,
        "exp": int(time.time()) + 600,
    }
    text = ".".join(letters(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{letters(sign(text.encode()))}"


def frame(first: int, content: bytes, *, length: int | None = None, mask: int = 0x80) -> bytes:
    size = len(content) if length is None else length
    head = (
        bytes([first, mask | size]) if size < 126 else struct.pack(">BBQ", first, mask | 127, size)
    )
    return head + b"\0\0\0\0" * bool(mask) + content


def memory_mib(gateway: Gateway) -> float:
    family = [gateway.process.pid]
    family += [one.pid for one in psutil.Process(gateway.process.pid).children(recursive=True)]
    return sum(psutil.Process(pid).memory_info().rss for pid in family) / 2**20


class Watch:
    """How long others wait meanwhile, and how large the gateway gets."""

    def __init__(self, gateway: Gateway) -> None:
        self.longest_seconds = 0.0
        self.most_mib = 0.0
        self._gateway = gateway
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        with httpx.Client(base_url=self._gateway.url, timeout=ANSWER_SECONDS) as client:
            while not self._is_over.wait(0.02):
                began = time.monotonic()
                client.get("/health/live")
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
                self.most_mib = max(self.most_mib, memory_mib(self._gateway))
