"""Every store keeps the same promises: who is made anew under an id is somebody else."""

import pytest

from tests.contract.identities.gallery import CONTRACT, NOTED, Gallery, face
from workers.identities.errors import PersonNotFound
from workers.identities.records import NewPerson
from workers.identities.seen import Seen


def test_who_was_made_anew_under_an_id_gets_no_faces_of_who_was_meant(it: Gallery) -> None:
    uid = it.collection().uid
    meant = it.person(uid, "zoe")
    it.stores.persons.delete(uid, "zoe", audit=NOTED)
    other = it.person(uid, "zoe")
    persons, one = it.stores.persons, [face("a")]

    with pytest.raises(PersonNotFound):
        persons.add_faces(
            uid, "zoe", one, contract=CONTRACT, seen=Seen(leaf=meant.leaf), audit=NOTED
        )

    assert persons.get(uid, "zoe") == other
    added = persons.add_faces(
        uid, "zoe", one, contract=CONTRACT, seen=Seen(leaf=other.leaf), audit=NOTED
    )
    assert added.outcomes == ("added",)


def test_a_person_keeps_their_leaf(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "yan")
    leaf = it.person(uid, "zoe").leaf
    it.add(uid, "zoe", "a")
    persons = it.stores.persons

    persons.change(uid, NewPerson(id="zoe", name="Z"), revision=None, audit=NOTED)
    persons.merge(uid, into="zoe", person_id="yan", audit=NOTED)

    assert persons.get(uid, "zoe").leaf == leaf
