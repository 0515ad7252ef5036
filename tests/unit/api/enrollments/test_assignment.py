"""Whom each file shows, by a list or by folders, in whatever order they come."""

import dataclasses
from collections.abc import Iterator

import pytest

from api.batches.entries import Photo, Refused
from api.batches.photos import Sent
from api.enrollments.assignment import Assignment, People, turn_of
from api.enrollments.folder_person import folder_person
from api.enrollments.roster import Admitted, NotAdmitted
from api.errors import ApiError
from workers.identities.records import NewPerson

TAKEN = NotAdmitted(code="external_id_taken", message="Another person has it.")
LEAF = 7
OTHER = NotAdmitted(code="person_exists", message="With other data.", is_there=True)
LIST = b"file,person_id,name\nx/1.jpg,anna,Anna\n2.jpg,ben,\n3.jpg,,\n"


@dataclasses.dataclass(kw_only=True)
class Desk:
    """Admits persons, and is told what tells requests apart."""

    refused: dict[str, NotAdmitted] = dataclasses.field(default_factory=dict)
    is_replay: bool = False
    admitted: list[tuple[str, str, bool]] = dataclasses.field(default_factory=list)
    told: bytes = b""

    def admit(self, told: NewPerson, *, is_checked: bool) -> Admitted | NotAdmitted:
        self.admitted.append((told.id, told.name, is_checked))
        return self.refused.get(told.id) or Admitted(leaf=LEAF)

    def tell_apart(self, content: bytes) -> None:
        self.told += content

    def assign(self, *sent: Sent, people: People = "auto") -> Iterator[Sent]:
        assignment = Assignment(roster=self, request=self, people=people, most_rows=10)
        return assignment.assigned(sent)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_list_says_whom_photos_show(desk: Desk) -> None:
    sent = desk.assign(listed(), file("x/1.jpg"), file("2.jpg"))

    assert [of(one) for one in sent] == [
        ("x/1.jpg", "anna", None),
        ("2.jpg", "ben", None),
        ("3.jpg", "", "invalid_line"),
    ]
    assert desk.admitted == [("anna", "Anna", True), ("ben", "", True)]


def test_names_in_a_list_are_relative_to_its_folder(desk: Desk) -> None:
    sent = desk.assign(
        listed("my/people/manifest.csv"),
        file("my/people/x/1.jpg"),
        file("x/1.jpg"),
        file("my/people/3.jpg"),
    )

    assert [of(one) for one in sent] == [
        ("my/people/x/1.jpg", "anna", None),
        ("x/1.jpg", "", "not_listed"),
        ("my/people/3.jpg", "", "invalid_line"),
        ("my/people/2.jpg", "", "file_missing"),
    ]


def test_what_a_list_does_not_name_or_names_in_vain_is_told(desk: Desk) -> None:
    broken = Refused(id="y.jpg", code="entry_damaged", message="It is damaged.")
    sent = desk.assign(listed(), file("z.jpg"), broken)

    assert [of(one) for one in sent] == [
        ("z.jpg", "", "not_listed"),
        ("y.jpg", "", "entry_damaged"),
        ("x/1.jpg", "", "file_missing"),
        ("2.jpg", "", "file_missing"),
        ("3.jpg", "", "invalid_line"),
    ]
    assert not desk.admitted


def test_a_line_without_a_file_has_its_number(desk: Desk) -> None:
    sent = desk.assign(file("manifest.csv", b"file,person_id\n,anna\n"))

    assert [of(one) for one in sent] == [("manifest.csv:2", "", "invalid_line")]


def test_somebody_who_can_t_be_admitted_costs_their_photos_only(desk: Desk) -> None:
    desk.refused = {"anna": TAKEN, "ben": OTHER}
    sent = desk.assign(listed(), file("x/1.jpg"), file("2.jpg"))

    assert [of(one) for one in sent][:2] == [
        ("x/1.jpg", "", "external_id_taken"),
        ("2.jpg", "ben", "person_exists"),
    ]


