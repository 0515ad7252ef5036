"""People of a live stream: followed from frame to frame, named by one vote, forgotten at once."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from api.live.track_vote import FEWEST_FRAMES, VOTING_FRAMES
from api.live.tracks import FORGOTTEN_SECONDS, Box, Tracks
from workers.errors import StoreUnavailable
from workers.identities.records import Person

LEFT, RIGHT = (0.1, 0.1, 0.2, 0.2), (0.6, 0.1, 0.2, 0.2)


@dataclasses.dataclass(kw_only=True)
class World:
    """A stream's tracks, a clock, and whose enrolled faces are."""

    whose: dict[str, str] = dataclasses.field(
        default_factory=lambda: {"face_a": "anna", "face_a2": "anna", "face_b": "ben"}
    )
    now: float = 0.0
    is_away: bool = False
    asked: list[set[str]] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.tracks = Tracks(self.resolve, clock=lambda: self.now)

    def resolve(self, face_ids: Collection[str]) -> Mapping[str, Person]:
        if self.is_away:
            raise StoreUnavailable
        self.asked.append(set(face_ids))
        return {one: person(self.whose[one]) for one in face_ids if one in self.whose}

    def frame(self, *faces: dict[str, Any], seconds: float = 0.2) -> list[dict[str, Any]]:
        self.now += seconds
        return self.tracks.follow(faces)

    def frames(self, count: int, face: dict[str, Any]) -> dict[str, Any]:
        for _ in range(count - 1):
            self.frame(face)
        [told] = self.frame(face)
        return told


@pytest.fixture
def it() -> World:
    return World()


def test_a_person_is_named_once_enough_frames_name_them(it: World) -> None:
    told = [it.frame(match("face_a"))[0] for _ in range(4)]

    assert [one["decision"] for one in told] == ["uncertain", "uncertain", "match", "match"]
    assert [one["person"] and one["person"]["id"] for one in told] == [None, None, "anna", "anna"]
    assert told[0]["reasons"] == ["too_few_frames"]
    assert told[3] == {
        "id": 1,
        "frames": 4,
        "agreeing": 4,
        "decision": "match",
        "person": {"id": "anna", "name": "Anna", "external_id": "", "metadata": {}},
        "reasons": [],
    }


@pytest.mark.parametrize(
    ("matches", "others", "decision"),
    [(3, 2, "match"), (3, 3, "uncertain"), (2, 3, "uncertain"), (0, 5, "unknown")],
)
def test_more_than_half_of_the_frames_have_to_name_somebody(
    it: World, matches: int, others: int, decision: str
) -> None:
    for _ in range(others):
        it.frame(unknown())
    told = it.frames(matches, match("face_a")) if matches else it.frame(unknown())[0]

    assert told["decision"] == decision
    assert (told["person"] is not None) is (decision == "match")
    assert told["reasons"] == (["frames_disagree"] if decision == "uncertain" else [])


def test_frames_that_are_uncertain_name_nobody_however_many(it: World) -> None:
    told = it.frames(20, face(LEFT, "uncertain", "face_a"))

    assert (told["decision"], told["person"], told["agreeing"]) == ("uncertain", None, 0)


def test_several_faces_of_a_person_are_one_person(it: World) -> None:
    it.frames(2, match("face_a"))

    assert it.frames(1, match("face_a2"))["agreeing"] == 3


