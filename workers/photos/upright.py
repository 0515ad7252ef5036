"""Which faces of photos are not upright; asked where a wrong embedding would stay."""

from collections.abc import Sequence

from models.detection.families import open_detector
from models.detection.upright import is_turned, margin_of
from workers.answers.analysis import QualityAnswer
from workers.devices.residency import Residency
from workers.photos.photo import Photo

#: What is held against a face that lies on its side or stands on its head.
NOT_UPRIGHT = "not_upright"


class UprightCheck:
    """Looks at faces turned by quarters, with the engine that found them."""

    def __init__(self, residency: Residency) -> None:
        self._residency = residency

    def run(self, photos: Sequence[Photo]) -> list[Sequence[QualityAnswer]]:
        """The quality of each photo's faces, with `not_upright` where that is so.

        Args:
            photos: Their faces were found and their qualities measured.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        return [self._qualities(photo) for photo in photos]

    def _qualities(self, photo: Photo) -> Sequence[QualityAnswer]:
        faces = photo.found.faces
        if not faces:
            return photo.qualities
        with self._residency.use((photo.found.answer.engine,)) as [model]:
            detector = model.view(open_detector)
            margin = margin_of(model.network.spec.family)
            turned = [is_turned(detector, photo.image, face, margin=margin) for face in faces]
        return [
            quality.model_copy(update={"reasons": (*quality.reasons, NOT_UPRIGHT)})
            if is_so
            else quality
            for quality, is_so in zip(photo.qualities, turned, strict=True)
        ]
