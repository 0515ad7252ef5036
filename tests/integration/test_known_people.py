"""Known people as jobs with real networks: five persons of LFW enrolled, named, verified."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from models.weights.store import WeightStore
from tests.integration.knowing_worker import UID, KnowingWorker
from workers.contract import AnalyzeOptions, IdentifyOptions, JobState
from workers.identities.records import CollectionSettings, NewCollection
from workers.identities.trace_records import AuditEvent
from workers.jobs.options import EnrollOptions, VerifyOptions, VideoOptions

pytestmark = pytest.mark.weights

#: Photos to enrol and others to be named by; George H. W. Bush stays a stranger.
PEOPLE = ("Tony_Blair", "Wen_Jiabao", "Pete_Sampras", "David_Beckham", "Vicente_Fox")
STRANGER = "George_HW_Bush"
ENROLLED = 3


@pytest.fixture(scope="module")
def photos_of(shared: Path) -> Callable[[str], Sequence[bytes]]:
    """The photos of a person of LFW, by the name with underscores."""
    folder = shared / "data" / "lfw" / "images"
    return lambda name: [path.read_bytes() for path in sorted(folder.glob(f"{name}_0*.jpg"))]


@pytest.fixture(scope="module")
def enrolled(
    weights: WeightStore, photos_of: Callable[[str], Sequence[bytes]]
) -> Iterator[tuple[KnowingWorker, dict[str, Any]]]:
    """A fleet that knows five persons, and what their enrolments answered."""
    with ExitStack() as opened:
        fleet = KnowingWorker(weights, opened)
        made = AuditEvent(action="collection.created", by="ada")
        new = NewCollection(uid=UID, id="album", owner="ada", settings=CollectionSettings())
        fleet.identities.collections.create(new, most=1, audit=made)
        answers = {}
        for name in PEOPLE:
            fleet.person(name)
            options = EnrollOptions(collection=UID, person=name, face="center", by="ada")
            answers[name] = fleet.result(options, *photos_of(name)[:ENROLLED])
        yield fleet, answers


def _identify(**more: Any) -> AnalyzeOptions:  # noqa: ANN401 - members
    asked = IdentifyOptions(collection=UID, by="ada", **more)
    return AnalyzeOptions(analyses=("recognition",), max_faces=1, identify=asked)


def test_photos_of_five_persons_are_enrolled(
    enrolled: tuple[KnowingWorker, dict[str, Any]],
) -> None:
    fleet, answers = enrolled

    for name, answer in answers.items():
        assert answer["person"]["name"] == name.replace("_", " ")
        assert (answer["accepted"], answer["person_faces"]) == (ENROLLED, ENROLLED)
        assert all(photo["similar_to"] is None for photo in answer["photos"])
        assert all(0.5 <= photo["quality_score"] <= 1 for photo in answer["photos"])
    assert fleet.identities.collections.by_uid(UID).faces == ENROLLED * len(PEOPLE)
    assert len(list(fleet.blobs.older_than(-1))) == 0


@pytest.mark.parametrize("name", PEOPLE)
def test_other_photos_of_theirs_are_named(
    enrolled: tuple[KnowingWorker, dict[str, Any]],
    photos_of: Callable[[str], Sequence[bytes]],
    name: str,
) -> None:
    fleet, _ = enrolled

    answer = fleet.result(_identify(), photos_of(name)[ENROLLED])

    [face] = answer["faces"]
    assert (face["identity"]["decision"], face["identity"]["person"]["id"]) == ("match", name)
    assert face["identity"]["similarity"] >= answer["identification"]["threshold"]
    assert face["recognition"]["matches"][0]["person_id"] == name
    assert face["recognition"]["matches_missing"] is None
    assert answer["timings_ms"]["identity"] > 0


def test_a_stranger_is_unknown(
    enrolled: tuple[KnowingWorker, dict[str, Any]], photos_of: Callable[[str], Sequence[bytes]]
) -> None:
    fleet, _ = enrolled

    answers = [fleet.result(_identify(), photo) for photo in photos_of(STRANGER)[:3]]

    for answer in answers:
        [face] = answer["faces"]
        assert face["identity"]["decision"] == "unknown"
        assert (face["identity"]["person"], face["identity"]["candidates"]) == (None, [])
        assert face["recognition"]["matches"] == []
        assert face["recognition"]["matches_missing"] == "nobody_similar"


def test_without_a_collection_nobody_is_looked_for(
    enrolled: tuple[KnowingWorker, dict[str, Any]], photos_of: Callable[[str], Sequence[bytes]]
) -> None:
    fleet, _ = enrolled

    answer = fleet.result(AnalyzeOptions(analyses=("recognition",)), photos_of(PEOPLE[0])[0])

    assert "identification" not in answer
    assert "identity" not in answer["faces"][0]
    assert answer["faces"][0]["recognition"]["matches"] is None
    assert answer["faces"][0]["recognition"]["matches_missing"] == "no_database"


def test_a_face_that_can_not_be_judged_live_is_not_named(
    enrolled: tuple[KnowingWorker, dict[str, Any]], photos_of: Callable[[str], Sequence[bytes]]
) -> None:
    fleet, _ = enrolled

    # The gate is asked for, and its analysis was not done.
    answer = fleet.result(_identify(require=("live",)), photos_of(PEOPLE[0])[ENROLLED])

    [face] = answer["faces"]
    assert face["identity"]["reasons"] == ["liveness_not_judged"]
    assert (face["identity"]["decision"], face["identity"]["similarity"]) == ("unknown", None)
    assert face["recognition"]["matches"] is None
    assert face["recognition"]["matches_missing"] == "not_allowed"


def test_a_collection_that_is_not_there_fails_the_job(
    enrolled: tuple[KnowingWorker, dict[str, Any]], photos_of: Callable[[str], Sequence[bytes]]
) -> None:
    fleet, _ = enrolled
    asked = IdentifyOptions(collection="col_" + "2" * 32)

    job = fleet.ended(
        AnalyzeOptions(analyses=("recognition",), identify=asked), photos_of(PEOPLE[0])[0]
    )

    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.code == "collection_not_found"


def test_a_person_is_verified_and_another_is_not(
    enrolled: tuple[KnowingWorker, dict[str, Any]], photos_of: Callable[[str], Sequence[bytes]]
) -> None:
    fleet, _ = enrolled
    photo = photos_of(PEOPLE[0])[ENROLLED]

    own, others = (
        fleet.result(VerifyOptions(collection=UID, person=name, face="center"), photo)
        for name in PEOPLE[:2]
    )

    assert (own["is_match"], own["compared"], own["reasons"]) == (True, ENROLLED, [])
    assert own["similarity"] >= own["threshold"]
    assert (own["far"], own["expected_far"]) == (1e-3, pytest.approx(3e-3))
    assert (others["is_match"], others["reasons"]) == (False, ["below_threshold"])
    assert [point["far"] for point in own["thresholds"]] == [1e-2, 1e-3, 1e-4, 1e-5]


def test_a_photo_of_somebody_else_among_a_persons_is_refused(
    enrolled: tuple[KnowingWorker, dict[str, Any]], photos_of: Callable[[str], Sequence[bytes]]
) -> None:
    fleet, _ = enrolled
    fleet.person("new")
    own, strange = photos_of("Silvio_Berlusconi"), photos_of(STRANGER)

    answer = fleet.result(
        EnrollOptions(collection=UID, person="new", face="center"), own[0], strange[0], own[1]
    )

    assert [photo["outcome"] for photo in answer["photos"]] == ["added", "refused", "added"]
    assert answer["photos"][1]["reasons"] == ["another_person"]


def test_a_person_under_a_second_id_is_told(
    enrolled: tuple[KnowingWorker, dict[str, Any]], photos_of: Callable[[str], Sequence[bytes]]
) -> None:
    fleet, _ = enrolled
    fleet.person("double")

    answer = fleet.result(
        EnrollOptions(collection=UID, person="double", face="center"),
        photos_of(PEOPLE[1])[ENROLLED],
    )

    [photo] = answer["photos"]
    assert (photo["outcome"], photo["similar_to"]["person_id"]) == ("added", PEOPLE[1])
    assert photo["warnings"] == ["identity_similarity_conflict"]
    fleet.identities.persons.delete(
        UID, "double", audit=AuditEvent(action="person.deleted", by="ada")
    )


def test_a_person_of_a_video_is_named_by_one_vote_of_all_frames(
    enrolled: tuple[KnowingWorker, dict[str, Any]],
    photos_of: Callable[[str], Sequence[bytes]],
    tmp_path: Path,
) -> None:
    fleet, _ = enrolled
    clip = _clip(tmp_path / "clip.avi", photos_of(PEOPLE[2])[ENROLLED : ENROLLED + 2])

    told = fleet.result(VideoOptions(max_frames=5, identify=IdentifyOptions(collection=UID)), clip)
    gated = fleet.result(
        VideoOptions(max_frames=5, identify=IdentifyOptions(collection=UID, require=("live",))),
        clip,
    )

    named = [track["identity"]["person"]["id"] for track in told["tracks"] if track["frames"] > 2]
    assert named == [PEOPLE[2]]
    assert told["identification"]["collection"] == "album"
    for track in gated["tracks"]:
        assert track["identity"]["decision"] == "unknown"
        assert "liveness_not_judged" in track["identity"]["reasons"]


def test_everything_that_was_asked_was_noted(
    enrolled: tuple[KnowingWorker, dict[str, Any]], photos_of: Callable[[str], Sequence[bytes]]
) -> None:
    fleet, _ = enrolled
    before = fleet.identities.forgetting.audited(UID, limit=1).items[0].id

    job = fleet.ended(_identify(), photos_of(PEOPLE[0])[ENROLLED])

    stored = fleet.identities.forgetting.audited(UID, limit=1).items[0]
    assert stored.id != before
    assert (stored.event.action, stored.event.by) == ("identified", "ada")
    assert (stored.event.cause, stored.event.person_ids) == (job.id, (PEOPLE[0],))


def _clip(path: Path, photos: Sequence[bytes]) -> bytes:
    """Two seconds: the photos one after the other, enlarged."""
    pictures = [np.asarray(Image.open(io.BytesIO(photo)).convert("RGB")) for photo in photos]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (500, 500))
    for number in range(20):
        picture = cv2.resize(pictures[number * len(pictures) // 20], (500, 500))
        writer.write(picture[:, :, ::-1])
    writer.release()
    return path.read_bytes()
