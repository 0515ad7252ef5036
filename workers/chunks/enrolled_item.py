"""What came of a photo of an enrolment of many people. It names nobody: it holds ids alone."""

from workers.answers.analysis import BoxAnswer
from workers.answers.part import Answer
from workers.contract import JobError
from workers.identities.answers import EnrolledPhotoAnswer, PhotoOutcome, SimilarPersonAnswer


class EnrolledItemAnswer(Answer):
    """What became of one photo; its batch keeps this beside the item's state."""

    #: Whom it shows, by the list or folder it came with.
    person_id: str
    #: See EnrolledPhotoAnswer, as of all that follows.
    outcome: PhotoOutcome
    face_id: str | None
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    message: str
    faces_found: int | None
    bbox: BoxAnswer | None
    quality_score: float | None
    similar_to: SimilarPersonAnswer | None


def enrolled_item(person_id: str, photo: EnrolledPhotoAnswer) -> EnrolledItemAnswer:
    """What a batch keeps of a photo's answer."""
    fields = {
        name: getattr(photo, name)
        for name in EnrolledItemAnswer.model_fields
        if name != "person_id"
    }
    return EnrolledItemAnswer(person_id=person_id, **fields)


def refusal(answer: EnrolledItemAnswer) -> JobError | None:
    """Why a photo was not enrolled, as its item's error; None when it was."""
    if answer.outcome != "refused":
        return None
    return JobError(code=answer.reasons[0], message=answer.message)
