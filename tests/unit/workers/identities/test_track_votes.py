"""One vote of all frames on who a person of a video is."""

import numpy as np
import pytest
import redis
from numpy.typing import NDArray

from models.deepfake.video import Sighting
from models.results import Box, DetectedFace
from tests.unit.workers.identities.album import (
    OTHER_MODEL,
    PRESETS,
    UID,
    Album,
    axis,
    embedding,
    like,
)
from workers.contract import Gate, IdentifyOptions
from workers.identities.errors import CollectionNotFound, ContractMismatch
from workers.identities.identifier import Identifier
from workers.identities.track_votes import TrackVotes
from workers.identities.video_namer import CollectionVideoNamer

#: A picture with detail, so that its faces have some quality.
DETAILED = np.random.default_rng(3).integers(60, 200, (120, 120, 3)).astype(np.uint8)
BLACK = np.zeros((120, 120, 3), np.uint8)
POINTS = np.array([[40, 45], [80, 45], [60, 65], [45, 85], [75, 85]], np.float32)


def _sighting(
    vector: NDArray[np.float32], *, track: int = 0, image: NDArray[np.uint8] = DETAILED
) -> Sighting:
    face = DetectedFace(box=Box(x=20, y=20, width=80, height=80), confidence=0.9, landmarks=POINTS)
    return Sighting(track=track, image=image, face=face, embedding=embedding(vector))


def test_the_votes_similarity_is_the_mean_of_its_frames() -> None:
    votes = TrackVotes()
    frames = [like(0, 0.9), like(0, 0.5, beside=3), like(0, 0.1, beside=4)]
    for frame in frames:
        votes.add(_sighting(frame))

    face = votes.face(0)

    similarity = float(face.embedding.vector @ axis(0)) * face.agreement
    assert similarity == pytest.approx(0.5, abs=1e-5)
    assert float(np.linalg.norm(face.embedding.vector)) == pytest.approx(1)
    assert face.agreement < 1


def test_a_frame_that_shows_nothing_has_no_vote() -> None:
    votes = TrackVotes()
    votes.add(_sighting(axis(0)))
    votes.add(_sighting(axis(1), image=BLACK))

    face = votes.face(0)

    assert face.embedding.vector == pytest.approx(axis(0), abs=1e-6)
    assert face.agreement == pytest.approx(1)


def test_a_person_of_whom_no_frame_shows_anything_is_not_named() -> None:
    votes = TrackVotes()
    votes.add(_sighting(axis(0), image=BLACK))

    assert votes.face(0).refusals == ("low_quality",)


def test_each_track_votes_for_itself() -> None:
    votes = TrackVotes()
    votes.add(_sighting(axis(0), track=0))
    votes.add(_sighting(axis(1), track=5))

    assert votes.face(0).embedding.vector == pytest.approx(axis(0))
    assert votes.face(5).embedding.vector == pytest.approx(axis(1))


@pytest.fixture
def album(fake_redis: redis.Redis) -> Album:
    made = Album(fake_redis)
    made.person("zoe", axis(0))
    made.person("max", axis(1))
    return made


@pytest.fixture
def namer(album: Album) -> CollectionVideoNamer:
    identifier = Identifier(album.stores, album.searcher, PRESETS)
    return CollectionVideoNamer(album.stores.collections, identifier)


def _asked(*require: Gate) -> IdentifyOptions:
    return IdentifyOptions(collection=UID, require=require)


def test_people_are_named_in_the_order_of_their_verdicts(
    album: Album, namer: CollectionVideoNamer
) -> None:
    people = namer.begin(_asked())
    for _ in range(3):
        people.add(_sighting(like(0, 0.8), track=0))
        people.add(_sighting(like(1, 0.8), track=1))

    named = people.name({1: "authentic", 0: "inconclusive"}, cause="job_1")

    assert [one.person and one.person.id for one in named.faces] == ["max", "zoe"]
    [event] = album.audited("identified")
    assert (event.cause, event.person_ids) == ("job_1", ("max", "zoe"))


def test_one_good_frame_among_many_of_somebody_else_names_nobody(
    namer: CollectionVideoNamer,
) -> None:
    people = namer.begin(_asked())
    people.add(_sighting(like(0, 0.9)))
    for place in (4, 5, 6, 7):
        people.add(_sighting(axis(place)))

    [who] = people.name({0: "authentic"}, cause="job_1").faces

    assert who.decision == "unknown"
    assert who.similarity == pytest.approx(0.18, abs=1e-2)


@pytest.mark.parametrize(
    ("require", "verdict", "decision"),
    [
        ((), "manipulated", "match"),
        (("authentic",), "authentic", "match"),
        (("authentic",), "manipulated", "unknown"),
        (("authentic",), "inconclusive", "unknown"),
        (("live",), "authentic", "unknown"),
    ],
)
def test_a_person_who_is_not_what_is_required_is_not_named(
    namer: CollectionVideoNamer, require: tuple[Gate, ...], verdict: str, decision: str
) -> None:
    people = namer.begin(_asked(*require))
    people.add(_sighting(axis(0)))

    [who] = people.name({0: verdict}, cause="job_1").faces

    assert who.decision == decision


def test_a_video_is_embedded_by_its_collections_model(
    album: Album, namer: CollectionVideoNamer
) -> None:
    assert namer.begin(_asked()).model == "sface"
    album.stores.collections.delete(UID, audit=album.audited("collection.created")[0])

    with pytest.raises(CollectionNotFound):
        namer.begin(_asked())


def test_a_video_by_another_model_names_nobody(namer: CollectionVideoNamer) -> None:
    people = namer.begin(_asked())
    sighting = _sighting(axis(0))
    foreign = Sighting(
        track=0,
        image=sighting.image,
        face=sighting.face,
        embedding=embedding(axis(0), OTHER_MODEL),
    )
    people.add(foreign)

    with pytest.raises(ContractMismatch):
        people.name({0: "authentic"}, cause="job_1")
