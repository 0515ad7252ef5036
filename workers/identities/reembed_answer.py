"""What a change of model is answered with."""

from workers.answers.part import Answer
from workers.answers.work import WorkAnswer


class FaceToEnrollAnswer(Answer):
    """A face that could not be embedded by the new model."""

    face_id: str
    person_id: str
    #: Why: `no_image`, `image_lost`, `face_not_found`, `face_not_found_again`, or as at enrolment.
    reason: str


class ReembedAnswer(WorkAnswer):
    """What became of a change of model."""

    #: As its owner calls it.
    collection: str
    #: Whether the new embeddings count now. If not, nothing has changed.
    switched: bool
    #: What the collection's embeddings are made by now; None: it has none.
    model: str | None
    sha256: str | None
    preprocessing_version: str | None
    #: Faces with an embedding.
    faces: int
    #: Faces that were forgotten because they could not be embedded anew.
    dropped: int
    #: Faces that can't be embedded anew, and some of them: enrol new photos in their place, or
    #: allow that they are forgotten.
    unembeddable: int
    to_enroll: tuple[FaceToEnrollAnswer, ...]
    #: The collection's version afterwards.
    version: int
