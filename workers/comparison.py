"""Two photos: one person or two, at the rate of false accepts a threshold was measured at."""

from models.recognition.verify import verify
from models.results import Embedding, Image
from workers.answer import Answer, BoxAnswer
from workers.contract import AnalyzeOptions
from workers.decode import decode_image
from workers.errors import WorkersError
from workers.residency import Residency
from workers.stages.detection import DetectionStage
from workers.stages.face import clip_box
from workers.stages.recognition import RecognitionStage
from workers.stages.stage import Picture

#: The rate asked for when none is: one pair of strangers in a thousand is taken for one person.
DEFAULT_FAR = 1e-3


class NoFace(WorkersError):
    """A photo to be compared shows no face. Send one that does."""


class ThresholdAnswer(Answer):
    """A measured threshold."""

    #: False accept rate: share of pairs of strangers that reach the similarity.
    far: float
    similarity: float
    #: True accept rate: share of pairs of one person that reach it.
    tar: float


class ComparedFaceAnswer(Answer):
    """The face of a photo that was compared: the largest."""

    bbox: BoxAnswer
    #: Faces in the photo, this one included.
    faces: int


class ComparisonAnswer(Answer):
    """Whether two faces are one person's."""

    #: Cosine of the two embeddings, -1 to 1; no probability and no percentage.
    similarity: float
    is_match: bool
    #: Similarity from which it is a match, and the false accept rate it was measured at.
    threshold: float
    far: float
    #: All thresholds measured for the model.
    thresholds: tuple[ThresholdAnswer, ...]
    #: What they were measured on.
    origin: str
    model: str
    sha256: str
    preprocessing_version: str
    faces: tuple[ComparedFaceAnswer, ComparedFaceAnswer]


class FaceComparison:
    """Compares the largest faces of two photos.

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
        """Compare two encoded images.

        Args:
            first: A JPEG, PNG or WebP file.
            second: Another one.
            far: A false accept rate the model's thresholds were measured at, e.g. 1e-3.
            model: Another recognition model than the default, by name.

        Raises:
            ImageRejected: one of them is no image we can decode.
            NoFace: one of them shows none.
            ThresholdsMissing: nothing was measured for that model at that rate.
            ModelsError: the model is unknown, not installed, or failed.
        """
        (one, face), (other, other_face) = (
            self._embed(content, model) for content in (first, second)
        )
        found = verify(one, other, thresholds=self._catalogue.thresholds, far=far)
        return ComparisonAnswer(
            similarity=found.similarity,
            is_match=found.is_match,
            threshold=found.threshold,
            far=found.far,
            thresholds=tuple(
                ThresholdAnswer(far=point.far, similarity=point.similarity, tar=point.tar)
                for point in found.thresholds
            ),
            origin=found.origin,
            model=found.model.id,
            sha256=found.model.sha256,
            preprocessing_version=found.model.preprocessing_version,
            faces=(face, other_face),
        )

    def _embed(self, content: bytes, model: str | None) -> tuple[Embedding, ComparedFaceAnswer]:
        image: Image = decode_image(content, max_pixels=self._max_pixels).pixels
        found = self._detection.run(image, AnalyzeOptions(max_faces=100)).faces
        if not found:
            raise NoFace
        options = AnalyzeOptions(recognition_model=model)
        largest = Picture(image=image, faces=found[:1], options=options)
        [[embedding]] = self._recognition.embeddings([largest])
        height, width = image.shape[:2]
        box = clip_box(found[0].box, width=width, height=height)
        bbox = BoxAnswer(
            x=round(box.x, 2),
            y=round(box.y, 2),
            width=round(box.width, 2),
            height=round(box.height, 2),
        )
        return embedding, ComparedFaceAnswer(bbox=bbox, faces=len(found))
