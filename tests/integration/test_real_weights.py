"""The real networks on photos and labelled faces: floors that a swapped label or channel breaks.

Figures in comments were measured on all of the labelled data with one CPU thread.
"""

import csv
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import Catalogue, load_catalogue
from models.contract import verify_contract
from models.demographics.dlib import DlibAge, DlibGender
from models.detection.search import FaceSearch, SearchOptions
from models.detection.yunet import YuNet
from models.loading import open_network
from models.network import Network
from models.recognition.embedder import FaceEmbedder
from models.results import Box, DetectedFace, Image
from models.session import open_session
from models.spec import Task
from models.weights.store import WeightStore
from workers.photos.decode import decode_image

pytestmark = pytest.mark.weights

#: Cosine above which two faces are taken for one person's.
SAME_PERSON = 0.295


@dataclass(frozen=True, kw_only=True, slots=True)
class Networks:
    """All networks of the first pipeline."""

    search: FaceSearch
    embedder: FaceEmbedder
    age: DlibAge
    gender: DlibGender

    def faces(self, image: Image, max_faces: int) -> list[DetectedFace]:
        """The largest faces of an image."""
        options = SearchOptions(min_confidence=0.5, max_faces=max_faces)
        return list(self.search.find(image, options).faces)

    def largest_face(self, image: Image) -> DetectedFace | None:
        """The largest face of an image, if there is one."""
        faces = self.faces(image, 1)
        return faces[0] if faces else None

    def central_face(self, image: Image) -> DetectedFace | None:
        """The face nearest the middle of an image, if there is one."""
        faces = self.faces(image, 20)
        middle = np.array(image.shape[1::-1]) / 2

        def distance(face: DetectedFace) -> float:
            return float(np.hypot(*(_centre(face.box) - middle)))

        return min(faces, key=distance, default=None)


def _centre(box: Box) -> NDArray[np.float64]:
    return np.array([box.x + box.width / 2, box.y + box.height / 2])


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def networks(weights: WeightStore, catalogue: Catalogue) -> Networks:
    def network(task: Task) -> Network:
        return open_network(weights, catalogue, catalogue.for_task(task))

    return Networks(
        search=FaceSearch(YuNet(network("detection"))),
        embedder=FaceEmbedder(network("recognition")),
        age=DlibAge(network("age")),
        gender=DlibGender(network("gender")),
    )


@pytest.fixture(scope="module")
def photo(weights: WeightStore, catalogue: Catalogue) -> Callable[[str], Image]:
    return lambda name: _read(weights.path(catalogue.samples[name].file))


def _read(path: Path) -> Image:
    return decode_image(path.read_bytes(), max_pixels=40_000_000).pixels


def _labels(shared: Path, name: str) -> Iterator[dict[str, str]]:
    folder = shared / "data" / name.split("/", maxsplit=1)[0]
    if not folder.is_dir():
        pytest.skip(f"needs the labelled images in {folder}")
    with (shared / "data" / name).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


@pytest.mark.parametrize("task", ["detection", "recognition", "age", "gender"])
def test_a_prepared_graph_keeps_its_contract(
    weights: WeightStore, catalogue: Catalogue, task: Task
) -> None:
    spec = catalogue.for_task(task)
    verify_contract(open_session(weights.prepared(spec)), spec)


@pytest.mark.parametrize(("name", "count"), [("astronaut", 1), ("t1", 6)])
def test_all_faces_of_a_photo_are_found_and_nothing_else(
    networks: Networks, photo: Callable[[str], Image], name: str, count: int
) -> None:
    image = photo(name)
    faces = networks.faces(image, 100)
    assert len(faces) == count
    areas = [face.box.area for face in faces]
    assert areas == sorted(areas, reverse=True)
    for face in faces:
        box = face.box
        low, high = np.array([box.x, box.y]), np.array([box.x + box.width, box.y + box.height])
        assert (low < face.landmarks).all()
        assert (face.landmarks < high).all()
        assert 0.8 < face.confidence <= 1


def test_no_face_is_counted_twice(networks: Networks, shared: Path) -> None:
    # Photos with many small faces: 928 found, one half covered by another. Were the small ones of
    # the second look to count, it would be 976 and ten.
    names = {row["file"] for row in _labels(shared, "wider416/boxes.csv")}
    covered = found = 0
    for name in sorted(names):
        image = _read(shared / "data" / "wider416" / "images" / name)
        faces = networks.faces(image, 999)
        found += len(faces)
        covered += sum(_covers(a.box, b.box) for a, b in itertools.permutations(faces, 2))
    assert found > 880
    assert covered <= 4


def _covers(large: Box, small: Box) -> bool:
    """Whether a box covers more than half of one that is not larger."""
    across = min(large.x + large.width, small.x + small.width) - max(large.x, small.x)
    down = min(large.y + large.height, small.y + small.height) - max(large.y, small.y)
    return large.area >= small.area and max(across, 0) * max(down, 0) > 0.5 * small.area


