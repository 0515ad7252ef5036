"""Persons as numbers."""

import numpy as np

from workers.identities.index.person_numbers import PersonNumbers


def test_a_person_has_one_number_however_many_faces() -> None:
    persons = PersonNumbers()

    ann, bob, again = persons.take(["ann", "bob", "ann"]).tolist()

    assert ann == again != bob
    assert [persons.name(ann), persons.name(bob)] == ["ann", "bob"]
    assert len(persons) == 2


def test_without_faces_a_person_is_forgotten_and_the_number_given_to_another() -> None:
    persons = PersonNumbers()
    [ann, _] = persons.take(["ann", "ann"]).tolist()

    persons.give_back(ann)
    assert len(persons) == 1
    persons.give_back(ann)

    assert len(persons) == 0
    assert persons.name(ann) == ""
    assert persons.take(["bob"]).tolist() == [ann]


def test_persons_of_a_snapshot_go_on_being_counted() -> None:
    persons = PersonNumbers()
    persons.load(("ann", "bob"), np.array([1, 2], np.int32))

    persons.give_back(0)
    persons.give_back(1)

    assert len(persons) == 1
    assert persons.take(["cy", "bob"]).tolist() == [0, 1]
