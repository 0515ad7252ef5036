"""Enrolment: photos in, known faces out, each refused one with its reasons."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

from models.errors import DeviceFault, ModelsError
from models.spec import VerificationThresholds
from workers.contract import AnalyzeOptions
from workers.errors import WorkersError
from workers.gates import gate_analyses
from workers.identities.answers import EnrolledPhotoAnswer
from workers.identities.contracts import model_name
from workers.identities.embeddings import contract_of, stored_vector
from workers.identities.enroll_look import required, take_down
from workers.identities.enroll_order import Enrolling, EnrollOrder
from workers.identities.errors import (
    ContractMismatch,
    IdentityError,
    PersonNotFound,
    VaultUnavailable,
)
from workers.identities.face_checks import Checked, FaceChecks
from workers.identities.kept_images import KeptImage
from workers.identities.opening import Identities
from workers.identities.records import Collection, NewFace
from workers.identities.refusals import no_person
from workers.identities.search import FaceSearcher
from workers.identities.seen import Compared, Seen
from workers.identities.trace_records import AuditEvent
from workers.photos.attempts import Ends
from workers.photos.photo import Order, PhotoPipeline

#: Faces of a photo that are looked at; more are "several" all the same.
MOST_FACES = 100


class ImageKeeper(Protocol):
    """Keeps photos, sealed; `workers.identities.kept_images.KeptImages`."""

    def keep(self, photo: bytes) -> KeptImage:
        """See KeptImages."""
        ...


class Enroller:
    """Adds the faces of photos to collections.

    Every photo is judged by its collection's quality policy; whatever the policy, a face that is
    not what its request requires, or can't be judged, is refused. Doing it again adds nothing
    twice and answers "known".

    Args:
        identities: The stores of known people.
        searcher: Finds who resembles a face.
        pipeline: Finds, measures and embeds faces.
        images: Keeps photos for collections that want that.
        presets: Thresholds measured for recognition models, by id.
    """

    def __init__(
        self,
        identities: Identities,
        searcher: FaceSearcher,
        pipeline: PhotoPipeline,
        images: ImageKeeper,
        presets: Mapping[str, VerificationThresholds],
    ) -> None:
        self._identities = identities
        self._pipeline = pipeline
        self._images = images
        self._checks = FaceChecks(identities, searcher, presets)

    def enroll(
        self, orders: Sequence[EnrollOrder], *, ends: Ends = ()
    ) -> list[EnrolledPhotoAnswer | Exception | None]:
        """Enrol photos, of any persons and collections.

        Args:
            orders: Any number; the persons are there already.
            ends: Errors that end the whole call, such as a time limit's.

        Returns:
            For each order what became of it, why nothing did, or None when nobody wants it.

        Raises:
            DeviceFault: nothing can be run in this process any more.
        """
        photos = [Enrolling(order=order) for order in orders]
        groups: defaultdict[str, list[Enrolling]] = defaultdict(list)
        for photo in photos:
            groups[photo.order.collection].append(photo)
        for uid, of_one in groups.items():
            try:
                self._into(uid, of_one, ends)
            except ends:
                raise
            except DeviceFault:
                raise
            except (WorkersError, ModelsError) as error:
                for photo in _going_on(of_one):
                    photo.failure = error
        return [photo.outcome for photo in photos]

    def _into(self, uid: str, photos: Sequence[Enrolling], ends: Ends) -> None:
        """Enrol photos into one collection, once more if its model was changed meanwhile."""
        collection = self._identities.collections.by_uid(uid)
        try:
            self._once(collection, photos, ends)
        except ContractMismatch:
            changed = self._identities.collections.by_uid(uid)
            if (changed.generation, changed.contract) == (
                collection.generation,
                collection.contract,
            ):
                raise
            self._once(changed, _going_on(photos), ends)

    def _once(self, collection: Collection, photos: Sequence[Enrolling], ends: Ends) -> None:
        self._drop_strangers(collection, photos)
        self._mark_known(collection, _going_on(photos))
        self._look(collection, _going_on(photos), ends)
        seen = _going_on(photos)
        checked = None
        if seen and collection.settings.quality != "off":
            checked = self._checks.check(collection, seen)
        for photo in _going_on(seen):
            if photo.is_known:
                photo.end("known")
        for of_one in _added_together(_going_on(seen)):
            try:
                self._add(collection, of_one, checked)
            except (ContractMismatch, VaultUnavailable):
                raise  # it concerns all
            except IdentityError as error:
                for photo in _going_on(of_one):
                    photo.failure = error

    def _drop_strangers(self, collection: Collection, photos: Sequence[Enrolling]) -> None:
        """Fail photos of who is not there any more, or is another one of that id by now.

        Before they are looked at; that nobody else gets their faces is up to `add_faces`.
        """
        meant: defaultdict[tuple[str, int], list[Enrolling]] = defaultdict(list)
        for photo in photos:
            if photo.order.leaf is not None:
                meant[photo.order.person, photo.order.leaf].append(photo)
        for (person, leaf), of_one in meant.items():
            try:
                is_there = self._identities.persons.get(collection.uid, person).leaf == leaf
            except PersonNotFound:
                is_there = False
            for photo in () if is_there else of_one:
                photo.failure = no_person()

    def _mark_known(self, collection: Collection, photos: Sequence[Enrolling]) -> None:
        """Mark photos whose face was added before the work was repeated."""
        ids = [photo.order.face_id for photo in photos]
        known = {one.face_id for one in self._identities.persons.vectors(collection.uid, ids)}
        for photo in photos:
            photo.is_known = photo.order.face_id in known

    def _look(self, collection: Collection, photos: Sequence[Enrolling], ends: Ends) -> None:
        keeps = collection.settings.keep_images
        orders = [
            Order(
                read=partial(photo.read, keeps=keeps),
                options=AnalyzeOptions(
                    analyses=("recognition", *gate_analyses(required(photo, collection))),
                    max_faces=MOST_FACES,
                    recognition_model=model_name(collection),
                ),
                is_wanted=photo.order.is_wanted,
                cause=photo.order.origin,
                choose=photo.order.choose,
                checks_upright=True,
            )
            for photo in photos
        ]
        for photo, found in zip(photos, self._pipeline.look_many(orders, ends=ends), strict=True):
            take_down(photo, found, collection)

    def _add(
        self, collection: Collection, photos: Sequence[Enrolling], checked: Checked | None
    ) -> None:
        """Add faces of one person, in one step, held against what comes until then.

        Of two who add look-alikes at once one is first, and the other is told of it.
        """
        # Some may have been struck for what came while those before them were added.
        photos = _going_on(photos)
        if not photos:
            return
        order = photos[0].order
        embeddings = [photo.embedding for photo in photos if photo.embedding]
        compared = None
        if checked:
            compared = Compared(version=checked.version, hold_against=checked.hold_against)
        added = self._identities.persons.add_faces(
            collection.uid,
            order.person,
            [
                self._new_face(photo, stored_vector(embedding))
                for photo, embedding in zip(photos, embeddings, strict=True)
            ],
            contract=contract_of(embeddings[0]),
            seen=Seen(generation=collection.generation, leaf=order.leaf, compared=compared),
            audit=AuditEvent(
                action="faces.enrolled",
                by=order.by,
                credential_id=order.credential_id,
                cause=order.origin,
                person_ids=(order.person,),
                detail={"photos": str(len(photos))},
            ),
        )
        if checked:
            checked.version = added.version
        for photo, outcome in zip(_going_on(photos), added.outcomes, strict=True):
            if outcome == "full":
                photo.refuse("person_full")
            else:
                photo.end(outcome)

    def _new_face(self, photo: Enrolling, vector: bytes) -> NewFace:
        kept = self._images.keep(photo.content) if photo.content else None
        return NewFace(
            id=photo.order.face_id,
            vector=vector,
            quality=photo.quality.score if photo.quality else None,
            source_sha256=photo.digest,
            origin=photo.order.origin,
            added_by=photo.order.by,
            image_key=kept.key if kept else "",
            image_secret=kept.secret if kept else "",
        )


def _added_together(photos: Sequence[Enrolling]) -> Iterable[list[Enrolling]]:
    """Photos of one person that one work adds for one user."""
    groups: defaultdict[tuple[object, ...], list[Enrolling]] = defaultdict(list)
    for photo in photos:
        order = photo.order
        one = (order.person, order.leaf, order.origin, order.by, order.credential_id)
        groups[one].append(photo)
    return groups.values()


def _going_on(photos: Iterable[Enrolling]) -> list[Enrolling]:
    return [photo for photo in photos if photo.goes_on]
