"""Hypothesis drives known people through everything that can happen to them, in any order."""

from typing import cast

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.contract.identities.gallery import (
    CONTRACT,
    NOTED,
    OTHER_CONTRACT,
    face_id,
    vector,
)
from tests.properties.identity_draws import MEANWHILE, WHICH
from tests.properties.identity_people import ModelCollection
from tests.properties.identity_rules import IdentityRules
from workers.identities.records import Collection, EmbeddingContract, FaceVector

JOBS = st.sampled_from(["job_1", "job_1", "job_2"])
PICK = st.integers(0, 9)
ALL_NAMES = {face_id(name): name for name in "abcdefgh"}


class IdentityMachine(IdentityRules):
    """Changes of model and readers of the log, and what has to hold."""

    # -- change of model --------------------------------------------------------------------------

    @rule(which=WHICH, job=JOBS)
    def begin(self, which: int, job: str) -> None:
        """Begin a change of model."""
        uid = self.uids[which]

        def begin() -> None:
            self.it.stores.reembedding.begin(uid, model="another", job_id=job)

        self.same(which, "", begin, lambda: self.model.begin(uid, job))

    @rule(
        which=WHICH,
        job=JOBS,
        limit=st.integers(1, 5),
        contract=st.sampled_from([OTHER_CONTRACT, OTHER_CONTRACT, CONTRACT]),
        meanwhile=MEANWHILE,
    )
    def embed(
        self, which: int, job: str, limit: int, contract: EmbeddingContract, meanwhile: str
    ) -> None:
        """A worker embeds some faces."""
        uid, store = self.uids[which], self.it.stores.reembedding
        told, pending = self.outcomes(
            lambda: {ALL_NAMES[one.id] for one in store.pending(uid, job, limit=limit)},
            lambda: self.model.pending(uid, job),
        )
        if isinstance(pending, type):
            assert told is pending
            return
        names = cast("set[str]", told)
        pending = cast("set[str]", pending)
        assert names <= pending
        assert bool(names) is bool(pending)
        assert len(names) <= limit
        coming = self.model.of(uid).coming
        made = [
            FaceVector(face_id=face_id(name), person_id="", vector=vector(f"{name}{coming}"))
            for name in names
        ]

        def add() -> None:
            store.add_vectors(uid, job, made, contract=contract)

        self.same(which, meanwhile, add, lambda: self.model.embed(uid, job, names, contract))

    @rule(which=WHICH, job=JOBS, end=st.sampled_from(["switch", "switch", "abandon"]))
    def end(self, which: int, job: str, end: str) -> None:
        """A worker ends the change."""
        uid, store = self.uids[which], self.it.stores.reembedding
        if end == "switch":
            self.same(
                which,
                "",
                lambda: store.switch(uid, job, audit=NOTED),
                lambda: self.model.switch(uid, job),
            )
        else:
            self.same(
                which, "", lambda: store.abandon(uid, job), lambda: self.model.abandon(uid, job)
            )

    @rule(which=WHICH)
    def change_all(self, which: int) -> None:
        """A whole change of model."""
        if self.uids[which] in self.model.collections:
            self.begin(which, "job_1")
            for _ in range(3):
                self.embed(which, "job_1", 5, OTHER_CONTRACT, "")
            self.end(which, "job_1", "switch")

    # -- readers ----------------------------------------------------------------------------------

    @rule(pick=PICK)
    def begin_anew(self, pick: int) -> None:
        """A reader begins a rebuild."""
        reader = self.readers[pick % len(self.readers)]
        if reader.uid in self.model.collections:
            reader.begin_anew()

    @rule(pick=PICK)
    def scan_some(self, pick: int) -> None:
        """A reader goes on with it."""
        reader = self.readers[pick % len(self.readers)]
        if reader.uid in self.model.collections:
            reader.scan_some()

    @rule(pick=PICK)
    def follow(self, pick: int) -> None:
        """A reader comes to the head, and has what is there."""
        reader = self.readers[pick % len(self.readers)]
        if reader.uid not in self.model.collections:
            return
        head = reader.follow()
        found = self.model.collections[reader.uid]
        assert (head.place, head.faces) == (reader.place, len(found.faces))
        readable = {
            face_id(name): (person_id, vector(label))
            for name, (person_id, label) in self.model.readable(reader.uid).items()
        }
        forgotten = {
            face_id(name) for name, one in found.faces.items() if one.key in self.model.destroyed
        }
        # Of an old copy it may have followed what is forgotten: that is nobody's any more.
        known = {key: told for key, told in reader.faces.items() if key not in forgotten}
        assert known == readable

    # -- what has to hold -------------------------------------------------------------------------

    @invariant()
    def store_and_model_agree(self) -> None:
        """After every step: collections, persons, faces, and whose they are."""
        for uid, found in self.model.collections.items():
            told = self.it.stores.collections.by_uid(uid)
            assert _counts(told) == (
                len(found.persons),
                len(found.faces),
                found.generation,
                found.contract,
                found.job or None,
            )
            if told.reembedding:
                assert told.reembedding.done == len(found.faces) - len(
                    self.model.pending(uid, found.job)
                )
            self._persons_agree(uid, found)
            assert self.it.stores.log.snapshot_leaves(uid) == set(found.snapshots)

    def _persons_agree(self, uid: str, found: ModelCollection) -> None:
        listed = self.it.stores.persons.list(uid, limit=10).items
        assert [
            (one.id, one.name, one.external_id, one.consent, one.faces, one.revision)
            for one in listed
        ] == [
            (
                id_,
                one.data.name,
                one.data.external_id,
                one.data.consent,
                len(one.faces),
                one.revision,
            )
            for id_, one in found.persons.items()
            if not self.model.is_ghost(one)
        ]
        whose = self.it.stores.persons.resolve(uid, ALL_NAMES)
        assert {ALL_NAMES[id_]: one.id for id_, one in whose.items()} == {
            name: person_id for name, (person_id, _) in self.model.readable(uid).items()
        }

    def teardown(self) -> None:
        """Whatever happened, readers come to the head and keys are destroyed."""
        for place in range(len(self.readers)):
            self.follow(place)
        self.destroy()
        for uid in self.model.collections:
            assert set(self.it.all_vectors(uid)) == {
                face_id(name) for name in self.model.readable(uid)
            }


def _counts(told: Collection) -> tuple[object, ...]:
    job = told.reembedding.job_id if told.reembedding else None
    return told.persons, told.faces, told.generation, told.contract, job
