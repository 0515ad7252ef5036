"""Which row a face has, beside a dictionary."""

import random

import numpy as np

from workers.identities.index.face_rows import FaceRows, face_numbers


def test_ids_are_told_as_they_were_given() -> None:
    ids = [f"face_{number:032x}" for number in (0, 1, 2**64, 2**128 - 1)]
    rows = FaceRows()

    rows.append(face_numbers(ids))

    assert [rows.face_id(row) for row in range(4)] == ids


def test_rows_are_those_of_a_dictionary_after_many_changes() -> None:
    dice = random.Random(1)  # noqa: S311 - no secret
    rows, known = FaceRows(), list[str]()
    for _ in range(60):
        # A few ids share their first half, as an import may bring them.
        new = {f"face_{dice.randrange(40):016x}{dice.randrange(2**20):016x}" for _ in range(200)}
        new -= set(known)
        rows.append(face_numbers(sorted(new)))
        known += sorted(new)
        for _ in range(dice.randrange(150)):
            row = dice.randrange(len(known))
            assert rows.remove(row) == len(known) - 1
            known[row] = known[-1]
            known.pop()

    asked = [*known, "face_" + "f" * 32]

    assert rows.rows(face_numbers(asked)).tolist() == [*range(len(known)), -1]
    assert len(rows) == len(known)


def test_many_at_once_are_found_like_one_after_another() -> None:
    ids = [f"face_{number * 7919:032x}" for number in range(20_000)]
    rows = FaceRows()

    rows.append(face_numbers(ids))

    assert rows.rows(face_numbers(ids)).tolist() == list(range(20_000))


def test_what_was_taken_out_is_overwritten() -> None:
    rows = FaceRows()
    rows.append(face_numbers(["face_" + "a" * 32, "face_" + "b" * 32]))

    rows.remove(0)

    assert rows.face_id(0) == "face_" + "b" * 32
    assert not np.any(rows._ids[1:])
