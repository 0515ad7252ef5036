"""`python -m benchmarks.gateway_clients`: many clients of a gateway, cheaply, in one process.

Its plan is read from standard input as JSON, its findings are written to standard output as JSON.
Clients are coroutines that write requests by hand: a client library would measure itself.
"""

import asyncio
import base64
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psutil

_BOUNDARY = b"facesocial-benchmark"
#: Connections are opened a few at a time, as a crowd comes.
_CROWD = 25
_CROWD_PAUSE_SECONDS = 0.02
_WAIT_SECONDS = 25
_SUBMIT_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the clients do."""

    port: int
    #: Sent as X-API-Key; "" for none.
    key: str
    #: Where photos are posted.
    path: str
    #: Of each of the three kinds.
    long_polls: int = 0
    event_streams: int = 0
    websockets: int = 0
    #: Clients that submit, each one photo after another on a connection of its own.
    submitters: int = 20
    #: How long they do.
    seconds: float = 10.0
    #: From one photo of a client to its next; 0: at once.
    pause_seconds: float = 0.0
    #: File that is sent.
    photo: str = ""
    #: A process whose memory is read before and while clients wait; 0: none.
    server_pid: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What the clients met."""

    #: From a request's first byte to the answer's last, ms, in order of their ends.
    submit_ms: list[float]
    seconds: float
    #: Waiting clients whose connection stood at the beginning and at the end.
    waiting_before: int
    waiting_after: int
    #: Resident memory of the server, MiB.
    memory_before_mib: float
    memory_waiting_mib: float
    #: Processor time of the server while photos were sent, seconds.
    cpu_seconds: float


class Clients:
    """All clients of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._key = f"X-API-Key: {plan.key}\r\n" if plan.key else ""
        with open(plan.photo, "rb") as photo:  # noqa: PTH123 - one file, read once
            self._post = self._form(photo.read())
        #: Waiting clients that have their connection.
        self._standing = 0
        self._one_more = asyncio.Event()

    async def run(self) -> Found:
        """Have some wait, then others submit."""
        plan = self._plan
        job = (await self._submit(*await self._connected())).get("id", "")
        before_mib = memory_mib(plan.server_pid)
        waiters = [
            *([self._long_poll] * plan.long_polls),
            *([self._event_stream] * plan.event_streams),
            *([self._websocket] * plan.websockets),
        ]
        tasks = []
        for number, waiter in enumerate(_shuffled(waiters)):
            tasks.append(asyncio.create_task(waiter(job)))
            tasks[-1].add_done_callback(lambda _: self._one_more.set())
            if number % _CROWD == _CROWD - 1:
                await asyncio.sleep(_CROWD_PAUSE_SECONDS)
        async with asyncio.timeout(60):
            while self._standing < len(tasks):
                await self._one_more.wait()
                self._one_more.clear()
                for task in tasks:
                    if task.done():
                        task.result()  # it was refused, and raises that
        standing, waiting_mib = self._standing, memory_mib(plan.server_pid)
        cpu_before = cpu_seconds(plan.server_pid)
        began = time.perf_counter()
        submitted = await asyncio.gather(*[self._submitter(n) for n in range(plan.submitters)])
        seconds = time.perf_counter() - began
        left = sum(not task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        return Found(
            submit_ms=[one for of_one in submitted for one in of_one],
            seconds=seconds,
            waiting_before=standing,
            waiting_after=left,
            memory_before_mib=before_mib,
            memory_waiting_mib=waiting_mib,
            cpu_seconds=cpu_seconds(plan.server_pid) - cpu_before,
        )

    async def _submitter(self, number: int) -> list[float]:
        plan = self._plan
        # They don't march in step.
        await asyncio.sleep(plan.pause_seconds * number / max(1, plan.submitters))
        streams = await self._connected()
        times: list[float] = []
        ends_at = time.perf_counter() + plan.seconds
        while (began := time.perf_counter()) < ends_at:
            await self._submit(*streams)
            times.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(max(0.0, plan.pause_seconds - (time.perf_counter() - began)))
        streams[1].close()
        return times

    async def _submit(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> dict[str, Any]:
        writer.write(self._post)
        await writer.drain()
        async with asyncio.timeout(_SUBMIT_SECONDS):
            status, body = await _answer(reader)
        if status != "202":
            raise RuntimeError(f"{status}: {body[:300]!r}")
        found: dict[str, Any] = json.loads(body)
        return found

    async def _long_poll(self, job: str) -> None:
        """Ask again whenever the answer comes, as such clients do."""
        reader, writer = await self._connected()
        self._stand()
        while True:
            path = f"/api/v1/jobs/{job}?wait={_WAIT_SECONDS}"
            writer.write(self._get(path).encode())
            status, _ = await _answer(reader)
            if status != "200":
                raise RuntimeError(f"long poll: {status}")

    async def _event_stream(self, job: str) -> None:
        reader, writer = await self._connected()
        writer.write(self._get(f"/api/v1/jobs/{job}/events").encode())
        await _stands(reader, "200")
        self._stand()
        while await reader.read(65536):
            pass

    async def _websocket(self, _: str) -> None:
        reader, writer = await self._connected()
        key = base64.b64encode(bytes(16)).decode()
        upgrade = (
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        )
        # Not notifications: all clients are one user here, and each would hear of every photo.
        path = ("/ws/face-analysis", "/ws/system-status")[self._standing % 2]
        writer.write(self._get(path, upgrade).encode())
        await _stands(reader, "101")
        self._stand()
        while data := await reader.read(65536):
            # A ping without a payload: 0x89 0x00; answered by a masked pong.
            if b"\x89\x00" in data:
                writer.write(b"\x8a\x80\x00\x00\x00\x00")

    def _stand(self) -> None:
        self._standing += 1
        self._one_more.set()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._plan.port)

    def _get(self, path: str, more: str = "") -> str:
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{self._key}{more}\r\n"

    def _form(self, photo: bytes) -> bytes:
        """A whole request with the photo in a form."""
        body = (
            b"--" + _BOUNDARY + b'\r\nContent-Disposition: form-data; name="image"; '
            b'filename="photo.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
            + photo
            + b"\r\n--"
            + _BOUNDARY
            + b"--\r\n"
        )
        # What is measured is accepting, so every photo is to make a job of its own.
        head = (
            f"POST {self._plan.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{self._key}"
            f"Cache-Control: no-cache\r\n"
            f"Content-Type: multipart/form-data; boundary={_BOUNDARY.decode()}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def _answer(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Status and body of one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length_bytes = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length_bytes = int(line.partition(b":")[2])
    return head[9:12].decode(), await reader.readexactly(length_bytes)


async def _stands(reader: asyncio.StreamReader, status: str) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if head[9:12].decode() != status:
        raise RuntimeError(f"A waiting client was refused: {head.decode()}")


def _shuffled(kinds: Sequence[Any]) -> Sequence[Any]:
    """The kinds in turns."""
    third = max(1, -(-len(kinds) // 3))
    rows = [kinds[start : start + third] for start in range(0, len(kinds), third)]
    return [row[number] for number in range(third) for row in rows if number < len(row)]


def memory_mib(pid: int) -> float:
    """Resident memory of a process, MiB; 0 without one."""
    if not pid:
        return 0.0
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def cpu_seconds(pid: int) -> float:
    """Processor time a process has used; 0 without one."""
    if not pid:
        return 0.0
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def main(plan: Mapping[str, Any]) -> None:
    """Run a plan and print what was found."""
    print(json.dumps(asdict(asyncio.run(Clients(Plan(**plan)).run()))))


if __name__ == "__main__":
    main(json.load(sys.stdin))