def test_old_frames_vote_no_more(it: World) -> None:
    it.frames(VOTING_FRAMES, unknown())
    told = it.frames(VOTING_FRAMES // 2 + 1, match("face_a"))

    assert (told["frames"], told["decision"]) == (VOTING_FRAMES, "match")


@pytest.mark.parametrize("reason", ["spoof_suspected", "manipulated_suspected"])
def test_one_suspicious_frame_leaves_a_track_without_a_name(it: World, reason: str) -> None:
    it.frame(face(LEFT, "unknown", "", reason))
    told = it.frames(FEWEST_FRAMES + 3, match("face_a"))
    assert (told["decision"], told["person"], told["reasons"]) == ("unknown", None, [reason])

    told = it.frames(VOTING_FRAMES, match("face_a"))
    assert told["decision"] == "match"


def test_somebody_who_was_deleted_is_not_named_by_earlier_frames(it: World) -> None:
    assert it.frames(4, match("face_a"))["decision"] == "match"
    it.whose = {"face_b": "ben"}

    told = it.frame(unknown())[0]

    assert (told["decision"], told["person"], told["agreeing"]) == ("unknown", None, 0)
    assert it.asked[-1] == {"face_a"}


def test_somebody_who_was_merged_is_named_as_whom_they_are_now(it: World) -> None:
    it.frames(4, match("face_a"))
    it.whose["face_a"] = it.whose["face_a2"] = "ben"

    told = it.frame(match("face_a"))[0]

    assert (told["person"]["id"], told["agreeing"], told["id"]) == ("ben", 5, 1)


def test_while_persons_can_t_be_looked_up_nobody_is_named(it: World) -> None:
    it.frames(4, match("face_a"))
    it.is_away = True

    with pytest.raises(StoreUnavailable):
        it.frame(unknown())


def test_two_people_are_two_tracks_in_whatever_order_they_are_found(it: World) -> None:
    for _ in range(3):
        told = it.frame(match("face_a", LEFT), match("face_b", RIGHT))
    told = it.frame(match("face_b", RIGHT), match("face_a", LEFT))

    assert [(one["id"], one["person"]["id"]) for one in told] == [(2, "ben"), (1, "anna")]


def test_a_track_that_turns_into_somebody_else_begins_anew(it: World) -> None:
    it.frames(5, match("face_a"))

    told = it.frame(match("face_b"))[0]

    assert told["id"] == 2
    assert (told["frames"], told["decision"], told["reasons"]) == (
        1,
        "uncertain",
        ["too_few_frames"],
    )


def test_who_moves_slowly_stays_who_they_are(it: World) -> None:
    for step in range(5):
        told = it.frame(match("face_a", (0.1 + 0.05 * step, 0.1, 0.2, 0.2)))

    assert (told[0]["id"], told[0]["decision"]) == (1, "match")


def test_who_jumps_or_was_away_is_somebody_new(it: World) -> None:
    it.frames(3, match("face_a", LEFT))

    assert it.frame(match("face_a", RIGHT))[0]["id"] == 2
    assert it.frame(match("face_a", RIGHT), seconds=FORGOTTEN_SECONDS + 1)[0]["id"] == 3


def test_faces_without_an_answer_are_followed_and_do_not_vote(it: World) -> None:
    it.frames(2, match("face_a"))

    told = it.frame({"bbox_normalized": box(LEFT), "identity": None})[0]

    assert (told["id"], told["frames"]) == (1, 2)


def test_nobody_is_asked_for_where_nobody_is_named(it: World) -> None:
    it.frame(unknown())
    it.frame()

    assert it.asked == []


def test_boxes_overlap_by_what_they_share() -> None:
    whole = Box(x=0, y=0, width=1, height=1)

    assert whole.overlap(whole) == 1
    assert whole.overlap(Box(x=0.5, y=0, width=1, height=1)) == pytest.approx(1 / 3)
    assert whole.overlap(Box(x=1, y=0, width=1, height=1)) == 0
    assert Box(x=0, y=0, width=0, height=0).overlap(whole) == 0


def match(face_id: str, where: tuple[float, ...] = LEFT) -> dict[str, Any]:
    return face(where, "match", face_id)


def unknown() -> dict[str, Any]:
    return face(LEFT, "unknown", "")


def face(where: tuple[float, ...], decision: str, face_id: str, *reasons: str) -> dict[str, Any]:
    candidates = [{"face_id": face_id, "person": {}, "similarity": 0.7}] if face_id else []
    identity = {"decision": decision, "candidates": candidates, "reasons": list(reasons)}
    return {"bbox_normalized": box(where), "identity": identity}


def box(where: tuple[float, ...]) -> dict[str, float]:
    return dict(zip(("x", "y", "width", "height"), where, strict=True))


def person(id_: str) -> Person:
    return Person(
        id=id_,
        leaf=1,
        name=id_.title(),
        external_id="",
        metadata={},
        consent=None,
        faces=1,
        revision=1,
        created_ms=0,
        updated_ms=0,
        enrolled_ms=0,
    )
