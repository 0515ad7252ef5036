"""The gateway over parts in memory, and images made for it."""

import io
import threading
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from api.app import create_app
from api.services import Services
from models.catalogue import load_catalogue
from vram.memory_ledger import MemoryLedger
from workers.blobs import MemoryBlobs
from workers.dispatch import MemoryJobQueue
from workers.memory_jobs import MemoryJobs
from workers.router import JobRouter
from workers.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(max_waiting_jobs=3)


@pytest.fixture
def parts(settings: Settings) -> Services:
    jobs = MemoryJobs(settings)
    ledger = MemoryLedger()
    catalogue = load_catalogue()
    return Services(
        settings=settings,
        catalogue=catalogue,
        jobs=jobs,
        watch=jobs,
        blobs=MemoryBlobs(),
        queue=MemoryJobQueue(),
        ledger=ledger,
        router=JobRouter(ledger, catalogue),
        wait_slots=threading.BoundedSemaphore(2),
    )


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
