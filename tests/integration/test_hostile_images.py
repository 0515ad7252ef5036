"""Every image of the hostile set gets a clear outcome, quickly and in little memory."""

import csv
import resource
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.errors import ImageRejected
from workers.photos.decode import decode_image

#: Outcomes that differ from those of the file's group.
OUTCOMES = {
    "pillow_jpeg/truncated_jpeg.jpg": "image_truncated",
    "pillow_jpeg/ultrahdr.jpg": "image_truncated",
    "pillow_png/broken_data_stream.png": "image_undecodable",
    "pillow_png/truncated_image.png": "image_truncated",
    "pillow_png/unknown_compression_method.png": "image_undecodable",
    "pillow_png/apng_chunk_no_fdat.png": "animated_image",
    "pillow_png/apng_syntax_num_frames_high.png": "animated_image",
    "pillow_png/apng_sequence_gap.png": "animated_image",
    "pillow_webp/iss634.webp": "animated_image",
    "pillow_other/iss634.apng": "animated_image",
    "pillow_other/frozenpond.mpo": "decoded",
    "pillow_other/sugarshack.mpo": "decoded",
    "generated/bomb_header_only_60000x60000.png": "image_too_large",
    "generated/lying_header_65500x65500.jpg": "image_too_large",
    "generated/truncated_header.jpg": "image_truncated",
    "generated/text_as.jpg": "image_undecodable",
    "generated/gif_named.jpg": "image_undecodable",
    "generated/animated_face.webp": "animated_image",
    "generated/face.avif": "image_undecodable",
    "video/jpeg_named.mp4": "decoded",
}
#: Outcomes of all others, by folder.
GROUPS = {
    "pillow_jpeg": "decoded",
    "pillow_png": "decoded",
    "pillow_webp": "decoded",
    "generated": "decoded",
    "pillow_gif": "image_undecodable",
    "pillow_other": "image_undecodable",
    "video": "image_undecodable",
}
#: The largest decoded image of the set has 1512x2688 pixels; a bomb of it would need 450 MB.
MEMORY_BYTES = 150 * 2**20
#: Generous for a busy machine; each takes milliseconds.
SECONDS = 3.0


@pytest.fixture(scope="module")
def hostile(shared: Path) -> Path:
    folder = shared / "data" / "hostile"
    if not folder.is_dir():
        pytest.skip("needs the labelled images in ../shared/data/hostile")
    return folder


def _outcome(data: bytes) -> str:
    try:
        decode_image(data, max_pixels=40_000_000)
    except ImageRejected as error:
        return error.code
    return "decoded"


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_every_file_has_its_outcome_in_bounded_time_and_memory(hostile: Path) -> None:
    with (hostile / "manifest.csv").open(encoding="utf-8", newline="") as lines:
        names = [row["file"] for row in csv.DictReader(lines)]
    assert len(names) > 90
    wrong: dict[str, str] = {}
    slow: dict[str, float] = {}
    peak_before = _peak_bytes()
    for name in names:
        data = (hostile / name).read_bytes()
        started = time.monotonic()
        outcome = _outcome(data)
        if (taken := time.monotonic() - started) > SECONDS:
            slow[name] = taken
        if outcome != OUTCOMES.get(name, GROUPS[name.split("/")[0]]):
            wrong[name] = outcome
    assert wrong == {}
    assert slow == {}
    assert _peak_bytes() - peak_before < MEMORY_BYTES


@pytest.mark.parametrize("orientation", [3, 4, 5, 6, 7, 8])
def test_the_same_face_is_upright_whatever_its_orientation(hostile: Path, orientation: int) -> None:
    def decode(name: str) -> NDArray[np.int16]:
        data = (hostile / "generated" / name).read_bytes()
        return decode_image(data, max_pixels=40_000_000).pixels.astype(np.int16)

    upright = decode("progressive_face.jpg")
    turned = decode(f"exif_orientation_{orientation}_face.jpg")
    assert turned.shape == upright.shape
    assert np.abs(turned - upright).mean() < 4
