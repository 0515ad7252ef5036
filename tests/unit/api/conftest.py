"""The gateway over parts in memory, and images made for it."""

import io
from collections.abc import Callable, Iterator, Sequence

import fakeredis
import pytest
import redis
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from api.app import create_app
from api.services import Services
from api.testing import memory_parts
from vram.answers import Ask
from vram.fleet import DeviceSummary
from vram.records import Device, Priority
from workers.settings.process import Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(auth="off", max_waiting_jobs=3)


@pytest.fixture
def fake_redis() -> Iterator[redis.Redis]:
    """Answers are texts, as the gateway's own client gives them."""
    server = fakeredis.FakeServer(version=(7, 2))
    with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
        yield client


@pytest.fixture
def parts(settings: Settings, fake_redis: redis.Redis) -> Services:
    return memory_parts(settings, fake_redis)


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
