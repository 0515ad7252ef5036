"""Hosts that answer as scripted, and names that resolve as told."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing

from api.outbound.guard import Outbound
from api.outbound.targets import policy_of

#: Sends bytes to one client.
Script = Callable[[socket.socket], None]
HERE = "127.0.0.1"
#: How long a host drips unless its client goes: far longer than any client may stay.
DRIP_SECONDS = 60.0


class Host:
    """A server on loopback that answers each connection by the next script."""

    def __init__(self, scripts: Sequence[Script], *, first_read: bool = True) -> None:
        self._scripts = list(scripts)
        self._first_read = first_read
        self._socket = socket.create_server((HERE, 0))
        self.port = self._socket.getsockname()[1]
        self.requests: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        for script in self._scripts:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                request = client.recv(65536) if self._first_read else b""
                if request.startswith(b"POST") and not request.endswith(b"}"):
                    request += client.recv(65536)
                self.requests.append(request)
                try:
                    script(client)
                except OSError:
                    continue  # the client has gone, as it should

    def close(self) -> None:
        self._socket.close()


def sends(*pieces: bytes, every_seconds: float = 0) -> Script:
    def script(client: socket.socket) -> None:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(every_seconds)

    return script


def drips(piece: bytes, *, after: bytes = b"") -> Script:
    """Sends a piece again and again; an empty one: says nothing, and stays."""

    def script(client: socket.socket) -> None:
        client.sendall(after)
        client.settimeout(0.05)
        end = time.monotonic() + DRIP_SECONDS
        while time.monotonic() < end:
            client.sendall(piece)
            try:
                if not client.recv(65536):
                    return
            except TimeoutError:
                continue

    return script


def answers(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> Script:
    head = b"".join(header + b"\r\n" for header in headers)
    return sends(b"HTTP/1.1 " + status + b"\r\n" + head + b"\r\n" + body)


def redirects(location: str) -> Script:
    return answers(b"", b"Location: " + location.encode(), status=b"302 Found")


class Names:
    """A resolver that answers what it is told; the last answer again and again."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, timeout_seconds: float) -> Sequence[str]:
        assert port > 0
        assert timeout_seconds > 0
        self.asked.append(host)
        known = self._answers.get(host, [[host]])
        return known.pop(0) if len(known) > 1 else known[0]


def outbound(host: Host, names: Names, *, networks: Sequence[str] = (f"{HERE}/32",)) -> Outbound:
    hosts = [f"{name}:{host.port}" for name in ("files.test", "evil.test", HERE, "10.0.0.1")]
    return Outbound(policy_of("public", hosts, networks), resolve=names)


def fetched(outbound: Outbound, url: str, *, max_bytes: int = 1000, seconds: float = 5) -> bytes:
    with closing(outbound.fetch(url, max_bytes=max_bytes, total_seconds=seconds)) as file:
        return file.read()
