"""Persons of folders: the same everywhere, and never two in one."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.enrollments.folder_person import folder_of, folder_person
from workers.identities.records import CLIENT_ID, NewPerson


def test_a_folder_that_can_be_an_id_is_one() -> None:
    assert folder_person("lfw/Aaron_Peirsol") == NewPerson(id="Aaron_Peirsol", name="Aaron_Peirsol")


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("Anna Müller", "Anna-Muller"),
        ("people/Žižek", "Zizek"),
        ("王芳", "person"),
        ("..hidden", "hidden"),
        ("x" * 70, "x" * 55),
    ],
)
def test_others_get_an_id_of_their_letters_and_a_digest(folder: str, words: str) -> None:
    person = folder_person(folder)

    assert re.fullmatch(re.escape(words) + "-[0-9a-f]{8}", person.id)
    assert person.name == folder.rpartition("/")[2]


@given(st.text(min_size=1, max_size=100), st.text(min_size=1, max_size=100))
def test_every_folder_has_an_id_and_two_have_two(first: str, second: str) -> None:
    one, other = folder_person(first), folder_person(second)

    assert CLIENT_ID.fullmatch(one.id)
    names = {unicodedata.normalize("NFC", person.name) for person in (one, other)}
    assert len({one.id, other.id}) == len(names)


def test_the_same_letters_written_otherwise_are_the_same_person() -> None:
    assert folder_person("Jose\u0301").id == folder_person("Jos\u00e9").id


def test_a_file_lies_in_the_folder_before_its_name() -> None:
    assert [folder_of(name) for name in ("a/b/c.jpg", "a/c.jpg", "c.jpg")] == ["a/b", "a", ""]
