"""Photos are decoded side by side, in threads of one process."""

import io
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from workers.photos.decode import decode_image


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads that take turns far more often than usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty_threads")
def test_threads_that_decode_leave_the_process_s_warnings_as_they_were() -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 32)).save(file, "JPEG")
    before = list(warnings.filters)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: decode_image(file.getvalue(), max_pixels=10_000), range(1000)))

    assert list(warnings.filters) == before
