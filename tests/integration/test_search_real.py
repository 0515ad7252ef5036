"""Real detectors in the search: close-ups, tiny faces, turned photos, completed landmarks.

Figures in comments were measured with one CPU thread.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from models.catalogue import Catalogue, load_catalogue
from models.detection.families import open_detector
from models.detection.search import FaceSearch, SearchOptions, SearchResult
from models.detection.tiling import MAX_TILES
from models.geometry import resize
from models.landmarks import FaceLandmarks
from models.loading import open_network
from models.quality import assess
from models.results import DetectedFace, Image
from models.weights.store import WeightStore
from workers.photos.decode import decode_image

pytestmark = pytest.mark.weights

LITE = ("yunet", "centerface", "mtcnn", "blazeface_full", "ultraface_rfb320")
#: Engines whose weights no registry carries, and their files in ../shared/models.
FULL = {
    "scrfd_500m": "det_500m.onnx",
    "scrfd_2_5g": "det_2.5g.onnx",
    "yolov5n_05_face": "yolov5n-0.5.onnx",
}
WITHOUT_LANDMARKS = ("blazeface_full", "ultraface_rfb320")
#: Left, top, right, bottom of the astronaut's face from brow to chin, pixels of the photo.
FACE = (180, 62, 272, 176)

#: EXIF orientation -> how the pixels of an upright photo lie in a file that says so.
STORED: dict[int, Callable[[Image], Image]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, 1),
    7: lambda pixels: np.rot90(pixels, 2).transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels, -1),
}

Searches = Callable[[str], FaceSearch]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def full_store(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> WeightStore:
    store = WeightStore(tmp_path_factory.mktemp("weights"))
    for file in FULL.values():
        [imported] = store.import_from(shared / "models" / file, load_catalogue())
        assert imported.path.is_file()
    return store


@pytest.fixture(scope="module")
def search(weights: WeightStore, catalogue: Catalogue, request: pytest.FixtureRequest) -> Searches:
    opened: dict[str, FaceSearch] = {}
    landmarks = FaceLandmarks(open_network(weights, catalogue, catalogue.for_task("landmarks")))

    def get(name: str) -> FaceSearch:
        if name not in opened:
            store = request.getfixturevalue("full_store") if name in FULL else weights
            network = open_network(store, catalogue, catalogue.models[name])
            opened[name] = FaceSearch(open_detector(network), landmarks=landmarks)
        return opened[name]

    return get


@pytest.fixture(scope="module")
def photos(weights: WeightStore, catalogue: Catalogue) -> dict[str, Image]:
    return {
        name: _decoded(weights.path(sample.file).read_bytes())
        for name, sample in catalogue.samples.items()
    }


def _decoded(content: bytes) -> Image:
    return decode_image(content, max_pixels=40_000_000).pixels


def _find(
    search: FaceSearch, image: Image, *, tiles: bool = False, min_confidence: float = 0.5
) -> SearchResult:
    options = SearchOptions(min_confidence=min_confidence, max_faces=99, tiles=tiles)
    return search.find(image, options)


def _overlap(face: DetectedFace, left: float, top: float, right: float, bottom: float) -> float:
    box = face.box
    across = min(box.x + box.width, right) - max(box.x, left)
    down = min(box.y + box.height, bottom) - max(box.y, top)
    shared = max(across, 0) * max(down, 0)
    return shared / (box.area + (right - left) * (bottom - top) - shared)


@pytest.mark.parametrize("name", FULL)
def test_full_engines_find_every_face_of_the_photos_and_nothing_else(
    search: Searches, photos: dict[str, Image], name: str
) -> None:
    for photo, count in (("astronaut", 1), ("t1", 6)):
        result = _find(search(name), photos[photo])
        assert len(result.faces) == count
        assert [look.name for look in result.looks] == ["image"]
        for face in result.faces:
            box = face.box
            assert face.confidence > 0.75
            assert (face.landmarks > (box.x, box.y)).all()
            assert (face.landmarks < (box.x + box.width, box.y + box.height)).all()
            right_eye, left_eye, nose, mouth_right, mouth_left = face.landmarks
            assert right_eye[0] < left_eye[0]
            assert mouth_right[0] < mouth_left[0]
            assert max(right_eye[1], left_eye[1]) < nose[1] < max(mouth_right[1], mouth_left[1])


def test_full_engines_agree_on_the_landmarks(search: Searches, photos: dict[str, Image]) -> None:
    # 0.02 of the distance between the eyes from their mean on 99 faces.
    points = [_find(search(name), photos["astronaut"]).faces[0].landmarks for name in FULL]
    middle = np.mean(points, axis=0)
    between_eyes = np.linalg.norm(middle[0] - middle[1])
    for found in points:
        assert np.linalg.norm(found - middle, axis=1).max() < 0.1 * between_eyes


@pytest.mark.parametrize("name", [*LITE, *FULL])
def test_a_face_that_fills_nine_tenths_of_the_frame_is_found(
    search: Searches, photos: dict[str, Image], name: str
) -> None:
    left, top, right, bottom = FACE
    side = (bottom - top) / 0.9
    start_x, start_y = round((left + right - side) / 2), round((top + bottom - side) / 2)
    part = photos["astronaut"][start_y:, start_x:][: round(side), : round(side)]
    scale = 500 / round(side)
    image = resize(np.ascontiguousarray(part), 500, 500)
    wanted = [
        (edge - start) * scale for edge, start in zip(FACE, (start_x, start_y) * 2, strict=True)
    ]

    result = _find(search(name), image)

    assert len(result.faces) == 1
    assert _overlap(result.faces[0], *wanted) > 0.6


@pytest.mark.parametrize("name", ["scrfd_500m", "scrfd_2_5g"])
def test_scrfd_finds_a_close_up_only_in_a_border(
    search: Searches, photos: dict[str, Image], name: str
) -> None:
    left, top, right, bottom = FACE
    image = np.ascontiguousarray(photos["astronaut"][top - 5 : bottom + 5, left - 15 : right + 15])
    looks = {look.name: look.faces for look in _find(search(name), image).looks}
    assert looks == {"image": 0, "padded": 1}


@pytest.mark.parametrize("name", ["yunet", "scrfd_500m", "yolov5n_05_face"])
def test_tiny_faces_of_a_large_image_are_found_by_tiles(
    search: Searches, photos: dict[str, Image], name: str
) -> None:
    # Faces of 26 pixels; 5 are left of them on a canvas of 640.
    canvas = np.full((2400, 3200, 3), 128, np.uint8)
    canvas[1500:1677, 2100:2356] = resize(photos["t1"], 256, 177)

    without = _find(search(name), canvas)
    result = _find(search(name), canvas, tiles=True)

    assert without.faces == ()
    assert len(result.faces) == 6
    assert [look.name for look in result.looks[:2]] == ["image", "padded"]
    assert len(result.looks) <= 2 + MAX_TILES
    expected = _find(search(name), photos["t1"]).faces
    for face in expected:
        box, scale = face.box, 256 / 1280
        moved = (2100 + box.x * scale, 1500 + box.y * scale)
        size = (box.width * scale, box.height * scale)
        edges = (*moved, moved[0] + size[0], moved[1] + size[1])
        assert max(_overlap(found, *edges) for found in result.faces) > 0.5


@pytest.mark.parametrize("name", ["yunet", "scrfd_500m"])
def test_tiles_do_not_double_faces(search: Searches, photos: dict[str, Image], name: str) -> None:
    result = _find(search(name), photos["t1"], tiles=True)
    assert sum(look.faces for look in result.looks) > 12
    assert len(result.faces) == 6


@pytest.mark.parametrize("orientation", STORED)
def test_a_photo_turned_by_exif_gives_the_same_faces(
    search: Searches, photos: dict[str, Image], orientation: int
) -> None:
    picture = PillowImage.fromarray(np.ascontiguousarray(STORED[orientation](photos["t1"])))
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    content = io.BytesIO()
    picture.save(content, "png", exif=exif, compress_level=1)

    found = _find(search("yunet"), _decoded(content.getvalue())).faces

    expected = _find(search("yunet"), photos["t1"]).faces
    assert [face.box for face in found] == [face.box for face in expected]


@pytest.mark.parametrize("name", WITHOUT_LANDMARKS)
def test_completed_landmarks_are_where_another_engine_sees_them(
    search: Searches, photos: dict[str, Image], name: str
) -> None:
    # Of 99 faces 95 % are nearer than 0.1 of the distance between the eyes, in tight boxes;
    # BlazeFace's end at the brows.
    reference = _find(search("scrfd_500m"), photos["t1"]).faces
    for face in _find(search(name), photos["t1"]).faces:
        wanted = min(
            (other.landmarks for other in reference),
            key=lambda points: float(np.linalg.norm(points - face.landmarks)),
        )
        between_eyes = np.linalg.norm(wanted[0] - wanted[1])
        assert np.linalg.norm(face.landmarks - wanted, axis=1).mean() < 0.25 * between_eyes


@pytest.mark.parametrize("name", [*LITE, *FULL])
@pytest.mark.parametrize("shape", [(480, 640), (1, 1), (1, 5000), (5000, 1)])
def test_no_face_is_found_in_noise_of_any_shape(
    search: Searches, name: str, shape: tuple[int, int]
) -> None:
    noise = np.random.default_rng(8).integers(0, 256, (*shape, 3), np.uint8)
    result = _find(search(name), noise)
    assert result.faces == ()
    assert [look.name for look in result.looks] == ["image", "padded"]


def _quality_of(search: FaceSearch, image: Image) -> tuple[float, float, tuple[str, ...]]:
    [face] = _find(search, image).faces
    quality = assess(image, face)
    return quality.yaw_degrees, quality.roll_degrees, quality.reasons


def test_a_good_portrait_has_nothing_against_it(search: Searches, photos: dict[str, Image]) -> None:
    yaw, roll, reasons = _quality_of(search("yunet"), photos["astronaut"])
    assert reasons == ()
    assert abs(yaw) < 20
    assert abs(roll) < 10


def test_a_blurred_portrait_is_blurred(search: Searches, photos: dict[str, Image]) -> None:
    soft = cast("Image", cv2.GaussianBlur(photos["astronaut"], (0, 0), 3))
    assert "blurred" in _quality_of(search("yunet"), soft)[2]


@pytest.mark.parametrize("degrees", [-20, 20])
def test_a_photo_turned_by_some_degrees_rolls_the_face_by_them(
    search: Searches, photos: dict[str, Image], degrees: float
) -> None:
    # OpenCV turns counter-clockwise for positive angles.
    turn = cv2.getRotationMatrix2D((226, 119), -degrees, 1)
    turned = cast("Image", cv2.warpAffine(photos["astronaut"], turn, (512, 512)))
    upright = _quality_of(search("scrfd_500m"), photos["astronaut"])[1]
    assert _quality_of(search("scrfd_500m"), turned)[1] - upright == pytest.approx(degrees, abs=6)


def test_mirroring_a_photo_turns_its_faces_the_other_way(
    search: Searches, photos: dict[str, Image]
) -> None:
    image = photos["t1"]
    mirrored = np.ascontiguousarray(image[:, ::-1])
    faces = sorted(_find(search("scrfd_500m"), image).faces, key=lambda face: face.box.x)
    others = sorted(_find(search("scrfd_500m"), mirrored).faces, key=lambda face: -face.box.x)
    yaws = [assess(image, face).yaw_degrees for face in faces]
    mirrored_yaws = [assess(mirrored, face).yaw_degrees for face in others]
    assert max(map(abs, yaws)) > 30
    assert np.array(mirrored_yaws) == pytest.approx(-np.array(yaws), abs=15)
