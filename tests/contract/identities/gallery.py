"""The stores of known people with a clock that can be put forward, and makers of what they take."""

import dataclasses
import hashlib
import itertools
import struct

import redis

from workers.identities.kept_images import KeptImage, KeptImages
from workers.identities.keys import VaultSeals
from workers.identities.opening import Identities, open_identities
from workers.identities.records import (
    AddedFaces,
    Collection,
    CollectionSettings,
    Consent,
    EmbeddingContract,
    FaceVector,
    NewCollection,
    NewFace,
    NewPerson,
    Person,
)
from workers.identities.store import Page
from workers.identities.trace_records import AuditEvent
from workers.identities.vault import MemoryVault
from workers.settings.process import Settings

#: Of every store here.
SETTINGS = Settings(
    identity_log_kept=100,
    identity_audit_kept=1000,
    result_ttl_seconds=3600,
    task_time_limit_seconds=300,
)
CONTRACT = EmbeddingContract(
    model="sface", sha256="ab" * 32, preprocessing_version="1", dimensions=4
)
OTHER_CONTRACT = dataclasses.replace(CONTRACT, model="another", sha256="cd" * 32)
#: Both settings of results, ms.
RESULTS_MS = 3_900_000
SECOND_MS = 1000


def uid_of(number: int) -> str:
    """A uid as the gateway makes them."""
    return f"col_{number:032x}"


def face_id(name: str) -> str:
    """The id of a face by a name of the test's choice."""
    return "face_" + hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def vector(name: str) -> bytes:
    """Four float16 that no other name has."""
    digest = hashlib.sha256(name.encode()).digest()
    return struct.pack("<4e", *(byte / 256 for byte in digest[:4]))


def face(name: str, *, photo: str | None = None, image: str = "") -> NewFace:
    """A face that is to be enrolled; `photo`: of a photo that is not its own."""
    return NewFace(
        id=face_id(name),
        vector=vector(name),
        quality=0.75,
        source_sha256=name if photo is None else photo,
        origin="job_1",
        added_by="ada",
        image_key=image,
        image_secret=image and f"secret of {image}",
    )


def event(action: str = "person.created", **more: str) -> AuditEvent:
    """Something to be noted."""
    return AuditEvent(action=action, by="ada", detail=more)  # type: ignore[arg-type]


NOTED = event()
CONSENT = Consent(given_ms=5, purpose="the album", evidence="file 7")


@dataclasses.dataclass(kw_only=True)
class Gallery:
    """What tests work with."""

    client: redis.Redis
    seals: VaultSeals
    #: Of the seals, unless they are a test's own.
    vault: MemoryVault
    stores: Identities
    #: Milliseconds; the store's.
    clock: "list[int]"
    numbers: "itertools.count[int]" = dataclasses.field(default_factory=lambda: itertools.count(1))

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock[0] += int(seconds * SECOND_MS)

    def collection(
        self, id_: str = "album", *, owner: str = "ada", settings: CollectionSettings | None = None
    ) -> Collection:
        """A new collection."""
        new = NewCollection(
            uid=uid_of(next(self.numbers)),
            id=id_,
            owner=owner,
            settings=settings or CollectionSettings(),
        )
        return self.stores.collections.create(new, most=100, audit=event("collection.created"))

    def person(self, uid: str, id_: str = "zoe", **more: object) -> Person:
        """A new person."""
        new = NewPerson(id=id_, **more)  # type: ignore[arg-type]
        return self.stores.persons.put(uid, new, audit=NOTED)[0]

    def add(
        self, uid: str, person_id: str, *names: str, contract: EmbeddingContract = CONTRACT
    ) -> AddedFaces:
        """Enrol faces of these names."""
        faces = [face(name) for name in names]
        return self.stores.persons.add_faces(
            uid, person_id, faces, contract=contract, audit=event("faces.enrolled")
        )

    def known(self, uid: str, *people: str) -> None:
        """Persons of these ids, each with a face named after them and 1."""
        for person_id in people:
            self.person(uid, person_id)
            self.add(uid, person_id, f"{person_id}1")

    def names_of(self, uid: str, person_id: str) -> list[str]:
        """Ids of a person's faces."""
        return [one.id for one in self.stores.persons.faces(uid, person_id)]

    def all_vectors(self, uid: str) -> dict[str, FaceVector]:
        """All of `scan`."""
        found: dict[str, FaceVector] = {}
        cursor, is_first = "", True
        while cursor or is_first:
            page = self.stores.log.scan(uid, cursor=cursor, limit=3)
            found |= {one.face_id: one for one in page.vectors}
            cursor, is_first = page.cursor, False
        return found

    def everybody(self, uid: str, *, limit: int = 2) -> list[str]:
        """Ids of all persons, page by page."""
        found: list[str] = []
        page: Page[Person] = self.stores.persons.list(uid, limit=limit)
        found += [one.id for one in page.items]
        while page.after:
            page = self.stores.persons.list(uid, limit=limit, after=page.after)
            found += [one.id for one in page.items]
        return found

    def destroy_keys(self) -> None:
        """What maintenance does after deletions."""
        for uid, leaves in self.stores.forgetting.doomed(limit=1000).items():
            if leaves is None:
                version = self.seals.destroy(uid)
            else:
                version = self.seals.destroy_leaves(uid, leaves)
            self.stores.forgetting.destroyed(uid, leaves, keys_version=version)


def gallery(
    client: redis.Redis,
    settings: Settings = SETTINGS,
    seals: VaultSeals | None = None,
    vault: MemoryVault | None = None,
) -> Gallery:
    """The stores on a client whose answers are bytes."""
    vault = vault or MemoryVault()
    seals = seals or VaultSeals(vault)
    clock = [1_800_000_000_000]
    stores = open_identities(client, settings, seals, clock_ms=lambda: clock[0])
    return Gallery(client=client, seals=seals, vault=vault, stores=stores, clock=clock)


def old_copy(it: Gallery) -> dict[bytes, bytes]:
    """Everything the server has."""
    dumps = ((key, it.client.dump(key)) for key in it.client.scan_iter("*"))
    return {key: dump for key, dump in dumps if dump is not None}


def put_back(it: Gallery, copy: dict[bytes, bytes]) -> None:
    """Have the server as it was then. The key vault stays as it is."""
    for key in list(it.client.scan_iter("*")):
        it.client.delete(key)
    for key, dump in copy.items():
        it.client.restore(key, 0, dump)


def keep(it: Gallery, images: KeptImages, uid: str, person_id: str, name: str) -> KeptImage:
    """Enrol a face with a kept photo."""
    kept = images.keep(f"photo of {name}".encode())
    new = dataclasses.replace(face(name), image_key=kept.key, image_secret=kept.secret)
    it.stores.persons.add_faces(uid, person_id, [new], contract=CONTRACT, audit=NOTED)
    return kept
