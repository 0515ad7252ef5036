"""Images as strangers send them: odd, broken, cut, huge; drawn here, byte by byte where needed."""

import io
import random
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from workers.errors import ImageRejected
from workers.photos.decode import decode_image

LIMIT = 1_000_000


def _encode(image: Image.Image, name: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()


def _quarters(mode: str = "RGB") -> Image.Image:
    """64x32: red, green above blue, white."""
    image = Image.new("RGB", (64, 32), "white")
    image.paste("red", (0, 0, 32, 16))
    image.paste((0, 255, 0), (32, 0, 64, 16))
    image.paste("blue", (0, 16, 32, 32))
    return image.convert(mode)


def _corners(pixels: np.ndarray) -> list[str]:
    """The colour in the middle of each quarter, in reading order."""
    names = {"100": "red", "010": "green", "001": "blue", "111": "white"}
    height, width = pixels.shape[:2]
    places = [(height // 4, width // 4), (height // 4, width * 3 // 4)]
    places += [(height * 3 // 4, x) for _, x in places]
    return [names["".join(str(int(v > 127)) for v in pixels[place])] for place in places]


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _exif(orientation: int) -> bytes:
    return _exif_entry(kind=3, count=1, value=struct.pack(">HH", orientation, 0))


def _exif_entry(*, kind: int, count: int, value: bytes) -> bytes:
    """EXIF with nothing but an orientation of that type."""
    entry = struct.pack(">HHHI", 1, 0x0112, kind, count) + value
    return b"Exif\0\0MM\0*\0\0\0\x08" + entry + bytes(4)


def _code(data: bytes, max_pixels: int = LIMIT) -> str:
    with pytest.raises(ImageRejected) as caught:
        decode_image(data, max_pixels=max_pixels)
    return caught.value.code


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
def test_each_format_becomes_contiguous_rgb(name: str) -> None:
    image = decode_image(_encode(_quarters(), name), max_pixels=LIMIT)
    assert image.format == name
    assert image.exif_orientation == 1
    assert image.pixels.shape == (32, 64, 3)
    assert image.pixels.dtype == np.uint8
    assert image.pixels.flags.c_contiguous
    assert _corners(image.pixels) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize(
    ("mode", "name"), [("CMYK", "JPEG"), ("YCbCr", "JPEG"), ("P", "PNG"), ("RGBA", "WEBP")]
)
def test_other_colour_models_become_rgb(mode: str, name: str) -> None:
    image = decode_image(_encode(_quarters(mode), name), max_pixels=LIMIT)
    assert _corners(image.pixels) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize(
    ("mode", "name"), [("L", "JPEG"), ("L", "PNG"), ("LA", "PNG"), ("1", "PNG")]
)
def test_grey_becomes_three_equal_channels(mode: str, name: str) -> None:
    grey = Image.new("L", (16, 16), 0)
    grey.paste(255, (8, 0, 16, 16))
    pixels = decode_image(_encode(grey.convert(mode), name), max_pixels=LIMIT).pixels
    assert (pixels[..., 0] == pixels[..., 1]).all()
    assert (pixels[..., 0] == pixels[..., 2]).all()
    assert pixels[8, 2, 0] < 5
    assert pixels[8, 13, 0] > 250


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    values = np.array([[0, 257, 32896, 65535]], np.uint16).repeat(4, axis=0)
    image = decode_image(_encode(Image.fromarray(values), "PNG"), max_pixels=LIMIT)
    assert image.pixels[0, :, 0].tolist() == [0, 1, 128, 255]
    assert image.pixels.shape == (4, 4, 3)


def test_sixteen_bit_colour_is_scaled_and_not_clipped() -> None:
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    row = b"\0" + struct.pack(">6H", 65535, 32896, 257, 0, 1000, 60000)
    data = b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", header)
    data += _png_chunk(b"IDAT", zlib.compress(row)) + _png_chunk(b"IEND", b"")
    assert decode_image(data, max_pixels=LIMIT).pixels[0].tolist() == [[255, 128, 1], [0, 3, 234]]


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_transparent_parts_are_white_whatever_colour_hides_there(name: str) -> None:
    image = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    image.paste((0, 0, 200, 255), (16, 0, 32, 32))
    options = {"lossless": True, "exact": True} if name == "WEBP" else {}
    pixels = decode_image(_encode(image, name, **options), max_pixels=LIMIT).pixels
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[0, 31].tolist() == [0, 0, 200]


def test_half_transparent_parts_are_mixed_with_white() -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    pixels = decode_image(_encode(image, "PNG"), max_pixels=LIMIT).pixels
    assert abs(int(pixels[0, 0, 0]) - 127) <= 1


@pytest.mark.parametrize(
    ("mode", "hidden"), [("L", 7), ("RGB", (7, 7, 7)), ("P", 7), ("1", 0), ("I;16", 7)]
)
def test_a_colour_declared_transparent_is_white(mode: str, hidden: object) -> None:
    image = Image.new(mode, (8, 8), hidden)  # type: ignore[arg-type]  # one colour per mode
    if mode == "P":
        image.putpalette(bytes(range(256)) * 3)
    data = _encode(image, "PNG", transparency=hidden)
    assert (decode_image(data, max_pixels=LIMIT).pixels == 255).all()


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, None),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
def test_every_exif_orientation_is_undone(
    name: str, orientation: int, turn: Image.Transpose | None
) -> None:
    stored = _quarters() if turn is None else _quarters().transpose(turn)
    data = _encode(stored, name, exif=_exif(orientation))
    image = decode_image(data, max_pixels=LIMIT)
    assert image.exif_orientation == orientation
    assert image.pixels.shape == (32, 64, 3)
    assert image.pixels.flags.c_contiguous
    assert _corners(image.pixels) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize(
    "exif",
    [
        _exif(0),
        _exif(9),
        _exif_entry(kind=2, count=3, value=b"up!\0"),
        _exif_entry(kind=5, count=1, value=b"\xff\xff\xff\xff"),
        _exif_entry(kind=99, count=1, value=b"\0\x06\0\0"),
        b"Exif\0\0",
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
        b"Exif\0\0" + bytes(range(256)),
    ],
)
def test_nonsense_in_exif_leaves_the_image_as_it_is(exif: bytes) -> None:
    image = decode_image(_encode(_quarters(), "JPEG", exif=exif), max_pixels=LIMIT)
    assert image.exif_orientation == 1
    assert _corners(image.pixels) == ["red", "green", "blue", "white"]


def test_a_phone_photo_with_a_second_picture_is_one_jpeg() -> None:
    data = _encode(_quarters(), "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))])
    image = decode_image(data, max_pixels=LIMIT)
    assert image.format == "JPEG"
    assert image.pixels.shape == (32, 64, 3)


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_an_animation_is_rejected(name: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = _encode(frames[0], name, save_all=True, append_images=frames[1:])
    assert _code(data) == "animated_image"


def test_the_limit_of_pixels_is_met_exactly() -> None:
    data = _encode(Image.new("RGB", (100, 100)), "PNG")
    assert decode_image(data, max_pixels=10_000).pixels.shape == (100, 100, 3)
    assert _code(data, max_pixels=9_999) == "image_too_large"


@pytest.mark.parametrize("side", [1001, 12_000, 60_000])
def test_a_header_that_claims_too_much_is_enough_to_reject(side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", b"")
    assert _code(data) == "image_too_large"


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_cut_file_is_told_from_a_broken_one(name: str, share: float) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    data = _encode(Image.fromarray(noise), name)
    assert _code(data[: int(len(data) * share)]) == "image_truncated"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\0" * 1000,
        _encode(_quarters(), "GIF"),
        _encode(_quarters(), "BMP"),
        _encode(_quarters(), "TIFF"),
        b"RIFF\x10\0\0\0WEBPVP8 \0\0\0\0\0\0\0\0",
    ],
    ids=["empty", "text", "zeros", "gif", "bmp", "tiff", "hollow webp"],
)
def test_what_is_no_image_we_read_is_rejected(data: bytes) -> None:
    assert _code(data) == "image_undecodable"


def test_bytes_after_the_end_are_ignored() -> None:
    data = _encode(_quarters(), "JPEG") + b"PK\x03\x04" * 100
    assert decode_image(data, max_pixels=LIMIT).pixels.shape == (32, 64, 3)


def test_an_image_of_many_strips_is_put_together_in_order() -> None:
    ramp = np.arange(1500, dtype=np.uint32)[:, None] // 6
    grey = np.broadcast_to(ramp, (1500, 1000)).astype(np.uint8)
    pixels = decode_image(_encode(Image.fromarray(grey), "PNG"), max_pixels=2_000_000).pixels
    np.testing.assert_array_equal(pixels, np.repeat(grey[..., None], 3, axis=2))


def _flip(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] = chance.randrange(256)


def _drop(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    del data[start : start + chance.randrange(16)]


def _insert(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    data[start:start] = chance.randbytes(chance.randrange(8))


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("damage", [_flip, _drop, _insert])
def test_damage_anywhere_gives_an_image_or_a_clear_rejection(
    name: str, damage: Callable[[bytearray, random.Random], None]
) -> None:
    chance = random.Random(f"{name} {damage.__name__}")  # noqa: S311 - damage, not secrets
    whole = _encode(_quarters(), name, exif=_exif(6))
    outcomes = set()
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 3, 10))):
            damage(data, chance)
        try:
            decode_image(bytes(data), max_pixels=LIMIT)
        except ImageRejected as error:
            outcomes.add(error.code)
    assert outcomes
    assert outcomes <= {"image_undecodable", "image_truncated", "image_too_large", "animated_image"}