def test_landmarks_are_the_right_way_round(
    networks: Networks, photo: Callable[[str], Image]
) -> None:
    faces = networks.faces(photo("t1"), 6)
    for face in faces:
        right_eye, left_eye, nose, mouth_right, mouth_left = face.landmarks
        assert right_eye[0] < left_eye[0]
        assert mouth_right[0] < mouth_left[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(mouth_right[1], mouth_left[1])


@pytest.mark.parametrize("factor", [0.5, 2, 3])
def test_the_same_faces_are_found_at_other_sizes(
    networks: Networks, photo: Callable[[str], Image], factor: float
) -> None:
    image = photo("t1")
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    small, scaled = networks.faces(image, 6), networks.faces(_resized(image, size), 6)
    by_place = sorted(small, key=lambda face: face.box.x)
    for face, other in zip(by_place, sorted(scaled, key=lambda face: face.box.x), strict=True):
        difference = other.landmarks / factor - face.landmarks
        assert np.abs(difference).max() < 0.08 * face.box.width


def _resized(image: Image, size: tuple[int, int]) -> Image:
    from PIL import Image as Pillow  # noqa: PLC0415 - its name is that of our own type

    return np.asarray(Pillow.fromarray(image).resize(size))


def test_one_person_is_alike_and_six_people_are_not(
    networks: Networks, photo: Callable[[str], Image]
) -> None:
    astronaut, group = photo("astronaut"), photo("t1")
    [face], faces = networks.faces(astronaut, 6), networks.faces(group, 6)
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    [mirrored_face] = networks.faces(mirrored, 1)
    [one] = networks.embedder.embed(astronaut, [face])
    [again] = networks.embedder.embed(mirrored, [mirrored_face])
    others = networks.embedder.embed(group, faces)
    assert one.vector @ again.vector > 0.8
    cosines = [a.vector @ b.vector for a, b in itertools.combinations([one, *others], 2)]
    # Two of the six are at 0.34: a threshold says "likely", not "certainly".
    assert max(cosines) < 0.4
    assert np.mean(cosines) < 0.2


def test_a_batch_answers_as_single_runs_do(
    networks: Networks,
    weights: WeightStore,
    catalogue: Catalogue,
    photo: Callable[[str], Image],
) -> None:
    image = photo("t1")
    faces = networks.faces(image, 6)
    spec = catalogue.for_task("recognition").model_copy(update={"batch_buckets": (1,)})
    single = FaceEmbedder(open_network(weights, catalogue, spec))
    batched = networks.embedder.embed(image, faces)
    for one, other in zip(batched, single.embed(image, faces), strict=True):
        np.testing.assert_allclose(one.vector, other.vector, atol=1e-4)


def test_labelled_pairs_are_told_apart(networks: Networks, shared: Path) -> None:
    # All 1,880 pairs of folds 1 to 4: 99.5 % with the best threshold of the other folds.
    rows = list(_labels(shared, "lfw/pairs.csv"))
    same = [row for row in rows if row["same"] == "1"][:100]
    different = [row for row in rows if row["same"] == "0"][:100]
    alike = _cosines(networks, shared / "data" / "lfw" / "images", same)
    unlike = _cosines(networks, shared / "data" / "lfw" / "images", different)
    assert (np.sum(alike > SAME_PERSON) + np.sum(unlike <= SAME_PERSON)) / 200 >= 0.985
    # Fed with blue first, the network still works, but worse: 0.64 instead of 0.67 over all.
    swapped = _cosines(networks, shared / "data" / "lfw" / "images", same[:50], swap=True)
    assert alike[:50].mean() > swapped.mean() + 0.01


def _cosines(
    networks: Networks, folder: Path, rows: list[dict[str, str]], *, swap: bool = False
) -> NDArray[np.float64]:
    def vector(name: str) -> NDArray[np.float32]:
        image = _read(folder / name)
        face = networks.central_face(image)
        assert face is not None
        fed = np.ascontiguousarray(image[:, :, ::-1]) if swap else image
        return networks.embedder.embed(fed, [face])[0].vector

    return np.array([float(vector(row["file_a"]) @ vector(row["file_b"])) for row in rows])


@dataclass(frozen=True, kw_only=True, slots=True)
class Errors:
    """How far age and gender are from the labels."""

    #: Mean absolute error, years.
    age_years: float
    #: Share of adults whose gender is the labelled one.
    gender_share: float


def _errors(networks: Networks, shared: Path, *, swap: bool) -> Errors:
    ages: list[float] = []
    genders: list[bool] = []
    for row in itertools.islice(_labels(shared, "utkface/labels.csv"), 0, None, 3):
        image = _read(shared / "data" / "utkface" / "images" / row["file"])
        face = networks.largest_face(image)
        if face is None:
            continue
        fed = np.ascontiguousarray(image[:, :, ::-1]) if swap else image
        [age] = networks.age.estimate(fed, [face])
        [gender] = networks.gender.estimate(fed, [face])
        ages.append(abs(age.years - int(row["age"])))
        if int(row["age"]) >= 16:
            labelled = "male" if row["gender_0male_1female"] == "0" else "female"
            genders.append(gender.value == labelled)
    assert len(ages) > 260
    return Errors(age_years=float(np.mean(ages)), gender_share=float(np.mean(genders)))


def test_age_and_gender_are_near_the_labels(networks: Networks, shared: Path) -> None:
    # All 800 faces: 7.45 years, 95.4 % of adults; with dlib's own chips 7.35 and 94.9 %.
    errors = _errors(networks, shared, swap=False)
    assert errors.age_years < 8.4
    assert errors.gender_share > 0.92


def test_swapped_channels_are_noticed(networks: Networks, shared: Path) -> None:
    # All 800 faces fed blue first: 9.6 years, 87 % of adults.
    errors = _errors(networks, shared, swap=True)
    assert errors.age_years > 8.4
    assert errors.gender_share < 0.92
