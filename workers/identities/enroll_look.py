"""What is asked of a photo that is to be enrolled, and what is made of what was found in it."""

from workers.contract import Gate
from workers.errors import ImageRejected, WorkersError
from workers.identities.enroll_order import Enrolling
from workers.identities.quality import refusals
from workers.identities.records import Collection
from workers.photos.photo import Photo
from workers.stages.face import box_answer


def required(photo: Enrolling, collection: Collection) -> tuple[Gate, ...]:
    """What the face must be: as asked for, and as the collection wants it of all."""
    live: tuple[Gate, ...] = ("live",) if collection.settings.liveness_required else ()
    return tuple(dict.fromkeys((*live, *photo.order.require)))


def take_down(photo: Enrolling, found: Photo, collection: Collection) -> None:
    """What the stages found, and whether that may be enrolled as far as the photo itself goes."""
    photo.dropped = found.dropped
    if isinstance(found.failure, ImageRejected):
        photo.end("refused", (found.failure.code,), message=str(found.failure))
    elif found.failure:
        photo.failure = found.failure
    if not photo.goes_on:
        return
    photo.faces_found = found.faces_found
    if not found.found.faces:
        photo.refuse("multiple_faces" if found.faces_found else "face_not_found")
        return
    photo.bbox = box_answer(found.found.faces[0].box, found.image)
    [photo.quality] = found.qualities
    try:
        [photo.embedding] = found.embeddings
    except WorkersError as error:
        photo.failure = error
        return
    poor = refusals(photo.quality, collection.settings.quality)
    if reasons := (*poor, *found.refusals(0, required(photo, collection))):
        photo.refuse(*reasons)
    else:
        # If it was looked at before, by another model, nothing of that counts.
        photo.warnings, photo.similar_to = photo.quality.reasons, None
