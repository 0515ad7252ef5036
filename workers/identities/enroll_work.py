"""Jobs that enrol photos of one person."""

from collections.abc import Callable, Sequence
from functools import partial

from models.errors import DeviceFault, InferenceFailed
from workers.blobs.store import BlobStore
from workers.errors import BlobMissing
from workers.identities.answers import EnrolledPhotoAnswer, EnrollmentAnswer
from workers.identities.enroll_order import EnrollOrder, refused
from workers.identities.enroller import Enroller
from workers.identities.opening import Identities
from workers.identities.refusals import no_person
from workers.identities.told_persons import sealed_now
from workers.jobs.options import EnrollOptions
from workers.jobs.store import Claim
from workers.photos.attempts import Ends

#: Faults of one photo alone, as reasons.
_FAULTS: dict[type[Exception], str] = {
    BlobMissing: "image_lost",
    InferenceFailed: "inference_failed",
}


class EnrollWork:
    """See workers.work.Work; a job's blobs are the photos.

    Args:
        identities: The stores of known people.
        enroller: What is done to photos.
        blobs: Where they are.
        ends: Errors that end the whole job, such as a time limit's.
    """

    def __init__(
        self, identities: Identities, enroller: Enroller, blobs: BlobStore, ends: Ends = ()
    ) -> None:
        self._identities = identities
        self._enroller = enroller
        self._blobs = blobs
        self._ends = ends

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> EnrollmentAnswer | None:
        """See Work."""
        options = claim.job.options
        assert isinstance(options, EnrollOptions)  # noqa: S101 - the runner's mapping
        # Before anything is done for somebody who is not there, or is another one of that id: who
        # was deleted while the job waited doesn't come back with its photos.
        person = self._identities.persons.get(options.collection, options.person)
        if person.created_ms > claim.job.created_ms:
            raise no_person()
        orders = self._orders(claim, options, person.leaf, is_wanted)
        photos = []
        for order, outcome in zip(
            orders, self._enroller.enroll(orders, ends=self._ends), strict=True
        ):
            if outcome is None:
                return None
            photos.append(_settled(order, outcome))
        return self._answer(options, person.leaf, photos)

    def _orders(
        self, claim: Claim, options: EnrollOptions, leaf: int, is_wanted: Callable[[], bool]
    ) -> list[EnrollOrder]:
        return [
            EnrollOrder(
                read=partial(self._blobs.get, key),
                collection=options.collection,
                person=options.person,
                leaf=leaf,
                origin=claim.job.id,
                place=str(index),
                index=index,
                filename=_at(options.names, index),
                digest=_at(options.digests, index),
                face=options.face,
                require=options.require,
                by=options.by,
                credential_id=options.credential_id,
                is_wanted=is_wanted,
            )
            for index, key in enumerate(claim.job.blob_keys)
        ]

    def _answer(
        self, options: EnrollOptions, leaf: int, photos: Sequence[EnrolledPhotoAnswer]
    ) -> EnrollmentAnswer:
        """What became of the photos, with the person as they are now."""
        uid = options.collection
        person, told = sealed_now(self._identities, uid, options.person, leaf=leaf)
        collection = self._identities.collections.by_uid(uid)
        made_by = collection.contract
        return EnrollmentAnswer(
            collection=collection.id,
            person=told,
            person_faces=person.faces,
            accepted=sum(photo.outcome in {"added", "known"} for photo in photos),
            refused=sum(photo.outcome == "refused" for photo in photos),
            photos=tuple(photos),
            version=collection.version,
            model=made_by.model if made_by else None,
            sha256=made_by.sha256 if made_by else None,
            preprocessing_version=made_by.preprocessing_version if made_by else None,
        )


def _settled(order: EnrollOrder, outcome: EnrolledPhotoAnswer | Exception) -> EnrolledPhotoAnswer:
    """What became of a photo; a fault that is not the photo's alone ends the job."""
    if isinstance(outcome, EnrolledPhotoAnswer):
        return outcome
    for kind, reason in _FAULTS.items():
        if isinstance(outcome, kind) and not isinstance(outcome, DeviceFault):
            return refused(order, reason)
    raise outcome


def _at(texts: Sequence[str], place: int) -> str:
    """The text at a place; "" where there is none."""
    return texts[place] if place < len(texts) else ""
