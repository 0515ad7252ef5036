"""The gateway over parts in memory, and images made for it."""

import io
import threading
from collections.abc import Callable, Sequence

import pytest
import redis
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from api.app import create_app
from api.services import Services
from models.catalogue import load_catalogue
from vram.answers import Ask
from vram.fleet import DeviceSummary
from vram.records import Device, Priority
from vram.redis_fleet import RedisFleet
from vram.redis_ledger import RedisLedger
from workers.blobs import MemoryBlobs
from workers.dispatch import MemoryJobQueue
from workers.memory_jobs import MemoryJobs
from workers.router import JobRouter
from workers.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(max_waiting_jobs=3)


@pytest.fixture
def parts(settings: Settings, fake_redis: redis.Redis) -> Services:
    jobs = MemoryJobs(settings)
    fleet = RedisFleet(fake_redis)
    catalogue = load_catalogue()
    return Services(
        settings=settings,
        catalogue=catalogue,
        jobs=jobs,
        watch=jobs,
        blobs=MemoryBlobs(),
        queue=MemoryJobQueue(),
        ledger=RedisLedger(fake_redis, silent_seconds=15),
        fleet=fleet,
        router=JobRouter(fleet, jobs, catalogue, settings),
        wait_slots=threading.BoundedSemaphore(2),
    )


@pytest.fixture
def summary() -> DeviceSummary:
    """What a device's holder tells the router."""
    return DeviceSummary(
        id="host/cuda:0",
        kind="gpu",
        incarnation=1,
        version=1,
        resident=(),
        coming=(),
        free_mib=5238,
        evictable_mib={},
        usable_mib=5238,
        pressure=False,
    )


@pytest.fixture
def holding(parts: Services) -> Callable[..., Device]:
    """Registers a device and loads models onto it: name=(priority, MiB)."""

    def _holding(
        device_id: str, *, pinned: Sequence[str] = (), **models: tuple[Priority, int]
    ) -> Device:
        ledger = parts.ledger
        device = Device(
            id=device_id,
            kind="gpu",
            name="a card",
            host=device_id.partition("/")[0],
            total_mib=6144,
            reserved_mib=200,
            context_mib=450,
            headroom_mib=256,
            verified=True,
            incarnation=ledger.next_incarnation(device_id),
        )
        ledger.register(device)
        where = (device.id, device.incarnation)
        for model, (priority, mib) in models.items():
            ask = Ask(model=model, vram_mib=mib, priority=priority, token=model)
            gen = ledger.reserve(*where, ask).gen
            assert gen is not None
            assert ledger.begin(*where, gen, free_mib=None) == "ok"
            ledger.loaded(*where, gen, vram_mib=mib, load_ms=300)
            if model in pinned:
                ledger.pin(*where, gen, token=device_id, seconds=60)
        return device

    return _holding


@pytest.fixture
def client(parts: Services) -> FlaskClient:
    return create_app(parts).test_client()


@pytest.fixture
def photo() -> Callable[..., bytes]:
    """Encodes a plain picture in a format, mode and size of one's choice."""

    def _photo(
        format_: str = "JPEG",
        *,
        mode: str = "RGB",
        size: tuple[int, int] = (16, 12),
        exif_orientation: int | None = None,
        frames: int = 1,
    ) -> bytes:
        image = Image.new(mode, size)
        buffer = io.BytesIO()
        options: dict[str, object] = {}
        if exif_orientation:
            exif = Image.Exif()
            exif[0x0112] = exif_orientation
            options["exif"] = exif
        if frames > 1:
            others = [Image.new(mode, size, color=60 * index) for index in range(1, frames)]
            options |= {"save_all": True, "append_images": others, "duration": 40}
        image.save(buffer, format_, **options)
        return buffer.getvalue()

    return _photo


@pytest.fixture
def post_form(client: FlaskClient) -> Callable[..., TestResponse]:
    """Sends an image and options as a form."""

    def _post_form(content: bytes, **members: object) -> TestResponse:
        # Encoded here: the test client would leave the temporary file of a large body open.
        image = FileStorage(io.BytesIO(content), filename="photo.jpg")
        boundary, body = encode_multipart({"image": image, **members})
        content_type = f"multipart/form-data; boundary={boundary}"
        return client.post("/api/v1/face/analyze", data=body, content_type=content_type)

    return _post_form
