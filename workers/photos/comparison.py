"""Two photos: one person or two, at the rate of false accepts a threshold was measured at."""

from dataclasses import dataclass

from models.recognition.verify import Verification, cosine, verify
from models.results import DetectedFace, Embedding, Image
from workers.answers.analysis import BoxAnswer
from workers.answers.part import Answer
from workers.answers.work import WorkAnswer
from workers.contract import AnalyzeOptions
from workers.devices.residency import Residency
from workers.errors import NoFace
from workers.photos.decode import decode_image
from workers.stages.chosen import FaceChoice, chosen_face
from workers.stages.detection import DetectionStage
from workers.stages.face import box_answer, quality_answer
from workers.stages.recognition import RecognitionStage
from workers.stages.stage import Picture

#: The rate asked for when none is: one pair of strangers in a thousand is taken for one person.
DEFAULT_FAR = 1e-3


class ThresholdAnswer(Answer):
    """A measured threshold."""

    #: False accept rate: share of pairs of strangers that reach the similarity.
    far: float
    similarity: float
    #: True accept rate: share of pairs of one person that reach it.
    tar: float


class ComparedFaceAnswer(Answer):
    """The face of a photo that was compared: the largest, or the one nearest the middle."""

    bbox: BoxAnswer
    #: Faces in the photo, this one included.
    faces: int
    #: How well it can be compared, 0 to 1; see docs/explanation/quality.md.
    quality_score: float


class ComparisonAnswer(WorkAnswer):
    """Whether two faces are one person's."""

    #: Cosine of the two embeddings, -1 to 1; no probability and no percentage.
    similarity: float
    is_match: bool
    #: Similarity from which it is a match, and the false accept rate it was measured at; null
    #: when the caller chose the threshold.
    threshold: float
    far: float | None
    #: All thresholds measured for the model; empty when none were.
    thresholds: tuple[ThresholdAnswer, ...]
    #: What they were measured on; null when none were.
    origin: str | None
    model: str
    sha256: str
    preprocessing_version: str
    faces: tuple[ComparedFaceAnswer, ComparedFaceAnswer]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoundFace:
    """The face of a photo that is compared."""

    image: Image
    face: DetectedFace
    #: Faces in the photo, this one included.
    faces: int


class FaceComparison:
    """Compares the faces of two photos.

    Args:
        residency: The loaded models.
        max_pixels: Images with more are refused before they are decoded.
    """

    def __init__(self, residency: Residency, *, max_pixels: int) -> None:
        self._catalogue = residency.catalogue
        self._max_pixels = max_pixels
        self._detection = DetectionStage(residency)
        self._recognition = RecognitionStage(residency)

    def compare(
        self, first: bytes, second: bytes, *, far: float = DEFAULT_FAR, model: str | None = None
    ) -> ComparisonAnswer:
        """Compare two encoded images: JPEG, PNG or WebP files.

        Raises:
            ImageRejected: one of them is no image we can decode.
            NoFace: one of them shows none.
            ThresholdsMissing: nothing was measured for that model at that rate.
            ModelsError: the model is unknown, not installed, or failed.
        """
        found = self.look(first, name="first photo"), self.look(second, name="second photo")
        return self.judge(*found, far=far, model=model)

    def look(self, content: bytes, *, name: str, face: FaceChoice = "largest") -> FoundFace:
        """The face of an encoded image that is meant.

        Args:
            content: A JPEG, PNG or WebP file.
            name: What it is called when it shows none.
            face: Which one counts where there are several.

        Raises:
            ImageRejected: it is no image we can decode.
            NoFace: it shows none.
            ModelsError: the detector failed.
        """
        image: Image = decode_image(content, max_pixels=self._max_pixels).pixels
        found = self._detection.run(image, AnalyzeOptions(max_faces=100)).faces
        if not found:
            raise NoFace(f"The {name} shows no face. Send one that does.")
        return FoundFace(image=image, face=chosen_face(found, image, face), faces=len(found))

    def judge(
        self,
        first: FoundFace,
        second: FoundFace,
        *,
        far: float = DEFAULT_FAR,
        threshold: float | None = None,
        model: str | None = None,
    ) -> ComparisonAnswer:
        """Compare two faces.

        Args:
            first: One.
            second: The other.
            far: A false accept rate the model's thresholds were measured at, e.g. 1e-3.
            threshold: A similarity of the caller's own choice instead, -1 to 1.
            model: Another recognition model than the default, by name.

        Raises:
            ThresholdsMissing: nothing was measured for that model at that rate.
            ModelsError: the model is unknown, not installed, or failed.
        """
        options = AnalyzeOptions(recognition_model=model)
        # In one use of the model, so that both come from the same one.
        [[one], [other]] = self._recognition.embeddings(
            [
                Picture(image=each.image, faces=[each.face], options=options)
                for each in (first, second)
            ]
        )
        if threshold is None:
            found = verify(one, other, thresholds=self._catalogue.thresholds, far=far)
        else:
            found = self._by_own(one, other, threshold)
        return ComparisonAnswer(
            similarity=found.similarity,
            is_match=found.is_match,
            threshold=found.threshold,
            far=found.far if threshold is None else None,
            thresholds=tuple(
                ThresholdAnswer(far=point.far, similarity=point.similarity, tar=point.tar)
                for point in found.thresholds
            ),
            origin=found.origin or None,
            model=found.model.id,
            sha256=found.model.sha256,
            preprocessing_version=found.model.preprocessing_version,
            faces=(_face_answer(first), _face_answer(second)),
        )

    def _by_own(self, one: Embedding, other: Embedding, threshold: float) -> Verification:
        """The answer by a threshold of the caller's, whether or not any was measured."""
        similarity = cosine(one, other)
        measured = self._catalogue.thresholds.get(one.model.id)
        return Verification(
            similarity=similarity,
            is_match=similarity >= threshold,
            threshold=threshold,
            far=1.0,
            thresholds=measured.points if measured else (),
            origin=measured.origin if measured else "",
            model=one.model,
        )


def _face_answer(found: FoundFace) -> ComparedFaceAnswer:
    return ComparedFaceAnswer(
        bbox=box_answer(found.face.box, found.image),
        faces=found.faces,
        quality_score=quality_answer(found.image, found.face).score,
    )