def test_a_photo_is_of_the_very_person_who_was_admitted(desk: Desk) -> None:
    sent = [*desk.assign(listed(), file("x/1.jpg")), *desk.assign(file("Anna/1.jpg"))]

    photos = [one for one in sent if isinstance(one, Photo)]
    assert [(one.subject, one.leaf) for one in photos] == [("anna", LEAF), ("Anna", LEAF)]


def test_folders_stand_for_people_where_there_is_no_list(desk: Desk) -> None:
    sent = desk.assign(file("lfw/Anna/1.jpg"), file("lfw/Anna/2.jpg"), file("lfw/B b/1.jpg"))

    assert [of(one)[1] for one in sent] == ["Anna", "Anna", folder_person("B b").id]
    assert desk.admitted[0] == ("Anna", "Anna", False)


def test_a_file_in_no_folder_shows_nobody(desk: Desk) -> None:
    assert [of(one) for one in desk.assign(file("1.jpg"))] == [("1.jpg", "", "not_listed")]


def test_two_folders_of_one_name_are_not_one_person(desk: Desk) -> None:
    sent = desk.assign(file("work/Anna/1.jpg"), file("home/Anna/1.jpg"), file("work/Anna/2.jpg"))

    assert [of(one)[2] for one in sent] == [None, "ambiguous_person", None]


def test_a_list_that_comes_late_ends_the_request(desk: Desk) -> None:
    sent = desk.assign(file("Anna/1.jpg"), listed())
    assert of(next(sent))[1] == "Anna"

    with pytest.raises(ApiError) as raised:
        list(sent)

    assert raised.value.code == "manifest_missing"


def test_who_asks_for_folders_gets_them_although_there_is_a_list(desk: Desk) -> None:
    sent = desk.assign(listed("Anna/manifest.csv"), file("Anna/1.jpg"), people="folders")

    assert [of(one)[1] for one in sent] == ["Anna", "Anna"]


@pytest.mark.parametrize("sent", [(), ("Anna/1.jpg",)])
def test_who_asks_for_a_list_is_told_that_there_is_none(desk: Desk, sent: tuple[str, ...]) -> None:
    with pytest.raises(ApiError) as raised:
        list(desk.assign(*map(file, sent), people="manifest"))

    assert raised.value.code == "manifest_missing"
    assert not desk.admitted


def test_nothing_is_nothing(desk: Desk) -> None:
    assert not list(desk.assign())


def test_a_request_that_was_done_admits_nobody_and_is_the_same(desk: Desk) -> None:
    again = Desk(is_replay=True)
    sent = (listed(), file("x/1.jpg"))

    first, second = list(desk.assign(*sent)), list(again.assign(*sent))

    assert [of(one) for one in first] == [of(one) for one in second]
    assert desk.told == again.told
    assert not again.admitted


@pytest.mark.parametrize(
    "other", [("x/1.jpg", b"another photo"), ("x/2.jpg", b"a photo"), ("manifest.csv", LIST)]
)
def test_other_files_are_told_apart(desk: Desk, other: tuple[str, bytes]) -> None:
    again = Desk()
    list(desk.assign(file("x/1.jpg", b"a photo"), people="folders"))
    list(again.assign(file(*other), people="folders"))

    assert desk.told != again.told


def test_the_highest_list_of_an_archive_is_its_first_file() -> None:
    names = ["b/1.jpg", "b/manifest.csv", "a/2.jpg", "manifest.csv", "my-manifest.csv"]

    assert sorted(names, key=turn_of)[:2] == ["manifest.csv", "b/manifest.csv"]
    assert sorted(names, key=turn_of)[2:] == ["b/1.jpg", "a/2.jpg", "my-manifest.csv"]


def file(name: str, content: bytes = b"a photo") -> Photo:
    return Photo(id=name, content=content)


def listed(name: str = "manifest.csv") -> Photo:
    return file(name, LIST)


def of(one: Sent) -> tuple[str, str, str | None]:
    assert isinstance(one, (Photo, Refused))
    return one.id, one.subject, one.code if isinstance(one, Refused) else None
