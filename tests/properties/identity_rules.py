"""What can happen to known people, as rules; tests.properties.identity_machine has what must hold.

A call that seals reads first and writes last. In between its process may be killed, and others may
do anything: `meanwhile` says what.
"""

import copy
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import pytest
import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.contract.identities.gallery import (
    CONTRACT,
    NOTED,
    OTHER_CONTRACT,
    Gallery,
    face,
    face_id,
    gallery,
    old_copy,
    put_back,
    uid_of,
)
from tests.properties.identity_draws import (
    DATA,
    MEANWHILE,
    NAMES,
    OWNERS,
    PEOPLE,
    PHOTOS,
    WHICH,
)
from tests.properties.identity_model import Model
from tests.properties.identity_people import MOST_FACES, MOST_PERSONS, ModelCollection
from tests.properties.identity_reader import Reader
from tests.properties.identity_seals import KilledError, WatchedSeals, outcome_of
from workers.identities.errors import KeyDestroyed
from workers.identities.keys import VaultSeals
from workers.identities.records import CollectionSettings, NewCollection, NewPerson
from workers.identities.vault import MemoryVault

T = TypeVar("T")


class IdentityRules(RuleBasedStateMachine):
    """Two collections of two owners, under the same id; a subclass says in which store."""

    client: ClassVar[redis.Redis]

    def __init__(self) -> None:
        super().__init__()
        self.client.flushdb()
        self.seals = WatchedSeals(MemoryVault())
        self.it: Gallery = gallery(self.client, seals=self.seals)
        self.model = Model()
        #: Uid at each of the two places.
        self.uids = ["", ""]
        self.readers: list[Reader] = []
        self.copy: tuple[dict[bytes, bytes], Model, list[str]] | None = None

    @initialize()
    def start(self) -> None:
        """Both, with somebody in each."""
        for which in range(2):
            self.create(which)
            self.put(which, "zoe", {}, "")
            self.add(which, "zoe", ["a", "b"], "own", "", other=False)

    # -- collections ------------------------------------------------------------------------------

    @rule(which=WHICH)
    def create(self, which: int) -> None:
        """A collection, unless it is there."""
        if self.uids[which] in self.model.collections:
            return
        owner = OWNERS[which]
        new = NewCollection(
            uid=uid_of(next(self.it.numbers)),
            id="album",
            owner=owner,
            settings=CollectionSettings(
                most_persons=MOST_PERSONS, most_faces_per_person=MOST_FACES
            ),
        )
        made = self.it.stores.collections.create(new, most=1, audit=NOTED)
        assert made.uid == new.uid
        self.uids[which] = new.uid
        self.model.collections[new.uid] = ModelCollection(owner=owner, id="album")
        self.readers.append(Reader(self.it, new.uid))

    @rule(which=WHICH)
    def drop(self, which: int) -> None:
        """Delete a collection."""
        if (uid := self.uids[which]) not in self.model.collections:
            return
        certificate = self.it.stores.collections.delete(uid, audit=NOTED)
        assert certificate == self.it.stores.collections.delete(uid, audit=NOTED)
        found = self.model.collections.pop(uid)
        assert certificate.faces == len(found.faces)
        self.model.gone.add(uid)

    # -- persons ----------------------------------------------------------------------------------

    @rule(which=WHICH, person_id=PEOPLE, data=DATA, meanwhile=MEANWHILE)
    def put(self, which: int, person_id: str, data: dict[str, Any], meanwhile: str) -> None:
        """Make a person."""
        uid, new = self.uids[which], NewPerson(id=person_id, **data)
        self.same(
            which,
            meanwhile,
            lambda: self.it.stores.persons.put(uid, new, audit=NOTED)[1],
            lambda: self.model.put(uid, new),
        )

    @rule(which=WHICH, person_id=PEOPLE, data=DATA, old=st.booleans(), meanwhile=MEANWHILE)
    def change(
        self, which: int, person_id: str, data: dict[str, Any], old: bool, meanwhile: str
    ) -> None:
        """Replace a person's data."""
        uid, new = self.uids[which], NewPerson(id=person_id, **data)
        revision = 1 if old else None

        def change() -> None:
            self.it.stores.persons.change(uid, new, revision=revision, audit=NOTED)

        self.same(which, meanwhile, change, lambda: self.model.change(uid, new, revision))

    @rule(which=WHICH, into=PEOPLE, person_id=PEOPLE)
    def merge(self, which: int, into: str, person_id: str) -> None:
        """Give a person's faces to another one."""
        uid, persons = self.uids[which], self.it.stores.persons

        def merge() -> None:
            persons.merge(uid, into=into, person_id=person_id, audit=NOTED)

        self.same(which, "", merge, lambda: self.model.merge(uid, into, person_id))

    @rule(which=WHICH, person_id=PEOPLE)
    def delete(self, which: int, person_id: str) -> None:
        """Delete a person."""
        uid = self.uids[which]

        def delete() -> int:
            made = self.it.stores.persons.delete(uid, person_id, audit=NOTED)
            assert made == self.it.stores.persons.delete(uid, person_id, audit=NOTED)
            return made.faces

        told, expected = self.outcomes(delete, lambda: self.model.delete(uid, person_id))
        assert expected is None or told == expected

    # -- faces ------------------------------------------------------------------------------------

    @rule(
        which=WHICH,
        person_id=PEOPLE,
        names=NAMES,
        photo=PHOTOS,
        meanwhile=MEANWHILE,
        other=st.booleans(),
    )
    def add(
        self,
        which: int,
        person_id: str,
        names: list[str],
        photo: str,
        meanwhile: str,
        *,
        other: bool,
    ) -> None:
        """Enrol faces, now and then of another model."""
        uid, contract = self.uids[which], CONTRACT
        if (found := self.model.collections.get(uid)) and found.contract and not other:
            contract = found.contract
        elif other:
            contract = OTHER_CONTRACT
        faces = [face(name, photo=None if photo == "own" else photo) for name in names]
        photos = [(one, one if photo == "own" else photo) for one in names]
        self.it.advance(1)
        self.same(
            which,
            meanwhile,
            lambda: (
                self.it.stores.persons.add_faces(
                    uid, person_id, faces, contract=contract, audit=NOTED
                ).outcomes
            ),
            lambda: self.model.add(uid, person_id, photos, contract, self.it.clock[0]),
        )

    @rule(which=WHICH, name=st.sampled_from("abcdefgh"))
    def delete_face(self, which: int, name: str) -> None:
        """Delete a face."""
        uid, persons = self.uids[which], self.it.stores.persons
        self.same(
            which,
            "",
            lambda: persons.delete_face(uid, face_id(name), audit=NOTED),
            lambda: self.model.delete_face(uid, name),
        )

    # -- what is left to do, and old copies -------------------------------------------------------

    @rule()
    def destroy(self) -> None:
        """Maintenance destroys keys."""
        self.it.destroy_keys()
        for uid, found in self.model.collections.items():
            for leaf in found.doomed_snapshots:
                with pytest.raises(KeyDestroyed):
                    VaultSeals.seal(self.seals, uid, leaf, b"", purpose="snapshot")
        self.model.destroy()
        for owner in OWNERS:
            for one in self.it.stores.forgetting.certificates(owner, limit=1000).items:
                assert one.keys_destroyed_ms

    @rule(which=WHICH)
    def snapshot(self, which: int) -> None:
        """An index takes a snapshot."""
        if found := self.model.collections.get(self.uids[which]):
            leaf = self.it.stores.log.take_leaf(self.uids[which])
            assert leaf not in found.snapshots
            found.snapshots[leaf] = set(found.faces)

    @rule()
    def back_up(self) -> None:
        """A copy of the store is made; of the vault there is none."""
        self.copy = old_copy(self.it), copy.deepcopy(self.model), list(self.uids)

    @rule()
    def restore(self) -> None:
        """The copy is put back."""
        if self.copy is None:
            return
        dumps, model, uids = self.copy
        put_back(self.it, dumps)
        destroyed, wrecked = self.model.destroyed, self.model.wrecked
        keys = self.model.new_key()
        self.model, self.uids = copy.deepcopy(model), list(uids)
        self.model.destroyed |= destroyed
        self.model.wrecked |= wrecked
        self.model.go_on_from(keys)
        for which, uid in enumerate(self.uids):
            if uid in self.model.wrecked and uid in self.model.collections:
                # Nothing in it can be read: its owner deletes it again.
                self.drop(which)

    def change_all(self, which: int) -> None:
        """A whole change of model; tests.properties.identity_machine has it."""
        raise NotImplementedError(which)

    # -- how they are compared --------------------------------------------------------------------

    def same(
        self, which: int, meanwhile: str, call: Callable[[], T], expected: Callable[[], T]
    ) -> None:
        """Make a call; store and model must tell the same."""
        if meanwhile and not self.has_ghosts(which):
            self.seals.meanwhile = lambda: self.happens(which, meanwhile)
        try:
            told, wanted = self.outcomes(call, expected)
        except KilledError:
            return
        finally:
            self.seals.meanwhile = None
        assert told == wanted

    def outcomes(self, call: Callable[[], T], expected: Callable[[], T]) -> tuple[object, object]:
        """What both told: an answer, or the kind of error."""
        return outcome_of(call), outcome_of(expected)

    def happens(self, which: int, what: str) -> None:
        """Something else happens in the same collection."""
        if what == "killed":
            raise KilledError
        acts: dict[str, Callable[[], None]] = {
            "delete": lambda: self.delete(which, "zoe"),
            "merge": lambda: self.merge(which, "yan", "zoe"),
            "add": lambda: self.add(which, "zoe", ["a", "h"], "own", "", other=False),
            "put": lambda: self.put(which, "zoe", {"name": "Zoë", "external_id": "hr-1"}, ""),
            "delete face": lambda: self.delete_face(which, "a"),
            "drop": lambda: self.drop(which),
            "change model": lambda: self.change_all(which),
            "come back": lambda: (self.delete(which, "zoe"), self.put(which, "zoe", {}, ""))[-1],
            "destroy": lambda: (self.delete(which, "zoe"), self.destroy())[-1],
        }
        acts[what]()

    def has_ghosts(self, which: int) -> bool:
        """Whether an old copy has brought something back that can't be read."""
        found = self.model.collections.get(self.uids[which])
        keys = {key for person in found.persons.values() for key in person.keys} if found else set()
        keys |= {one.key for one in found.faces.values()} if found else set()
        return bool(keys & self.model.destroyed)
