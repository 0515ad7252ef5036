"""A folder of people's photos as a collection in this process, to calibrate on."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cli.evaluators import Evaluators
from models.errors import EvaluationDataMissing
from models.evaluation.images import read_image
from models.evaluation.labels import Tick
from models.evaluation.verification import person_of
from models.results import Embedding
from workers.identities.calibrate_work import calibrate_answer
from workers.identities.calibration_answer import CalibrateAnswer
from workers.identities.calibration_run import measure_collection
from workers.identities.embeddings import contract_of, stored_vector
from workers.identities.index.searcher import LocalSearcher
from workers.identities.memory_faces import MemoryFaces
from workers.identities.records import FaceVector

#: Photos by the ends of their names.
PHOTOS = {".jpg", ".jpeg", ".png", ".webp"}
_UID = "col_" + "0" * 32
_INDEX_MB, _EXACT_FACES = 1024, 50_000


def calibrate_folder(folder: Path, model: str, *, tick: Tick) -> CalibrateAnswer:
    """Embed the largest face of each photo, and measure what a collection of them would be.

    Raises:
        EvaluationDataMissing: the folder has no photo with a face, or one can't be read.
        ModelsError: the model is unknown, not installed, or failed.
    """
    evaluators = Evaluators()
    find, embedder = evaluators.find(), evaluators.embedder(model)
    photos = list(labelled_photos(folder))
    found: list[tuple[str, Embedding]] = []
    for done, (person, path) in enumerate(photos, start=1):
        image = read_image(path)
        if faces := find(image)[:1]:
            found.append((person, embedder.embed(image, faces)[0]))
        tick(done, len(photos))
    if not found:
        raise EvaluationDataMissing(f"{folder} has no photo with a face.")
    return calibrate_embeddings(folder.name, found)


def calibrate_embeddings(name: str, found: Sequence[tuple[str, Embedding]]) -> CalibrateAnswer:
    """Measure embeddings of one model, each with its person; at least one."""
    store = MemoryFaces()
    store.create(_UID, contract_of(found[0][1]))
    for number, (person, embedding) in enumerate(found):
        vector = FaceVector(
            face_id=f"face_{number:032x}", person_id=person, vector=stored_vector(embedding)
        )
        store.add(_UID, [vector])
    searcher = LocalSearcher(
        store, store, index_mb=_INDEX_MB, exact_faces=_EXACT_FACES, process="calibration"
    )
    measured = measure_collection(store, searcher, _UID, now_ms=0)
    assert measured is not None  # noqa: S101 - there is a face, and it is wanted
    return calibrate_answer(name, measured)


def labelled_photos(folder: Path) -> Iterator[tuple[str, Path]]:
    """The photos of a folder with whom they show, in a fixed order.

    A photo in a folder of its own shows the person the folder is named after; one that lies in
    `folder` itself is named after the person, then `_` and a number.

    Raises:
        EvaluationDataMissing: there is no such folder.
    """
    if not folder.is_dir():
        raise EvaluationDataMissing(f"{folder} is no folder.")
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PHOTOS and path.is_file():
            own = path.parent == folder
            yield (person_of(path.name) or path.stem) if own else path.parent.name, path
